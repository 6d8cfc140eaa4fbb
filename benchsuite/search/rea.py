"""Regularised (aging) evolution: mutate the best of a sample, drop the oldest.

Source: Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019,
algorithm 1. The defaults are those of Dong & Yang, "NAS-Bench-201", ICLR 2020 (AutoDL-Projects,
`scripts-search/algos/R-EA.sh`): population 10, sample 3 drawn with replacement. Their code picks a
node, then one of its inputs, so edges into node 1 change more often (1/3) than those into node 3
(1/9 each); `edges="by_node"` does that, `"uniform"` treats edges alike. Under bounds every cell of
the population keeps them.
"""

from __future__ import annotations

import operator
from collections import deque
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchsuite.api import Strategy
from benchsuite.parameters import check_range
from benchsuite.search._cells import Space, neighbours
from benchsuite.simulation.search import Search
from benchsuite.space.cell import EDGES, OPS

_INTO = {
    node: [edge for edge, (_, target) in enumerate(EDGES) if target == node] for node in (1, 2, 3)
}
_accuracy = operator.itemgetter(0)


@dataclass(frozen=True)
class Parameters:
    """population: cells alive; sample: cells a parent is the best of; edges: how one is drawn."""

    population: int = 10
    sample: int = 3
    edges: Literal["by_node", "uniform"] = "by_node"

    def __post_init__(self) -> None:
        check_range(1, population=self.population, sample=self.sample)


def run(search: Search, rng: np.random.Generator, parameters: Parameters) -> None:
    """Evolve until the budget is spent."""
    space = Space(search)
    population: deque[tuple[float, int]] = deque(maxlen=parameters.population)
    while len(population) < parameters.population:
        cell = space.draw(rng)
        population.append((search.query_one(cell), cell))
    while True:
        sample = rng.integers(parameters.population, size=parameters.sample).tolist()
        _, parent = max([population[i] for i in sample], key=_accuracy)
        if parameters.edges == "by_node":
            child = _mutate_by_node(space, rng, parent)
        else:
            child = space.mutate(rng, parent)
        population.append((search.query_one(child), child))


def _mutate_by_node(space: Space, rng: np.random.Generator, cell: int) -> int:
    """Return a mutation whose target node is drawn first; any that keeps the bounds, failing 24."""
    near = neighbours()
    for _ in range(24):
        into = _INTO[int(rng.integers(1, 4))]
        edge = into[rng.integers(len(into))]
        child = int(near[cell, edge * (len(OPS) - 1) + rng.integers(len(OPS) - 1)])
        if child in space:
            return child
    return space.mutate(rng, cell)


STRATEGY = Strategy(
    version=2,
    source="Real et al., AAAI 2019, algorithm 1; defaults of Dong & Yang, ICLR 2020",
    run=run,
    parameters=Parameters,
)
