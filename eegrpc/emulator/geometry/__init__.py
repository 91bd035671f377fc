"""Geometries on the sphere: what they are, measure, and become; and projections."""
