"""Images as values, their bands, and what becomes of these."""
