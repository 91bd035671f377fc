"""Numbers, text, dates and arrays, as Earth Engine reads, computes and prints them."""
