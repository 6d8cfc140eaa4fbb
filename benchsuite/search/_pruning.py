"""Pruning of a supernet by ranks of what each operator's removal changes (MONAS, TE-NAS).

Source: Qiao et al., "MONAS: Efficient Zero-Shot Neural Architecture Search for MCUs", section 3.3,
equation 3 and algorithm 2. Each outer step removes one operator per edge until one is left. A
candidate is an operator on an edge, its Delta(I) = (I(space) - I(space without it)) / I(space),
rounded; candidates are ranked over all edges, 0 is the best to prune; the score is the sum of
weighted ranks, and per edge the smallest score goes.

What the paper leaves open is settled by the code that it builds on and by its first author's
(github.com/VITA-Group/TENAS and github.com/YeQiao/MicroNAS, `prune_tenas.py`): Delta is relative
and rounded, equal Deltas share a rank and ranks have no gaps, and `none` is pruned on all edges
before the first step, so there are three. `Rules` has the other reading of each.

Of tied scores on an edge the operator first in `OPS` goes, or the one of the smaller first rank, as
in that code, whose sort is stable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchsuite.errors import UserError
from benchsuite.numerics.ties import levels
from benchsuite.parameters import check_range
from benchsuite.space.cell import EDGES, NONE, OPS

Array = NDArray[np.float64]
Left = NDArray[np.bool_]
# Outer step, what is left [6, 5], candidates [N, 2] (edge, operator) -> Deltas [N].
Deltas = Callable[[int, Left, NDArray[np.int64]], Array]

DIGITS = 5  # Of a relative Delta, as MONAS' code is launched; TE-NAS' has 3.


@dataclass(frozen=True)
class Term:
    """One indicator: its Deltas, their sign, its share of the score.

    sign: 1 prunes where Delta is small first, -1 where it is large; a missing Delta comes last.
    """

    deltas: Deltas
    sign: int
    share: float


@dataclass(frozen=True)
class Rules:
    """What the paper leaves open.

    none: whether `none` is among the operators; ranks: `dense` or `positional`, where tied
    candidates stand in the order of their operators; ties: `operator` or `first`, see the module.
    """

    none: bool = False
    ranks: Literal["dense", "positional"] = "dense"
    ties: Literal["operator", "first"] = "operator"

    @property
    def steps(self) -> int:
        """The number of outer steps."""
        return len(OPS) - 1 - (not self.none)

    @property
    def evaluations(self) -> int:
        """Evaluations of an indicator: the space and every candidate, in each outer step."""
        return sum(1 + len(EDGES) * (left + 1) for left in range(1, self.steps + 1))


def prune(
    terms: Sequence[Term],
    rules: Rules,
    finished: Callable[[int], None] = lambda step: None,
) -> Left:
    """Return what is left of all operators: one per edge, bool [6, 5].

    finished: called after each outer step, counted from 1.
    """
    left = np.ones((len(EDGES), len(OPS)), dtype=bool)
    left[:, NONE] = rules.none
    for step in range(rules.steps):
        candidates = np.argwhere(left)
        places = [
            ranks(term.sign * term.deltas(step, left, candidates), candidates[:, 1], rules.ranks)
            for term in terms
        ]
        score = levels(sum(t.share * place for t, place in zip(terms, places, strict=True)))
        first = places[0] if rules.ties == "first" else np.zeros(len(candidates))
        order = np.lexsort((candidates[:, 1], first, score))
        for edge in range(len(EDGES)):
            goes = next(at for at in order if candidates[at, 0] == edge)
            left[edge, candidates[goes, 1]] = False
        finished(step + 1)
    return left


def ranks(values: Array, ops: NDArray[np.int64], kind: str = "dense") -> NDArray[np.int64]:
    """Return the ranks [N] of values in ascending order, from 0; missing ones come last.

    Equal values share a rank, and ranks have no gaps; where kind is `positional`, they stand in the
    order of their operators [N], then as they are.
    """
    shared = levels(values, size=1.0)
    if kind == "dense":
        return shared
    found = np.empty(len(values), dtype=np.int64)
    found[np.lexsort((ops, shared))] = np.arange(len(values))
    return found


def relative(value: Callable[[Left], float], name: str) -> Deltas:
    """Return the Deltas of an indicator that is a function of what is left [6, 5].

    name: of its column. They raise UserError where it has no value before anything is removed: all
    removals would be tied.
    """

    def deltas(step: int, left: Left, candidates: NDArray[np.int64]) -> Array:
        whole = value(left)
        if step == 0 and np.isnan(whole):
            raise UserError(f"{name} has no value of the cells that MONAS ranks removals by.")
        return np.array([change(whole, value(without(left, *at))) for at in candidates])

    return deltas


def change(whole: float, rest: float) -> float:
    """Return (whole - rest) / whole, rounded to `DIGITS`; 0 where whole is 0, as nothing is lost.

    NaN where one of them is missing.
    """
    if whole == 0:
        return 0.0 if rest == 0 else float("nan")
    return round((whole - rest) / whole, DIGITS)


def without(left: Left, edge: int, op: int) -> Left:
    """Return what is left [6, 5] without one operator on one edge."""
    rest = left.copy()
    rest[edge, op] = False
    return rest


def check_weights(lambda_: float, mu: float) -> None:
    """Raise UserError unless both weights lie in 0 ... 1 and one of them is 0."""
    check_range(0, 1, lambda_=lambda_, mu=mu)
    if lambda_ and mu:
        raise UserError("MONAS weighs FLOPs (lambda_) or latency (mu), not both.")
