"""Filters and joins as values, and how values compare."""
