"""The results as documents: findings first, then a page per paper, made of one run's output.

`docs/results/contents.toml` says which findings and pages there are; `docs/results/collect.py` is
the command.
"""
