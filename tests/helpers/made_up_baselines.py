"""Baselines of the made-up table: of one search, and of its columns."""

from collections.abc import Callable
from typing import Any

import pandas as pd
from search_tables import table as made_up_table

from benchsuite.regression import measure
from benchsuite.regression.baseline import FRAMES, Baseline, Settings
from benchsuite.regression.replays import replays
from benchsuite.table.table import Values

STUDY = """schema = 1
name = "quick"
[[searches]]
strategy = "{strategy}"
label = "it"
seeds = 30
budget = {{ queries = {queries} }}
"""


def replayed(strategy: str, queries: int = 60) -> Baseline:
    """A baseline of one search on the made-up table."""
    texts = {"quick": STUDY.format(strategy=strategy, queries=queries)}
    rows, speeds = replays(texts, made_up_table(), (), {}, lambda text: None)
    frames = {"replays": rows, "speeds": pd.DataFrame(speeds)}
    settings = Settings(table=False)
    said = {"quick": STUDY.format(strategy="rea", queries=60)}  # Whatever was searched with.
    return Baseline(settings, measure.machine(), frames=frames, studies=said)


def whole(**changed: Callable[[Any], Any]) -> Baseline:
    """A baseline of the made-up table with some columns' values changed."""
    table = made_up_table()
    kept = measure._kept(table)
    values = [
        Values(kept.columns[name], change(kept.values(name)), "gone")
        for name, change in changed.items()
    ]
    new = kept.without(changed).with_columns(values)
    exact = tuple(n for n, c in kept.columns.items() if c.kind in ("cost", "device", "accuracy"))
    row = ("flops@1", "d", "a", 9, 0, 0.5, 0.4, 0.6)
    tau = pd.DataFrame([row], columns=list(FRAMES["tau"]))
    return Baseline(Settings(), measure.machine(), new, exact, {"tau": tau})
