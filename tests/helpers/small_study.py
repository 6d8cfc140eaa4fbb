"""A small study that runs on the made-up table, and its file."""

from pathlib import Path

GOOD = """
schema = 1
name = "small"
shard = 3
traces = true
[defaults]
budget = { seconds = 2000 }
seeds = 5
[[searches]]
strategy = "random"
[[searches]]
strategy = "rea"
label = "small-rea"
epochs = 200
seeds = 4
first_seed = 10
budget = { queries = 12 }
parameters = { population = 4, sample = 2 }
bounds = { "skeleton.flops" = 2e7 }
skeleton = { cells_per_stage = 1 }
"""


def write(folder: Path, text: str) -> Path:
    """Write a study below a folder; return its file."""
    path = folder / "study.toml"
    path.write_text(text)
    return path
