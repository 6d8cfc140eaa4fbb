"""MONAS (tabular): prune the operator whose loss hurts least, ranked by NTK, regions and cost.

Source: Qiao et al., "MONAS: Efficient Zero-Shot Neural Architecture Search for MCUs", section 3.3,
equation 3 and algorithm 2 (see `_pruning`): K, F and L by descending Delta, R by ascending;
score = (1 - w) / 2 (rank K + rank R) + w rank F or L.

The paper measures K and R on the pruned supernet, as `monas_live` does; here, I(space) is the mean
of the column over the cells left (log10 of the NTK's condition number), and cells without a value
are left out. `lambda_` weighs FLOPs, `mu` latency; one excludes the other. The stated cost, 0.5 GPU
hours (table 2), is spread over the evaluations. The result does not depend on the seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchsuite.api import Strategy
from benchsuite.cell import index_of
from benchsuite.errors import UserError
from benchsuite.parameters import check_range
from benchsuite.replay import Search
from benchsuite.search._pruning import EVALUATIONS, Left, Term, prune


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
        check_weights(self.lambda_, self.mu)
        check_range(0, gpu_hours=self.gpu_hours)


def run(search: Search, rng: np.random.Generator, parameters: Parameters) -> None:
    """Prune to a single path and answer it."""
    p = parameters
    share = (1 - (p.lambda_ or p.mu)) / 2
    seconds = p.gpu_hours * 3600 / EVALUATIONS
    terms = [
        Term(mean_of(search, p.ntk, seconds, log10=True), -1, share),
        Term(mean_of(search, p.regions), 1, share),
        *hardware(search, p.lambda_, p.mu, p.flops, p.latency),
    ]
    search.answer(index_of(prune(terms).argmax(axis=1)[None]))


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


STRATEGY = Strategy(
    version=1,
    source="Qiao et al., MONAS, section 3.3, equation 3 and algorithm 2",
    run=run,
    parameters=Parameters,
)
