"""MONAS (tabular): prune the operator whose loss hurts least, ranked by NTK, regions and cost.

Source: Qiao et al., "MONAS: Efficient Zero-Shot Neural Architecture Search for MCUs", section 3.3,
equation 3 and algorithm 2 (see `_pruning`): K, F and L by descending Delta, R by ascending;
score = (1 - w) / 2 (rank K + rank R) + w rank F or L.

The paper measures K and R on the pruned supernet, as `monas_live` does; here, I(space) is the mean
of the column over the cells left (log10 of the NTK's condition number), and cells without a value
are left out. `lambda_` weighs FLOPs, `mu` latency; one excludes the other. The stated cost, 0.5 GPU
hours (table 2), is spread over the evaluations. The result depends neither on the seed nor on
rounding: see `_pruning` on ties.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchsuite.api import Strategy
from benchsuite.parameters import check_range
from benchsuite.search._pruning import EVALUATIONS, Term, check_weights, hardware, mean_of, prune
from benchsuite.simulation.search import Search
from benchsuite.space.cell import index_of


@dataclass(frozen=True)
class Parameters:
    """lambda_, mu: weights of FLOPs and latency; ntk, regions, flops, latency: their columns.

    flops: None for those of the search's dataset; latency: of the search's device and runtime;
    keep_path: not the paper's, see `_pruning`.
    """

    lambda_: float = 0.0
    mu: float = 0.0
    ntk: str = "ntk_cond.k2"
    regions: str = "linear_regions.n1000"
    flops: str | None = None
    latency: str = "latency"
    gpu_hours: float = 0.5
    keep_path: bool = False

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
    left = prune(terms, keep_path=p.keep_path)
    search.answer(index_of(left.argmax(axis=1)[None]))


STRATEGY = Strategy(
    version=2,
    source="Qiao et al., MONAS, section 3.3, equation 3 and algorithm 2",
    run=run,
    parameters=Parameters,
)
