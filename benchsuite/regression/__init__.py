"""Baselines: what is saved, how it is measured again, and what counts as a change."""
