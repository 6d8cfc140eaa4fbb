"""What reports of UDC's searches share: seeds that keep their size, and accuracies of those."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchsuite.deployment.narrow import BYTES
from benchsuite.replays.outcome import Outcome
from benchsuite.replays.study import Entry
from benchsuite.reports._common.searches import Interval, interval, spelt, spread, with_ends
from benchsuite.reports._common.tables import kind
from benchsuite.stats import intervals
from benchsuite.table.table import Table

COMPRESSED = "compressed: ESTIMATED accuracy"
KEEP, SEEDS, DIFFERENT = "keep the bound", "seeds", "different answers"
COLUMN = "compressed.test.cifar10"
RESPONSE = (
    "accuracies stand on a compression response measured on small networks of 39 to 46 % accuracy, "
    "whose own error is in no interval"
)
Array = NDArray[np.float64]

_FORM = ["cell", "bits", "densities", "widths"]


def runs_of(outcome: Outcome, label: str) -> pd.DataFrame:
    """Return the runs of a search, one row per seed."""
    return outcome.runs[outcome.runs["search"] == label]


def bound(entry: Entry) -> float:
    """Return the size [bytes] that a search has to keep."""
    return float(entry.setting.bounds[BYTES])


def within(runs: pd.DataFrame, column: str = COLUMN) -> Array:
    """Return the accuracies [%] of the seeds that keep the bound: the paper prints no others."""
    return runs.loc[runs["feasible"].astype(bool), column].to_numpy(dtype=np.float64)


def gap(one: Array, other: Array) -> Interval:
    """Return the difference of two means over seeds and the ends of its interval."""
    return with_ends(intervals.difference(one, other))


def points(one: Array, other: Array) -> str:
    """Return a difference of accuracies as text."""
    return f"{spread(intervals.difference(one, other))} points"


def counted(runs: pd.DataFrame) -> dict[str, int]:
    """Return how many seeds there are, keep the bound, and gave different answers."""
    return {
        SEEDS: len(runs),
        KEEP: int(runs["feasible"].sum()),
        DIFFERENT: len(runs[_FORM].astype(str).drop_duplicates()),
    }


def accuracies(table: Table, runs: pd.DataFrame) -> Mapping[str, float]:
    """Return the accuracies of the seeds that keep the bound, as compressed and uncompressed."""
    return spelt(COMPRESSED, interval(within(runs))) | spelt(
        f"uncompressed: {kind(table)}", interval(within(runs, "test.cifar10"))
    )


def about_compression(outcome: Outcome) -> str:
    """Return the sentence that says what the accuracies of compressed networks stand on."""
    assumed = " and ".join(sorted(outcome.runs["assumes"].dropna().unique()))
    return (
        f"Accuracies of compressed networks are estimates: those of the cell through the {assumed};"
        " uncompressed is the same cell at full width and precision. Means are over the seeds that "
        "keep the bound; others have a size, but no accuracy, as in the paper."
    )
