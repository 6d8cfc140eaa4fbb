"""MONAS (tabular): prune the operator whose loss hurts least, ranked by NTK, regions and cost.

Source: Qiao et al., "MONAS: Efficient Zero-Shot Neural Architecture Search for MCUs", section 3.3,
equation 3 and algorithm 2. From all five operators on all edges, four outer steps each remove one
operator per edge. A candidate is an operator on an edge; Delta(I) = I(space) - I(space without it);
candidates are ranked over all edges, position 0 is the best to prune: K, F, L by descending Delta,
R by ascending. Score = (1 - w) / 2 (rank K + rank R) + w rank F or L; per edge the smallest score
goes. Ties: the lower operator index.

The paper measures K and R on the pruned supernet; here, I(space) is the mean of the column over the
cells left (log10 of the NTK's condition number), and cells without a value are left out.
`lambda_` weighs FLOPs, `mu` latency; one excludes the other. The stated cost, 0.5 GPU hours
(table 2), is spread over the evaluations. The result does not depend on the seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.api import Strategy
from benchsuite.cell import EDGES, OPS, index_of
from benchsuite.errors import UserError
from benchsuite.parameters import check_range
from benchsuite.replay import Search

# One evaluation of the whole space and of every candidate in each outer step.
_EVALUATIONS = sum(1 + len(EDGES) * left for left in range(2, len(OPS) + 1))


@dataclass(frozen=True)
class Parameters:
    """lambda_, mu: weights of FLOPs and latency; ntk, regions, flops, latency: their columns.

    flops: None for those of the search's dataset; latency: of the search's device and runtime.
    """

    lambda_: float = 0.0
    mu: float = 0.0
    ntk: str = "ntk_cond.k2"
    regions: str = "linear_regions.n1000"
    flops: str | None = None
    latency: str = "latency"
    gpu_hours: float = 0.5

    def __post_init__(self) -> None:
        check_range(0, 1, lambda_=self.lambda_, mu=self.mu)
        check_range(0, gpu_hours=self.gpu_hours)
        if self.lambda_ and self.mu:
            raise UserError("MONAS weighs FLOPs (lambda_) or latency (mu), not both.")


def run(search: Search, rng: np.random.Generator, parameters: Parameters) -> None:
    """Prune to a single path and answer it."""
    p = parameters
    weight = p.lambda_ or p.mu
    terms = [
        _Term(p.ntk, -1, (1 - weight) / 2, log10=True),
        _Term(p.regions, 1, (1 - weight) / 2),
    ]
    if weight:
        cost = (p.flops or f"{search.dataset}.flops") if p.lambda_ else p.latency
        terms.append(_Term(cost, -1, weight))
    left = np.ones((len(EDGES), len(OPS)), dtype=bool)
    seconds = p.gpu_hours * 3600 / _EVALUATIONS
    while left.sum() > len(EDGES):
        candidates = np.argwhere(left)
        score = np.zeros(len(candidates))
        for i, term in enumerate(terms):
            deltas = _deltas(search, term, left, candidates, 0.0 if i else seconds)
            score += term.share * _ranks(term.sign * deltas, candidates[:, 1])
        for edge in range(len(EDGES)):
            here = np.flatnonzero(candidates[:, 0] == edge)
            left[edge, candidates[here[score[here].argmin()], 1]] = False
    search.answer(index_of(left.argmax(axis=1)[None]))


@dataclass(frozen=True)
class _Term:
    """One indicator: its column, whether a small (1) or large (-1) Delta is pruned, its share."""

    column: str
    sign: int
    share: float
    log10: bool = False


def _deltas(
    search: Search,
    term: _Term,
    left: NDArray[np.bool_],
    candidates: NDArray[np.int64],
    seconds: float,
) -> NDArray[np.float64]:
    """Return I(space) - I(space without the candidate) for every candidate."""

    def mean(kept: NDArray[np.bool_]) -> float:
        uniform = kept / kept.sum(axis=1, keepdims=True)
        return search.expectation(term.column, uniform, seconds=seconds, log10=term.log10)[0]

    whole = mean(left)
    deltas = np.empty(len(candidates))
    for i, (edge, op) in enumerate(candidates):
        without = left.copy()
        without[edge, op] = False
        deltas[i] = whole - mean(without)
    return deltas


def _ranks(values: NDArray[np.float64], ops: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return positions in ascending order; equal values (to ten digits) by operator index."""
    size = np.nanmax(np.abs(values)) if np.isfinite(values).any() else 1.0
    rounded = np.round(values / (size or 1.0), 10)
    ranks = np.empty(len(values))
    ranks[np.lexsort((ops, rounded))] = np.arange(len(values))
    return ranks


STRATEGY = Strategy(
    version=1,
    source="Qiao et al., MONAS, section 3.3, equation 3 and algorithm 2",
    run=run,
    parameters=Parameters,
)
