"""Sums of ranks, for scores that put several proxies together over a set of candidates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from benchsuite.numerics.arithmetic import log as logarithm
from benchsuite.numerics.ties import levels, merged

Values = NDArray[np.float64]


def log_rank_sum(parts: Sequence[str]) -> Callable[[Mapping[str, Values]], dict[str, Values]]:
    """Return what sums the log ranks of columns, among the cells that have the first of them."""

    def combine(columns: Mapping[str, Values]) -> dict[str, Values]:
        candidates = np.isfinite(columns[parts[0]])
        return {"": rank_sum((columns[name] for name in parts), candidates, log=True)}

    return combine


def rank_sum(columns: Iterable[Values], candidates: NDArray[np.bool_], *, log: bool) -> Values:
    """Return the sum over columns of rank/N, or of its log, NaN outside the candidates.

    columns: values [15625], larger is better. Ranks run from 1 to the number N of candidates,
    ties share their mean rank; a value that is missing for a candidate ranks below all others.
    Sums that differ by rounding alone are made equal (see `benchsuite.numerics.ties`).
    """
    score = np.where(candidates, 0.0, np.nan)
    for values in columns:
        inside = values[candidates]
        level = levels(np.where(np.isfinite(inside), inside, -np.inf))
        rank = rankdata(level) / max(len(inside), 1)
        score[candidates] += logarithm(rank) if log else rank
    return merged(score)
