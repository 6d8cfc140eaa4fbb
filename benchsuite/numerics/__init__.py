"""Numbers that are the same on every machine: ties, elementary functions, stated digits."""
