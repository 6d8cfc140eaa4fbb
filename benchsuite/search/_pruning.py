"""Pruning of a supernet by ranks of what each operator's removal costs (MONAS, TE-NAS).

Source: Qiao et al., "MONAS: Efficient Zero-Shot Neural Architecture Search for MCUs", section 3.3,
equation 3 and algorithm 2. From all five operators on all edges, four outer steps each remove one
operator per edge. A candidate is an operator on an edge; Delta(I) = I(space) - I(space without it);
candidates are ranked over all edges, position 0 is the best to prune. The score is the sum of
weighted ranks; per edge the smallest score goes. Ties: the lower operator index.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.cell import EDGES, OPS

Array = NDArray[np.float64]
Left = NDArray[np.bool_]

# One evaluation of the whole space and of every candidate in each outer step.
EVALUATIONS = sum(1 + len(EDGES) * left for left in range(2, len(OPS) + 1))


@dataclass(frozen=True)
class Term:
    """One indicator: its value for what is left [6, 5], its sign, its share of the score.

    sign: 1 prunes where Delta is small first, -1 where it is large; a missing Delta comes last.
    """

    value: Callable[[Left], float]
    sign: int
    share: float


def prune(terms: Sequence[Term], finished: Callable[[int], None] = lambda step: None) -> Left:
    """Return what is left of all operators: one per edge, bool [6, 5].

    finished: called after each outer step with its number, from 1.
    """
    left = np.ones((len(EDGES), len(OPS)), dtype=bool)
    step = 0
    while left.sum() > len(EDGES):
        candidates = np.argwhere(left)
        score = np.zeros(len(candidates))
        for term in terms:
            deltas = _deltas(term.value, left, candidates)
            score += term.share * ranks(term.sign * deltas, candidates[:, 1])
        for edge in range(len(EDGES)):
            here = np.flatnonzero(candidates[:, 0] == edge)
            left[edge, candidates[here[score[here].argmin()], 1]] = False
        step += 1
        finished(step)
    return left


def _deltas(value: Callable[[Left], float], left: Left, candidates: NDArray[np.int64]) -> Array:
    """Return I(space) - I(space without the candidate) for every candidate."""
    whole = value(left)
    deltas = np.empty(len(candidates))
    for i, (edge, op) in enumerate(candidates):
        without = left.copy()
        without[edge, op] = False
        deltas[i] = whole - value(without)
    return deltas


def ranks(values: Array, ops: NDArray[np.int64]) -> Array:
    """Return positions in ascending order; equal values (to ten digits) by operator index."""
    size = np.nanmax(np.abs(values)) if np.isfinite(values).any() else 1.0
    rounded = np.round(values / (size or 1.0), 10)
    found = np.empty(len(values))
    found[np.lexsort((ops, rounded))] = np.arange(len(values))
    return found
