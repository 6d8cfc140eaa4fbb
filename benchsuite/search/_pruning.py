"""Pruning of a supernet by ranks of what each operator's removal costs (MONAS, TE-NAS).

Source: Qiao et al., "MONAS: Efficient Zero-Shot Neural Architecture Search for MCUs", section 3.3,
equation 3 and algorithm 2. From all five operators on all edges, four outer steps each remove one
operator per edge. A candidate is an operator on an edge; Delta(I) = I(space) - I(space without it);
candidates are ranked over all edges, position 0 is the best to prune. The score is the sum of
weighted ranks; per edge the smallest score goes.

Ties are told from differences by the size of I, not of Delta(I): where nothing left costs a FLOP,
Delta is the rounding error of two large sums and says nothing. Tied candidates stand in the order
of their operators, then of their edges; of tied scores on an edge the lower operator goes.

Nothing in the algorithm keeps a path from input to output: costs alone prune to `none` everywhere.
`keep_path` passes over an operator without which every cell left would be a constant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.errors import UserError
from benchsuite.numerics.ties import TOLERANCE, levels
from benchsuite.parameters import check_range
from benchsuite.simulation.search import Search
from benchsuite.space.cell import EDGES, NONE, OPS, SKIP, live_edges

Array = NDArray[np.float64]
Left = NDArray[np.bool_]

# One evaluation of the whole space and of every candidate in each outer step.
EVALUATIONS = sum(1 + len(EDGES) * left for left in range(2, len(OPS) + 1))


@dataclass(frozen=True)
class Term:
    """One indicator: its value for what is left [6, 5], its sign, its share of the score.

    sign: 1 prunes where Delta is small first, -1 where it is large; a missing Delta comes last;
    tolerance: up to which fraction of I a Delta is none: the error that I is known with.
    """

    value: Callable[[Left], float]
    sign: int
    share: float
    tolerance: float = TOLERANCE


def prune(
    terms: Sequence[Term],
    *,
    keep_path: bool = False,
    finished: Callable[[int], None] = lambda step: None,
) -> Left:
    """Return what is left of all operators: one per edge, bool [6, 5].

    keep_path: see the module's text; finished: called after each outer step, 1 to 4.
    """
    left = np.ones((len(EDGES), len(OPS)), dtype=bool)
    step = 0
    while left.sum() > len(EDGES):
        candidates = np.argwhere(left)
        score = np.zeros(len(candidates))
        for term in terms:
            deltas, size = _deltas(term.value, left, candidates)
            ranked = ranks(term.sign * deltas, candidates[:, 1], size, term.tolerance)
            score += term.share * ranked
        for edge in range(len(EDGES)):
            here = np.flatnonzero(candidates[:, 0] == edge)
            for op in candidates[here[np.argsort(levels(score[here]), kind="stable")], 1]:
                left[edge, op] = False
                if not keep_path or _has_path(left):
                    break
                left[edge, op] = True
        step += 1
        finished(step)
    return left


def _has_path(left: Left) -> bool:
    """Return whether a cell of what is left has a path from input to output without `none`."""
    passes = np.where(left[:, np.arange(len(OPS)) != NONE].any(axis=1), SKIP, NONE)
    return bool(live_edges(passes[None]).any())


def _deltas(
    value: Callable[[Left], float], left: Left, candidates: NDArray[np.int64]
) -> tuple[Array, float]:
    """Return I(space) - I(space without the candidate) for every candidate, and the largest |I|."""
    values = [value(left)]
    for edge, op in candidates:
        without = left.copy()
        without[edge, op] = False
        values.append(value(without))
    size = np.abs(values, where=np.isfinite(values), out=np.zeros(len(values))).max()
    return values[0] - np.array(values[1:]), float(size)


def ranks(
    values: Array,
    ops: NDArray[np.int64],
    size: float | None = None,
    tolerance: float = TOLERANCE,
) -> Array:
    """Return positions in ascending order; tied values by operator index, then as they stand.

    size: of the operands that the values are differences of, see `benchsuite.numerics.ties`.
    """
    found = np.empty(len(values))
    found[np.lexsort((ops, levels(values, size, tolerance)))] = np.arange(len(values))
    return found


def check_weights(lambda_: float, mu: float) -> None:
    """Raise UserError unless both weights lie in 0 ... 1 and one of them is 0."""
    check_range(0, 1, lambda_=lambda_, mu=mu)
    if lambda_ and mu:
        raise UserError("MONAS weighs FLOPs (lambda_) or latency (mu), not both.")


def hardware(
    search: Search, lambda_: float, mu: float, flops: str | None, latency: str
) -> list[Term]:
    """Return the term of the FLOPs or of the latency, whichever has a weight, or none."""
    if not (lambda_ or mu):
        return []
    column = (flops or f"{search.dataset}.flops") if lambda_ else latency
    return [Term(mean_of(search, column), -1, lambda_ or mu)]


def mean_of(
    search: Search, column: str, seconds: float = 0.0, *, log10: bool = False
) -> Callable[[Left], float]:
    """Return the function left [6, 5] -> mean of a column over the cells left.

    seconds: stated cost of one evaluation; log10: of the column's logarithm. Raises UserError for a
    column that the search cannot see.
    """
    full = search.full_name(column)

    def mean(left: Left) -> float:
        uniform = left / left.sum(axis=1, keepdims=True)
        return search.expectation(full, uniform, seconds=seconds, log10=log10)[0]

    return mean
