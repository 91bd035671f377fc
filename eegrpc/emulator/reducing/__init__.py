"""Reducers as values, over numbers and over the types of pixels."""
