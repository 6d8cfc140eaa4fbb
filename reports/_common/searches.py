"""What reports of searches share: the pick of every seed at a budget, means over seeds, claims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from benchsuite.api import Outcome
from benchsuite.reports._common.verdicts import Verdict, holm
from benchsuite.stats import intervals
from benchsuite.stats.intervals import Estimate

LEVEL = (
    "95 % interval over seeds (t, wider where they are skewed), none below "
    f"{intervals.FOR_MEAN} seeds or where all give one answer"
)

_MOST_DIGITS = 6

Array = NDArray[np.float64]
Interval = tuple[float, float, float]


@dataclass(frozen=True)
class Claim:
    """What a paper says of a search, what this run says of it, and the verdict.

    printed_alone: it is held against other printed statements, not against anything made here.
    """

    paper: str
    where: str
    says: str
    ours: str
    verdict: Verdict
    printed_alone: bool = False

    @property
    def sentence(self) -> str:
        """The claim and what this run says of it, for a note."""
        return (
            f"{self.where}: {self.says}. Here: {self.ours}. Verdict: {self.verdict}"
            f" [{self.verdict.basis}]."
        )


def claims_table(claims: Sequence[Claim]) -> pd.DataFrame:
    """Return one row per claim; `after Holm`: the verdict corrected for the number of tests."""
    corrected = holm([claim.verdict for claim in claims])
    return pd.DataFrame(
        {
            "paper": claim.paper,
            "where": claim.where,
            "claim": claim.says,
            "ours": claim.ours,
            "verdict": str(claim.verdict),
            "n": str(claim.verdict.n or ""),
            "margin": claim.verdict.margin,
            "rule": claim.verdict.rule,
            "p": claim.verdict.p,
            "after Holm": kind,
            "printed alone": "yes" if claim.printed_alone else "no",
        }
        for claim, kind in zip(claims, corrected, strict=True)
    )


def mean_interval(values: ArrayLike) -> tuple[Array, Array, Array]:
    """Return mean, lower and upper end [...] over the seeds, the first axis of values [S, ...]."""
    mean = intervals.mean(values)
    return mean.value, *mean.interval()


def interval(values: ArrayLike) -> Interval:
    """Return mean, lower and upper end over seeds, of values [S]."""
    return with_ends(intervals.mean(values))


def with_ends(estimate: Estimate) -> Interval:
    """Return a single estimate and the ends of its interval."""
    low, high = estimate.interval()
    return float(estimate.value), float(low), float(high)


def spelt(name: str, ends: Interval, low: str = "", high: str = "") -> dict[str, float]:
    """Return the three columns of an interval, by default `name`, `name lo` and `name hi`."""
    return dict(zip((name, low or f"{name} lo", high or f"{name} hi"), ends, strict=True))


def spread(estimate: Estimate, digits: int = 2) -> str:
    """Return a single estimate as `value [low, high]`, or why it has no interval.

    With more digits where an end would be printed as zero and is not.
    """
    if np.isnan(estimate.value):
        return "no value"
    low, high = estimate.interval()
    if estimate.reason is None:
        digits = enough(digits, float(low), float(high))
    ends = f"[{low:.{digits}f}, {high:.{digits}f}]" if estimate.reason is None else ""
    return f"{estimate.value:.{digits}f} {ends or f'({estimate.reason})'}"


def enough(digits: int, *ends: float) -> int:
    """Return how many decimals show of which sign the ends of an interval are, up to six."""
    known = [abs(end) for end in ends if np.isfinite(end) and end]
    while digits < _MOST_DIGITS and any(round(end, digits) == 0 for end in known):
        digits += 1
    return digits


def picks(
    outcome: Outcome, label: str, budgets: ArrayLike, axis: str = "clock"
) -> NDArray[np.int64]:
    """Return the cell [S, T] that each seed would answer if stopped at each budget [T]; -1: none.

    axis: `clock`, budgets in simulated seconds, or `queries`. Before its end that is the best cell
    the search has queried, of a search that answers as it goes its answer then; from its end on,
    its answer.
    """
    budgets = np.asarray(budgets, dtype=np.float64)
    trace = outcome.trace(label)
    runs = outcome.runs[outcome.runs["search"] == label]
    starts, ends = (
        np.searchsorted(trace["seed"], runs["seed"], side) for side in ("left", "right")
    )
    spent = (trace["clock"] if axis == "clock" else _queries(trace)).to_numpy()
    best = trace["best"].to_numpy()
    cells = np.full((len(runs), len(budgets)), -1, dtype=np.int64)
    name = "simulated_seconds" if axis == "clock" else axis
    for row, start, end, cell, last in zip(
        cells, starts, ends, runs["cell"], runs[name], strict=True
    ):
        if end > start:
            at = np.searchsorted(spent[start:end], budgets, side="right") - 1
            row[:] = np.where(at >= 0, best[start:end][at], -1)
        row[budgets >= last] = cell
    return cells


def valued(cells: NDArray[np.int64], values: NDArray[np.float64]) -> Array:
    """Return the values of cells, NaN for -1."""
    return np.where(cells >= 0, values[cells], np.nan)


def _queries(trace: pd.DataFrame) -> pd.Series:
    """Return how many trainings each seed has paid for after each look."""
    is_query = trace["looked_at"].astype(str).str.startswith("valid.")
    return is_query.groupby(trace["seed"]).cumsum()
