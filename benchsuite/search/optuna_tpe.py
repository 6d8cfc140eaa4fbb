"""TPE, the tree-structured Parzen estimator of optuna, on the error or on all objectives.

Source: Bergstra et al., NIPS 2011; of several objectives Ozaki et al., GECCO 2020; as
`optuna.samplers.TPESampler` implements them, with its defaults. Extra `optimisers`.
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
    """starts: random cells; multi: minimise every bounded column too; multivariate: of optuna."""

    starts: int = 10
    multi: bool = False
    multivariate: bool = False

    def __post_init__(self) -> None:
        check_range(1, starts=self.starts)


def run(search: Search, rng: np.random.Generator, parameters: Parameters) -> None:
    """Train what TPE suggests; answer the best cell, then the rest of the front."""
    using = functools.partial(
        optimise,
        sampler="TPESampler",
        multi=parameters.multi,
        seed=int(rng.integers(2**31)),
        n_startup_trials=parameters.starts,
        multivariate=parameters.multivariate,
    )
    front_of(search, using)


STRATEGY = Strategy(
    version=1,
    source="Bergstra et al., NIPS 2011; optuna's TPESampler",
    run=run,
    parameters=Parameters,
)
