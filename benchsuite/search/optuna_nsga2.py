"""NSGA-II of optuna, on the error and every bounded column.

Source: Deb et al., IEEE Transactions on Evolutionary Computation 2002, as
`optuna.samplers.NSGAIISampler` implements it, with its defaults. Extra `optimisers`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from benchsuite.api import Strategy
from benchsuite.parameters import check_range
from benchsuite.search._objectives import front_of
from benchsuite.search._optuna import optimise
from benchsuite.simulation.search import Search


@dataclass(frozen=True)
class Parameters:
    """population: cells of a generation."""

    population: int = 50

    def __post_init__(self) -> None:
        check_range(2, population=self.population)


def run(search: Search, rng: np.random.Generator, parameters: Parameters) -> None:
    """Train what NSGA-II suggests; answer the best cell, then the rest of the front."""
    using = functools.partial(
        optimise,
        sampler="NSGAIISampler",
        multi=True,
        seed=int(rng.integers(2**31)),
        population_size=parameters.population,
    )
    front_of(search, using)


STRATEGY = Strategy(
    version=1, source="Deb et al., 2002; optuna's NSGAIISampler", run=run, parameters=Parameters
)
