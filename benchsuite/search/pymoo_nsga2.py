"""NSGA-II of pymoo, on the error and every bounded column.

Source: Deb et al., IEEE Transactions on Evolutionary Computation 2002, as pymoo's `NSGA2`
implements it: binary tournament, uniform crossover, no cell twice. Extra `optimisers`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from benchsuite.api import Strategy
from benchsuite.packages import optional_module
from benchsuite.parameters import check_range
from benchsuite.search._objectives import front_of
from benchsuite.search._pymoo import optimise
from benchsuite.simulation.search import Search


@dataclass(frozen=True)
class Parameters:
    """population: cells of a generation."""

    population: int = 100

    def __post_init__(self) -> None:
        check_range(2, population=self.population)


def run(search: Search, rng: np.random.Generator, parameters: Parameters) -> None:
    """Train what NSGA-II breeds; answer the best cell, then the rest of the front."""
    using = functools.partial(
        optimise,
        seed=int(rng.integers(2**31)),
        algorithm=optional_module("pymoo.algorithms.moo.nsga2").NSGA2,
        pop_size=parameters.population,
    )
    front_of(search, using)


STRATEGY = Strategy(
    version=1, source="Deb et al., 2002; pymoo's NSGA2", run=run, parameters=Parameters
)
