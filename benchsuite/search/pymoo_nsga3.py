"""NSGA-III of pymoo, on the error and every bounded column.

Source: Deb & Jain, IEEE Transactions on Evolutionary Computation 2014, as pymoo's `NSGA3`
implements it: reference directions of Das and Dennis, uniform crossover, no cell twice. Extra
`optimisers`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchsuite.api import Strategy
from benchsuite.parameters import check_range
from benchsuite.search._objectives import Objectives, front_of, library
from benchsuite.search._pymoo import optimise
from benchsuite.simulation.search import Search


@dataclass(frozen=True)
class Parameters:
    """partitions: of each objective between reference directions; population: at least so many.

    With three objectives 12 partitions have 91 directions, 5 have 21.
    """

    partitions: int = 12
    population: int = 2

    def __post_init__(self) -> None:
        check_range(1, partitions=self.partitions)
        check_range(2, population=self.population)


def run(search: Search, rng: np.random.Generator, parameters: Parameters) -> None:
    """Train what NSGA-III breeds; answer the best cell, then the rest of the front."""
    seed = int(rng.integers(2**31))
    directions_of = library("pymoo.util.ref_dirs").get_reference_directions
    nsga3 = library("pymoo.algorithms.moo.nsga3").NSGA3

    def using(objectives: Objectives) -> None:
        directions = directions_of(
            "das-dennis", len(objectives), n_partitions=parameters.partitions
        )
        most = max(parameters.population, len(directions))
        optimise(objectives, seed, nsga3, ref_dirs=directions, pop_size=most)

    front_of(search, using)


STRATEGY = Strategy(
    version=1, source="Deb & Jain, 2014; pymoo's NSGA3", run=run, parameters=Parameters
)
