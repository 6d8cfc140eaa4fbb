"""MONAS (tabular): prune the operator whose loss hurts least, ranked by NTK, regions and cost.

Source: Qiao et al., "MONAS: Efficient Zero-Shot Neural Architecture Search for MCUs", section 3.3,
equation 3 and algorithm 2 (see `_pruning`): K, F and L by descending Delta, R by ascending;
score = (1 - w) / 2 (rank K + rank R) + w rank F or L.

The paper measures K and R on the pruned supernet, as `monas_live` does; here, I(space) is the mean
of the column over the cells left (log10 of the NTK's condition number), and cells without a value
are left out. Of columns with repeats the first is read, one draw of weights and images, as a search
has one. `lambda_` weighs FLOPs, `mu` latency; one excludes the other; both are the supernet's
own (`_costs`). The stated cost, 0.5 GPU hours (table 2), is spread over the evaluations. The result
depends neither on the seed nor on rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchsuite.api import Strategy
from benchsuite.parameters import check_range
from benchsuite.search._costs import How, hardware
from benchsuite.search._pruning import Left, Rules, Term, check_weights, prune, relative
from benchsuite.simulation.search import Search
from benchsuite.space.cell import index_of


@dataclass(frozen=True)
class Parameters(Rules):
    """lambda_, mu: weights of FLOPs and latency; ntk, regions, flops, latency: their columns.

    flops: None for those of the search's network; latency: of the search's device and runtime;
    cost: see `_costs`; all others: see `_pruning.Rules`.
    """

    lambda_: float = 0.0
    mu: float = 0.0
    ntk: str = "ntk_cond.k0"
    regions: str = "linear_regions.n1000"
    flops: str | None = None
    latency: str = "latency"
    cost: How = "sum"
    gpu_hours: float = 0.5

    def __post_init__(self) -> None:
        check_weights(self.lambda_, self.mu)
        check_range(0, gpu_hours=self.gpu_hours)


def run(search: Search, rng: np.random.Generator, parameters: Parameters) -> None:
    """Prune to a single path and answer it."""
    p = parameters
    share = (1 - (p.lambda_ or p.mu)) / 2
    seconds = p.gpu_hours * 3600 / p.evaluations
    terms = [
        Term(relative(_mean_of(search, p.ntk, seconds, log10=True), p.ntk), -1, share),
        Term(relative(_mean_of(search, p.regions), p.regions), 1, share),
        *hardware(search, p.lambda_, p.mu, p.flops, p.latency, p.cost),
    ]
    left = prune(terms, p)
    search.answer(index_of(left.argmax(axis=1)[None]))


def _mean_of(
    search: Search, column: str, seconds: float = 0.0, *, log10: bool = False
) -> Callable[[Left], float]:
    """Return the function left [6, 5] -> mean of a column over the cells left.

    seconds: stated cost of one evaluation; log10: of the column's logarithm.
    """
    full = search.one_draw(column)

    def mean(left: Left) -> float:
        uniform = left / left.sum(axis=1, keepdims=True)
        return search.expectation(full, uniform, seconds=seconds, log10=log10)[0]

    return mean


STRATEGY = Strategy(
    version=4,
    source="Qiao et al., MONAS, section 3.3, equation 3 and algorithm 2; its authors' code",
    run=run,
    parameters=Parameters,
)
