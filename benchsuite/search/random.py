"""Random search: cells drawn uniformly with replacement, the best by validation accuracy.

Source: Bergstra & Bengio, JMLR 2012; as the baseline of Dong & Yang, "NAS-Bench-201", ICLR 2020,
section 5. Under bounds only cells that keep them are drawn, unless `feasible` is false.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchsuite.api import Strategy
from benchsuite.search._cells import Space
from benchsuite.simulation.search import Search
from benchsuite.space.cell import N_CELLS


@dataclass(frozen=True)
class Parameters:
    """feasible: draw only cells that keep the bounds."""

    feasible: bool = True


def run(search: Search, rng: np.random.Generator, parameters: Parameters) -> None:
    """Query random cells until the budget is spent."""
    space = Space(search)
    while True:
        cell = space.draw(rng) if parameters.feasible else int(rng.integers(N_CELLS))
        search.query_one(cell)


STRATEGY = Strategy(
    version=2,
    source="Bergstra & Bengio, JMLR 2012; Dong & Yang, ICLR 2020, section 5",
    run=run,
    parameters=Parameters,
)
