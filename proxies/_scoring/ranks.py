"""Sums of ranks and votes, which put several proxies together over a set of candidates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from benchsuite.numerics.arithmetic import log as logarithm
from benchsuite.numerics.ties import levels, merged

Values = NDArray[np.float64]
_AT_ONCE = 32  # Rows of comparisons that stay in a processor's cache.


def log_rank_sum(parts: Sequence[str]) -> Callable[[Mapping[str, Values]], dict[str, Values]]:
    """Return what sums the log ranks of columns, among the cells that have the first of them."""

    def combine(columns: Mapping[str, Values]) -> dict[str, Values]:
        candidates = np.isfinite(columns[parts[0]])
        return {"": rank_sum((columns[name] for name in parts), candidates, log=True)}

    return combine


def majority_vote(columns: Iterable[Values], candidates: NDArray[np.bool_]) -> Values:
    """Return by how many candidates a cell beats more than beat it, over N; NaN outside them.

    columns: values [15625], larger is better. A cell beats another if more than half of the columns
    hold it better; a missing value is the worst, and ties are for neither. Time: O(classes^2).
    """
    inside = (np.where(np.isfinite(v), v, -np.inf)[candidates] for v in columns)
    table = np.array([levels(values) for values in inside])
    levels_of, of_cell, count = np.unique(table, axis=1, return_inverse=True, return_counts=True)
    # Whole numbers below 2^24: sums of single precision are exact in any order.
    weight, need = count.astype(np.float32), len(levels_of) // 2
    won, lost = np.empty_like(weight), np.zeros_like(weight)
    for start in range(0, len(weight), _AT_ONCE):
        block = slice(start, start + _AT_ONCE)
        votes = sum((row[block, None] > row).view(np.int8) for row in levels_of)
        beats = (votes > need).astype(np.float32)
        won[block] = beats @ weight
        lost += weight[block] @ beats
    score = np.full(len(candidates), np.nan)
    score[candidates] = (won - lost)[of_cell].astype(np.float64) / max(len(of_cell), 1)
    return score


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
