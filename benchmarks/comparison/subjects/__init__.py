"""The clients: ours, what lies beneath ours, and its peers. One file each, or one for what belongs together."""
