"""Successive halving: train many cells briefly, keep one in eta, train those longer.

Source: Jamieson & Talwalkar, "Non-stochastic Best Arm Identification", AISTATS 2016, figure 1. The
table knows 12 and 200 epochs; rungs between them do not exist, so a round is two rungs: `cells`
random cells at the fewest epochs, then the best one in eta at the most. Rounds are repeated until
the budget is spent; training longer starts anew and is charged in full.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchsuite.api import Strategy
from benchsuite.parameters import check_range
from benchsuite.search._cells import Space
from benchsuite.simulation.search import Search


@dataclass(frozen=True)
class Parameters:
    """cells: how many start a round; eta: one in how many goes on."""

    cells: int = 27
    eta: int = 3

    def __post_init__(self) -> None:
        check_range(1, cells=self.cells)
        check_range(2, eta=self.eta)


def run(search: Search, rng: np.random.Generator, parameters: Parameters) -> None:
    """Run rounds until the budget is spent."""
    space = Space(search)
    while True:
        rung = np.array([space.draw(rng) for _ in range(parameters.cells)])
        for epochs in search.fidelities:
            accuracy = search.query(rung, epochs)
            best = np.argsort(-accuracy, kind="stable")
            rung = rung[best[: max(len(rung) // parameters.eta, 1)]]


STRATEGY = Strategy(
    version=2, source="Jamieson & Talwalkar, AISTATS 2016", run=run, parameters=Parameters
)
