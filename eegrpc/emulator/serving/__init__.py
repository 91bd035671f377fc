"""From a request to its answer: the servicer, what limits it, and what it says."""
