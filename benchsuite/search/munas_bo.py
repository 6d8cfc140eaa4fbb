"""muNAS by Bayesian optimisation: a Gaussian process for the accuracy, Thompson sampling.

Source: Liberis et al., "muNAS", EuroMLSys 2021, section 3.5. Each step minimises the same random
scalarisation as aging evolution (see `_scalarisation`), with one difference: in place of the error
stands a function drawn from the posterior of a Gaussian process; the other objectives are exact.

The paper's kernel measures optimal transport between layers of its own space. Here, cells are
described by the operator on each edge and by the operators along each path from input to output
(`class_features`), each group with a weight of its own in a Matern kernel; equal functions are
equal points. The process models the logarithm of the error, standardised; its hyper-parameters
maximise the posterior density (marginal likelihood and wide priors) anew whenever the cells seen
have grown by half. Where the paper is silent: 15 random cells start; a step draws one joint sample
at `candidates` cells not trained before, half of them random, the others neighbours of cells that
are best under the step's goal.

Covariances are factored by LAPACK, whose rounding depends on the processor and reaches a draw with
about 1e-9 of it. Nothing amplifies that: picks agree unless two goals are as near as that.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.api import Strategy
from benchsuite.numerics.ties import argmin
from benchsuite.parameters import check_range
from benchsuite.search._cells import N_NEIGHBOURS, neighbours
from benchsuite.search._scalarisation import CAP, answer_front, draw_weights, goal, scaled_costs
from benchsuite.simulation.search import ExhaustedError, Search
from benchsuite.space.cell import EDGES, N_CELLS
from benchsuite.space.equivalence import classes
from benchsuite.space.features import class_features
from benchsuite.stats import gaussian_process as gp

Array = NDArray[np.float64]

_GROUPS = (*(f"edge{source}{target}" for source, target in EDGES), "paths", "bags")
_GROWTH = 1.5
_FIT_STEPS, _FIT_LIMIT = 20, 6.0
_LEAST_ERROR = 1e-3


@dataclass(frozen=True)
class Parameters:
    """starts: random cells; rounds: trainings, the starts included; error_bound: as a fraction."""

    starts: int = 15
    rounds: int = 300
    candidates: int = 256
    error_bound: float = 0.18
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_range(2, starts=self.starts)
        check_range(self.starts, 2000, rounds=self.rounds)
        check_range(2, 2000, candidates=self.candidates)
        check_range(1e-6, 1, error_bound=self.error_bound)


def run(search: Search, rng: np.random.Generator, parameters: Parameters) -> None:
    """Search for some rounds; answer the best feasible cell, then the rest of the Pareto front."""
    costs = scaled_costs(search, parameters.without)
    found: dict[int, float] = {}
    with contextlib.suppress(ExhaustedError):
        for cell in rng.choice(N_CELLS, size=parameters.starts, replace=False).tolist():
            found[cell] = search.query_one(cell)
        _optimise(search, rng, parameters, costs, found)
    answer_front(search, costs, found)


def _optimise(
    search: Search,
    rng: np.random.Generator,
    p: Parameters,
    costs: Array,
    found: dict[int, float],
) -> None:
    model = _Model()
    while len(found) < p.rounds:
        weights = draw_weights(rng, 1, 1 + costs.shape[1])[0]
        seen = np.array(list(found), dtype=np.int64)
        error = np.maximum(1 - np.array(list(found.values())) / 100, _LEAST_ERROR)
        known = goal(_scaled(error, costs[seen], p), weights)
        pool = _candidates(rng, seen[np.argsort(known, kind="stable")], p.candidates)
        sampled = model.draw(rng, seen, error, pool)
        chosen = int(pool[argmin(goal(_scaled(sampled, costs[pool], p), weights))])
        found[chosen] = search.query_one(chosen)


def _scaled(error: Array, costs: Array, p: Parameters) -> Array:
    return np.column_stack([np.minimum(error / p.error_bound, CAP), costs])


def _candidates(
    rng: np.random.Generator, best_first: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """Return distinct cells not seen: neighbours of the best ones, random ones up to `count`."""
    parents = best_first[: -(-count // (2 * N_NEIGHBOURS))]
    pool = neighbours()[parents].ravel()[: count // 2]
    while True:  # All of a few may have been seen.
        pool = np.concatenate([pool, rng.integers(N_CELLS, size=count)])
        pool = pool[~np.isin(pool, best_first)]
        if len(pool):
            break
    _, first = np.unique(pool, return_index=True)
    return np.asarray(pool[np.sort(first)][:count])


class _Model:
    """The Gaussian process of the log error; refitted whenever its data have grown by half."""

    def __init__(self) -> None:
        features = class_features()
        self._features = [features[name] for name in _GROUPS]
        self._class_of = classes("functional")
        self._fitted = 0
        self._hyper: gp.Hyperparameters | None = None

    def draw(
        self,
        rng: np.random.Generator,
        seen: NDArray[np.int64],
        error: Array,
        pool: NDArray[np.int64],
    ) -> Array:
        """Return errors [M] of cells of the pool, jointly drawn, given those [N] of cells seen."""
        logs = np.log(error)
        mean, spread = logs.mean(), logs.std() or 1.0
        observed, once = (logs - mean) / spread, np.ones(len(logs))
        known = [group[self._class_of[seen]] for group in self._features]
        if self._hyper is None or len(seen) >= _GROWTH * self._fitted:
            self._hyper = gp.fit(known, once, observed, steps=_FIT_STEPS, limit=_FIT_LIMIT)
            self._fitted = len(seen)
        functions, which = np.unique(self._class_of[pool], return_inverse=True)
        groups = [
            np.concatenate([there, group[functions]])
            for there, group in zip(known, self._features, strict=True)
        ]
        drawn = gp.draw(*gp.posterior(groups, once, observed, self._hyper), rng)
        return np.asarray(np.exp(mean + spread * drawn)[which])


STRATEGY = Strategy(
    version=2,
    source="Liberis et al., EuroMLSys 2021, section 3.5",
    run=run,
    parameters=Parameters,
)
