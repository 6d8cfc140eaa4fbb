"""What reports of UDC's searches share: seeds that keep their size, and accuracies of those."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchsuite.api import Entry, Outcome
from benchsuite.deployment.narrow import BYTES
from benchsuite.replays import compressed
from benchsuite.reports._common.searches import Interval, interval, spelt, spread, with_ends
from benchsuite.reports._common.tables import kind
from benchsuite.stats.intervals import Estimate
from benchsuite.table.table import Table

COMPRESSED = "compressed: ESTIMATED accuracy"
KEEP, SEEDS, DIFFERENT = "keep the bound", "seeds", "different answers"
COLUMN = "compressed.test.cifar10"
OVER = "seeds and cells of the response"
BOTH_ERRORS = (
    "Intervals of what rests on the response hold its error and that of the seeds together: it is "
    "taken without each of the cells that it was measured on (jackknife)."
)
Array = NDArray[np.float64]

_FORM = ["cell", "bits", "densities", "widths"]


def runs_of(outcome: Outcome, label: str) -> pd.DataFrame:
    """Return the runs of a search, one row per seed."""
    return outcome.runs[outcome.runs["search"] == label]


def bound(entry: Entry) -> float:
    """Return the size [bytes] that a search has to keep."""
    return float(entry.setting.bounds[BYTES])


def within(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs that keep the bound: the paper prints accuracies of no others."""
    return runs[runs["feasible"].astype(bool)]


def gap(one: pd.DataFrame, other: pd.DataFrame, column: str = COLUMN) -> Estimate:
    """Return the difference [points] of two searches' mean accuracies, of seeds within the bound.

    Its error is that of the seeds and of the response together.
    """
    return compressed.difference(within(one), within(other), column)


def points(one: pd.DataFrame, other: pd.DataFrame, column: str = COLUMN) -> str:
    """Return a difference of accuracies as text."""
    return f"{spread(gap(one, other, column))} points"


def counted(runs: pd.DataFrame) -> dict[str, int]:
    """Return how many seeds there are, keep the bound, and gave different answers."""
    return {
        SEEDS: len(runs),
        KEEP: int(runs["feasible"].sum()),
        DIFFERENT: len(runs[_FORM].astype(str).drop_duplicates()),
    }


def accuracies(table: Table, runs: pd.DataFrame) -> Mapping[str, float]:
    """Return the accuracies of the seeds that keep the bound, as compressed and uncompressed."""
    kept = within(runs)
    return spelt(COMPRESSED, mean_ends(kept, COLUMN, "test.cifar10")) | spelt(
        f"uncompressed: {kind(table)}", interval(kept["test.cifar10"])
    )


def mean_ends(kept: pd.DataFrame, column: str, uncompressed: str) -> Interval:
    """Return a mean accuracy of compressed networks and its interval.

    It ends where that of the same cells uncompressed does: compression adds nothing.
    """
    value, low, high = with_ends(compressed.mean(kept, column))
    mean, _, most = interval(kept[uncompressed])
    return value, low, min(high, mean if np.isnan(most) else most)


def about_compression(outcome: Outcome) -> str:
    """Return the sentence that says what the accuracies of compressed networks stand on."""
    assumed = " and ".join(sorted(outcome.runs["assumes"].dropna().unique()))
    return (
        f"Accuracies of compressed networks are estimates: those of the cell through the {assumed};"
        f" uncompressed is the same cell at full width and precision. {BOTH_ERRORS} Where it would "
        "reach beyond the upper end of `uncompressed`, it ends there, for compression adds "
        "nothing; the lower ends are as they come. Means are over the seeds that keep the bound; "
        "others have a size, but no accuracy, as in the paper."
    )
