"""Joules of one inference: the power that boards draw, and how far that carries."""
