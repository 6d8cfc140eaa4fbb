"""Proxy top-k: of N random cells keep the k best by a zero-cost proxy, train those, take the best.

Source: Mellor et al., "Neural Architecture Search without Training", ICML 2021, section 5 (N = 10,
100, 1,000 draws, k = 1: nothing is trained); k > 1 is the warm-up of Abdelfattah et al.,
"Zero-Cost Proxies for Lightweight NAS", ICLR 2021. Cells without a value of the proxy come last;
where no cell drawn has one, none is answered.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchsuite.api import Strategy
from benchsuite.errors import UserError
from benchsuite.parameters import check_range
from benchsuite.search._cells import Space
from benchsuite.simulation.search import Search
from benchsuite.space.cell import N_CELLS


@dataclass(frozen=True)
class Parameters:
    """proxy: a proxy column; draws: cells drawn without replacement; top: how many are trained."""

    proxy: str = "flops"
    draws: int = 1000
    top: int = 1

    def __post_init__(self) -> None:
        check_range(1, N_CELLS, draws=self.draws, top=self.top)


def run(search: Search, rng: np.random.Generator, parameters: Parameters) -> None:
    """Score random cells, train the best few if more than one is asked for, answer the best."""
    direction = search.direction(parameters.proxy)
    if direction == "none":
        raise UserError(f"{parameters.proxy!r} has no better end, so it cannot rank cells.")
    cells = Space(search).cells
    drawn = rng.choice(cells, size=min(parameters.draws, len(cells)), replace=False)
    score = search.column(parameters.proxy, drawn)
    if np.isnan(score).all():
        return
    score = np.where(np.isnan(score), -np.inf, score if direction == "max" else -score)
    best = drawn[np.argsort(-score, kind="stable")][: parameters.top]
    if parameters.top == 1:
        search.answer(best)
    else:
        search.query(best)


STRATEGY = Strategy(
    version=3, source="Mellor et al., ICML 2021, section 5", run=run, parameters=Parameters
)
