"""How an expression becomes a value: its graph, the functions declared, and what their arguments are made into."""
