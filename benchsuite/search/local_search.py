"""Local search: move to a better neighbour until there is none, then start anew.

Source: White et al., "Exploring the Loss Landscape in Neural Architecture Search", UAI 2021,
algorithm 1 (all neighbours are evaluated, the best is taken); `first=True` moves to the first
better one, in random order. Cells seen before are not trained again. Restarts draw cells not seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchsuite.api import Strategy
from benchsuite.search._cells import Space
from benchsuite.simulation.search import Search


@dataclass(frozen=True)
class Parameters:
    """first: whether to take the first better neighbour instead of the best."""

    first: bool = False


def run(search: Search, rng: np.random.Generator, parameters: Parameters) -> None:
    """Climb from random starts until the budget is spent or every cell is known."""
    space = Space(search)
    known: dict[int, float] = {}

    def look(cell: int) -> float:
        if cell not in known:
            known[cell] = search.query_one(cell)
        return known[cell]

    while len(known) < len(space.cells):
        fresh = [cell for cell in space.cells.tolist() if cell not in known]
        here = fresh[rng.integers(len(fresh))]
        value = look(here)
        while True:
            near = rng.permutation(space.around(here)).tolist()
            best = here
            for cell in near:
                if look(cell) > value:
                    best, value = cell, look(cell)
                    if parameters.first:
                        break
            if best == here:
                break
            here = best


STRATEGY = Strategy(
    version=2, source="White et al., UAI 2021, algorithm 1", run=run, parameters=Parameters
)
