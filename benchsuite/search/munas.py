"""muNAS: aging evolution on a random scalarisation of error, memory, size and operations.

Source: Liberis et al., "muNAS", EuroMLSys 2021, section 3.5, equation 2: the goal is
max_i min(f_i / b_i, 10) / l_i with l_i ~ U(0, 1) drawn anew at every selection. The objectives are
the validation error and every column with a bound in the search; an objective without a bound is
left out. The authors' code (eliberis/uNAS) settles what the paper leaves open: the sample is drawn
with replacement, the cap of 10, rounds count the first population, the error's bound for CIFAR-10
is 0.18. The bounds are soft: cells that break them are trained too.

Ablations of the paper: `without` names bounds that the goal leaves out, while the result is still
judged by all. Pruning and Bayesian optimisation are not replayed by this strategy.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.api import Strategy
from benchsuite.cell import N_CELLS
from benchsuite.errors import UserError, did_you_mean
from benchsuite.parameters import check_range
from benchsuite.pareto import non_dominated
from benchsuite.replay import ExhaustedError, Search
from benchsuite.search._cells import N_NEIGHBOURS, neighbours

_CAP = 10.0
_BLOCK = 256


@dataclass(frozen=True)
class Parameters:
    """population, sample, rounds: of aging evolution; error_bound: of the error, as a fraction."""

    population: int = 100
    sample: int = 25
    rounds: int = 2000
    error_bound: float = 0.18
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_range(1, population=self.population, sample=self.sample, rounds=self.rounds)
        check_range(1e-6, 1, error_bound=self.error_bound)


def run(search: Search, rng: np.random.Generator, parameters: Parameters) -> None:
    """Evolve for some rounds; answer the best feasible cell, then the rest of the Pareto front."""
    costs = _scaled_costs(search, parameters)
    history: list[tuple[int, float]] = []
    with contextlib.suppress(ExhaustedError):
        _evolve(search, rng, parameters, costs, history)
    _answer(search, costs, history)


def _scaled_costs(search: Search, p: Parameters) -> NDArray[np.float64]:
    """Return the bounded columns over their bounds, capped, [15625, k]; the cap where missing."""
    left_out = {search.full_name(name) for name in p.without}
    if extra := left_out - set(search.bounds):
        raise UserError(
            f"{extra.pop()!r} has no bound to leave out; bounded are "
            f"{', '.join(search.bounds) or 'no columns'}."
            + did_you_mean(p.without[0], search.bounds)
        )
    columns = [
        np.nan_to_num(search.column(name) / bound, nan=_CAP)
        for name, bound in search.bounds.items()
        if name not in left_out
    ]
    return np.minimum(np.stack(columns, axis=1) if columns else np.empty((N_CELLS, 0)), _CAP)


def _evolve(
    search: Search,
    rng: np.random.Generator,
    p: Parameters,
    costs: NDArray[np.float64],
    history: list[tuple[int, float]],
) -> None:
    goals = np.empty((p.population, 1 + costs.shape[1]))
    cells = rng.integers(N_CELLS, size=p.population).tolist()
    near = neighbours()

    def train(slot: int, cell: int) -> None:
        accuracy = search.query_one(cell)
        history.append((cell, accuracy))
        goals[slot, 0] = min((1 - accuracy / 100) / p.error_bound, _CAP)
        goals[slot, 1:] = costs[cell]
        cells[slot] = cell

    for slot in range(min(p.population, p.rounds)):
        train(slot, cells[slot])
    oldest = 0
    for done in range(p.population, p.rounds, _BLOCK):
        block = min(_BLOCK, p.rounds - done)
        samples = rng.integers(p.population, size=(block, p.sample))
        weights = 1 / (1 - rng.random((block, 1, goals.shape[1])))
        moves = rng.integers(N_NEIGHBOURS, size=block).tolist()
        for sample, weight, move in zip(samples, weights, moves, strict=True):
            parent = sample[(goals[sample] * weight).max(axis=1).argmin()]
            train(oldest, int(near[cells[parent], move]))
            oldest = (oldest + 1) % p.population


def _answer(search: Search, costs: NDArray[np.float64], history: list[tuple[int, float]]) -> None:
    found = dict(history)
    cells = np.array(list(found), dtype=np.int64)
    kept = np.array([search.feasible(cell) for cell in found], dtype=bool)
    if not kept.any():
        return
    cells = cells[kept]
    accuracy = np.array(list(found.values()))[kept]
    front = non_dominated(np.column_stack([-accuracy, costs[cells]]))
    best = int(np.argmax(accuracy))
    order = [best, *(i for i in np.flatnonzero(front) if i != best)]
    search.answer(cells[order])


STRATEGY = Strategy(
    version=1,
    source="Liberis et al., EuroMLSys 2021, section 3.5",
    run=run,
    parameters=Parameters,
)
