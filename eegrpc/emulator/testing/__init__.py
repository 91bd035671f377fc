"""What tests see and change: the journal of requests, and the state of each project."""
