"""What reports of searches share: the pick of every seed at a budget, means over seeds, claims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from benchsuite.outcomes import Outcome

RESAMPLES = 2000
LEVEL = "95 % of resamples of the seeds"

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Claim:
    """What a paper says of a search, and what this run says of it.

    holds: True, False, or None where the intervals leave it open or the run cannot say.
    """

    paper: str
    where: str
    says: str
    ours: str
    holds: bool | None

    @property
    def verdict(self) -> str:
        """`holds`, `does not hold` or `open`."""
        return {True: "holds", False: "does not hold", None: "open"}[self.holds]

    @property
    def sentence(self) -> str:
        """The claim and what this run says of it, for a note."""
        return f"{self.where}: {self.says}. Here: {self.ours}. Verdict: {self.verdict}."


def claims_table(claims: Sequence[Claim]) -> pd.DataFrame:
    """Return one row per claim."""
    return pd.DataFrame(
        {
            "paper": claim.paper,
            "where": claim.where,
            "claim": claim.says,
            "ours": claim.ours,
            "verdict": claim.verdict,
        }
        for claim in claims
    )


def mean_interval(values: ArrayLike, seed: int = 0) -> tuple[Array, Array, Array]:
    """Return mean, lower and upper end [...] over the seeds, the first axis of values [S, ...].

    The ends are the 2.5 % and 97.5 % quantiles of the means of `RESAMPLES` bootstrap samples of the
    seeds, the same samples for every column; all NaN where a seed has no value.
    """
    x = np.asarray(values, dtype=np.float64)
    n = len(x)
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    means = np.tensordot(counts / n, x, axes=1)
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    return x.mean(axis=0), low, high


def difference(one: ArrayLike, other: ArrayLike) -> tuple[float, float, float]:
    """Return the difference of two means over seeds and its interval, the samples independent."""
    (a, b), (x, y) = (_resampled(one, 0), _resampled(other, 1)), (one, other)
    low, high = np.quantile(a - b, [0.025, 0.975])
    return float(np.mean(x) - np.mean(y)), float(low), float(high)


def sign(interval: tuple[float, float, float]) -> int:
    """Return 1 or -1 where an interval (value, low, high) lies above or below 0, 0 where on it."""
    _, low, high = interval
    return int(low > 0) - int(high < 0)


def spread(interval: tuple[float, float, float], digits: int = 2) -> str:
    """Return `value [low, high]` as text."""
    value, low, high = interval
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def picks(
    outcome: Outcome, label: str, budgets: ArrayLike, axis: str = "clock"
) -> NDArray[np.int64]:
    """Return the cell [S, T] that each seed would answer if stopped at each budget [T]; -1: none.

    axis: `clock`, budgets in simulated seconds, or `queries`. Before its end that is the best cell
    the search has queried; from its end on, its answer.
    """
    budgets = np.asarray(budgets, dtype=np.float64)
    trace = outcome.trace(label)
    runs = outcome.runs[outcome.runs["search"] == label]
    starts, ends = (
        np.searchsorted(trace["seed"], runs["seed"], side) for side in ("left", "right")
    )
    spent = (trace["clock"] if axis == "clock" else _queries(trace)).to_numpy()
    best = trace["best"].to_numpy()
    found = np.full((len(runs), len(budgets)), -1, dtype=np.int64)
    name = "simulated_seconds" if axis == "clock" else axis
    for row, start, end, cell, last in zip(
        found, starts, ends, runs["cell"], runs[name], strict=True
    ):
        if end > start:
            at = np.searchsorted(spent[start:end], budgets, side="right") - 1
            row[:] = np.where(at >= 0, best[start:end][at], -1)
        row[budgets >= last] = cell
    return found


def valued(cells: NDArray[np.int64], values: NDArray[np.float64]) -> Array:
    """Return the values of cells, NaN for -1."""
    return np.where(cells >= 0, values[cells], np.nan)


def _queries(trace: pd.DataFrame) -> pd.Series:
    """Return how many trainings each seed has paid for after each look."""
    is_query = trace["looked_at"].astype(str).str.startswith("valid.")
    return is_query.groupby(trace["seed"]).cumsum()


def _resampled(values: ArrayLike, seed: int) -> Array:
    x = np.asarray(values, dtype=np.float64)
    drawn = np.random.default_rng(seed).integers(len(x), size=(RESAMPLES, len(x)))
    means: Array = x[drawn].mean(axis=1)
    return means
