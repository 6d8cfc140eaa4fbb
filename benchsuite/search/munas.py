"""muNAS: aging evolution on a random scalarisation of error, memory, size and operations.

Source: Liberis et al., "muNAS", EuroMLSys 2021, section 3.5, equation 2 (see `_scalarisation`). The
authors' code (eliberis/uNAS) settles what the paper leaves open: the sample is drawn with
replacement, and rounds count the first population. The error's bound, 0.18, is the paper's for
CIFAR-10 (its Table 3). The bounds are soft: cells that break them are trained too.

Ablations of the paper: `without` names bounds that the goal leaves out, while the result is still
judged by all. The paper's other optimiser is `munas_bo`. `munas_pruned` also prunes channels.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.api import Strategy
from benchsuite.parameters import check_range
from benchsuite.search._cells import N_NEIGHBOURS, neighbours
from benchsuite.search._scalarisation import CAP, answer_front, draw_weights, goal, scaled_costs
from benchsuite.simulation.search import ExhaustedError, Search
from benchsuite.space.cell import N_CELLS

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
    costs = scaled_costs(search, parameters.without)
    history: list[tuple[int, float]] = []
    with contextlib.suppress(ExhaustedError):
        _evolve(search, rng, parameters, costs, history)
    answer_front(search, costs, dict(history))


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
        goals[slot, 0] = min((1 - accuracy / 100) / p.error_bound, CAP)
        goals[slot, 1:] = costs[cell]
        cells[slot] = cell

    for slot in range(min(p.population, p.rounds)):
        train(slot, cells[slot])
    oldest = 0
    for done in range(p.population, p.rounds, _BLOCK):
        block = min(_BLOCK, p.rounds - done)
        samples = rng.integers(p.population, size=(block, p.sample))
        weights = draw_weights(rng, block, goals.shape[1])
        moves = rng.integers(N_NEIGHBOURS, size=block).tolist()
        for sample, weight, move in zip(samples, weights, moves, strict=True):
            parent = sample[goal(goals[sample], weight).argmin()]
            train(oldest, int(near[cells[parent], move]))
            oldest = (oldest + 1) % p.population


STRATEGY = Strategy(
    version=2,
    source="Liberis et al., EuroMLSys 2021, section 3.5",
    run=run,
    parameters=Parameters,
)
