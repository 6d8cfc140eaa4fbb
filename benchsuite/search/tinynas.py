"""TinyNAS, second stage: evolution by crossover and mutation among cells that fit the device.

Source: Lin et al., "MCUNet: Tiny Deep Learning on IoT Devices", NeurIPS 2020, section 3.1 and
appendix: population 100, the best 20 are parents, 50 children by crossover and 50 by mutation with
probability 0.1 per edge, 30 generations. The parents stay beside their children, as in the code of
the authors' Once-for-all (`evolution_finder.py`); the paper's new generation is the children alone.
A cell that a generation has twice is one parent, for this space is small; neither says so.
Only cells that keep all bounds are trained; a child that breaks one is made again, at most 1,000
times. A cell is trained once. The accuracy is that of the official skeleton, so the first stage
(which width and resolution) is not part of this strategy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.api import Strategy
from benchsuite.parameters import check_range
from benchsuite.search._cells import Space
from benchsuite.simulation.search import Search
from benchsuite.space.cell import EDGES, OPS, all_ops, index_of

_TRIES = 1000
Cells = NDArray[np.int64]


@dataclass(frozen=True)
class Parameters:
    """parents: how many of a generation have children; mutation: probability per edge."""

    population: int = 100
    parents: int = 20
    crossovers: int = 50
    mutations: int = 50
    mutation: float = 0.1
    generations: int = 30

    def __post_init__(self) -> None:
        check_range(1, population=self.population, generations=self.generations)
        check_range(1, self.population, parents=self.parents)
        check_range(0, crossovers=self.crossovers, mutations=self.mutations)
        check_range(0, 1, mutation=self.mutation)


def run(search: Search, rng: np.random.Generator, parameters: Parameters) -> None:
    """Evolve for some generations or until the budget is spent."""
    p = parameters
    space = Space(search)
    ops = all_ops()
    known: dict[int, float] = {}

    def train(cells: list[int]) -> list[int]:
        for cell in cells:
            if cell not in known:
                known[cell] = search.query_one(cell)
        return cells

    def crossover(parents: Cells) -> int:
        one, two = ops[parents[rng.integers(len(parents), size=2)]]
        return int(index_of(np.where(rng.random(len(EDGES)) < 0.5, one, two)[None])[0])

    def mutate(parents: Cells) -> int:
        parent = ops[parents[rng.integers(len(parents))]]
        other = (parent + rng.integers(1, len(OPS), size=len(EDGES))) % len(OPS)
        return int(index_of(np.where(rng.random(len(EDGES)) < p.mutation, other, parent)[None])[0])

    population = train([space.draw(rng) for _ in range(p.population)])
    for _ in range(p.generations):
        distinct = sorted(dict.fromkeys(population), key=lambda cell: -known[cell])
        parents = np.array(distinct[: p.parents])
        children = [_fitting(space, rng, crossover, parents) for _ in range(p.crossovers)]
        children += [_fitting(space, rng, mutate, parents) for _ in range(p.mutations)]
        population = distinct[: p.parents] + train(children)


def _fitting(
    space: Space, rng: np.random.Generator, make: Callable[[Cells], int], parents: Cells
) -> int:
    for _ in range(_TRIES):
        child = make(parents)
        if child in space:
            return child
    return space.draw(rng)


STRATEGY = Strategy(
    version=2,
    source="Lin et al., MCUNet, NeurIPS 2020, section 3.1",
    run=run,
    parameters=Parameters,
)
