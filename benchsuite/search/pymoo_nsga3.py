"""NSGA-III of pymoo, on the error and every bounded column.

Source: Deb & Jain, IEEE Transactions on Evolutionary Computation 2014, as pymoo's `NSGA3`
implements it: reference directions of Das and Dennis, uniform crossover, no cell twice. Its
tournament between cells that break bounds alike draws from a generator without a seed (release
0.6.2), so the tournament is our own, by the same rule. Distances to the directions are computed by
that library: where two are as good as equal another processor may round them the other way, and
the search goes another way then. Extra `optimisers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.api import Strategy
from benchsuite.packages import optional_module
from benchsuite.parameters import check_range
from benchsuite.search._objectives import Objectives, front_of
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
    directions_of = optional_module("pymoo.util.ref_dirs").get_reference_directions
    nsga3 = optional_module("pymoo.algorithms.moo.nsga3").NSGA3

    def using(objectives: Objectives) -> None:
        directions = directions_of(
            "das-dennis", len(objectives), n_partitions=parameters.partitions
        )
        most = max(parameters.population, len(directions))
        tournament = optional_module("pymoo.operators.selection.tournament").TournamentSelection
        optimise(
            objectives,
            seed,
            nsga3,
            ref_dirs=directions,
            pop_size=most,
            selection=tournament(func_comp=_less_broken),
        )

    front_of(search, using)


def _less_broken(
    population: Any, pairs: NDArray[np.int_], random_state: np.random.Generator, **_: Any
) -> NDArray[np.int_]:
    """Return, of each pair [N, 2], the one that breaks bounds by less, either of equals, [N, 1]."""
    broken = population.get("CV")[:, 0]
    one, other = pairs.T
    either = random_state.random(len(pairs)) < 0.5
    first = np.where(broken[one] == broken[other], either, broken[one] < broken[other])
    return np.asarray(np.where(first, one, other)[:, None])


STRATEGY = Strategy(
    version=1, source="Deb & Jain, 2014; pymoo's NSGA3", run=run, parameters=Parameters
)
