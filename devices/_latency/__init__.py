"""Cycles of operators and of networks, by runtime."""
