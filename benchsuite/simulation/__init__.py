"""What a strategy sees: the problem, the clock, the trace and the search itself."""
