"""muNAS with pruning: aging evolution of cells and of the share of channels that is pruned away.

Source: Liberis et al., "muNAS", EuroMLSys 2021, sections 3.6 and 3.7: every network has a target
sparsity, drawn from a range at first, later its parent's with N(0, 0.05) noise; all objectives are
those of the pruned network. The evolution is that of `munas`, with its parameters.

Structured pruning with sparsity s leaves 1 - s of the channels, here of every stage alike, for the
feature maps of a stage are summed. Sizes, memory and operations are exact, of the narrower network.
The accuracy is the table's through `benchsuite.deployment.response` at 8 bits, dense, that width,
and the result says so. The response was measured on narrow networks trained by themselves; the
paper holds that pruning a larger network is better than that, so it may say too little for pruning.

A training is charged what the table says of the whole cell. The trace holds sparsity and accuracy
of each network as `sparsity` and `compressed.valid`, after its query, and as `compressed.keeps`
whether it keeps all bounds (1 or 0).
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchsuite.api import Strategy
from benchsuite.deployment.compressed import Compressed, channels
from benchsuite.deployment.narrow import Claim
from benchsuite.deployment.response import Name, apply, response
from benchsuite.errors import UserError
from benchsuite.numerics.ties import argmax, at_most
from benchsuite.parameters import check_range
from benchsuite.search._cells import N_NEIGHBOURS, neighbours
from benchsuite.search._scalarisation import CAP, above_zero, draw_weights, goal
from benchsuite.simulation.search import ExhaustedError, Search
from benchsuite.space.cell import N_CELLS
from benchsuite.space.network import STAGES

Array = NDArray[np.float64]

_BITS = 8


@dataclass(frozen=True)
class Parameters:
    """population, sample, rounds, error_bound: as of `munas`; least, most: of the sparsity.

    noise: standard deviation of the sparsity's change from parent to child.
    """

    population: int = 100
    sample: int = 25
    rounds: int = 2000
    error_bound: float = 0.18
    least: float = 0.1
    most: float = 0.9
    noise: float = 0.05
    response: Name = "measured"

    def __post_init__(self) -> None:
        check_range(1, population=self.population, sample=self.sample, rounds=self.rounds)
        check_range(1e-6, 1, error_bound=self.error_bound)
        check_range(0, 0.99, least=self.least, most=self.most)
        check_range(0, noise=self.noise)
        if self.least > self.most:
            raise UserError(f"No sparsity is from {self.least:g} to {self.most:g}: least is more.")


@dataclass
class _Networks:
    """Trained networks: cells, sparsities, accuracies [%], and whether they keep all bounds."""

    cell: list[int] = field(default_factory=list)
    sparsity: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    feasible: list[bool] = field(default_factory=list)


def run(search: Search, rng: np.random.Generator, parameters: Parameters) -> None:
    """Evolve for some rounds; answer the most accurate pruned network that keeps the bounds."""
    found = _Networks()
    search.compresses()
    with contextlib.suppress(ExhaustedError):
        _evolve(search, rng, parameters, found)
    if not any(found.feasible):
        return
    best = argmax(np.where(found.feasible, found.accuracy, np.nan))
    form = _form(search, found.sparsity[best])
    search.answer([found.cell[best]], Claim(form, parameters.response))


def _evolve(search: Search, rng: np.random.Generator, p: Parameters, found: _Networks) -> None:
    goals = np.empty((p.population, 1 + len(search.bounds)))
    alive = [(0, 0.0)] * p.population
    near, kept = neighbours(), response(p.response)

    def train(slot: int, cell: int, sparsity: float) -> None:
        accuracy = search.query_one(cell)
        fraction = kept.fraction(_form(search, sparsity))
        accuracy = float(apply(accuracy, fraction, search.skeleton.classes))
        search.stated("sparsity", sparsity, seconds=0)
        search.stated("compressed.valid", accuracy, seconds=0)
        costs = _costs(search, cell, sparsity)
        keeps = bool(at_most(costs, 1).all())
        search.stated("compressed.keeps", keeps, seconds=0)
        goals[slot] = np.minimum([(1 - accuracy / 100) / p.error_bound, *costs], CAP)
        alive[slot] = cell, sparsity
        found.cell.append(cell)
        found.sparsity.append(sparsity)
        found.accuracy.append(accuracy)
        found.feasible.append(keeps)

    for slot in range(min(p.population, p.rounds)):
        train(slot, int(rng.integers(N_CELLS)), float(rng.uniform(p.least, p.most)))
    for step in range(p.rounds - p.population):
        sample = rng.integers(p.population, size=p.sample)
        weights = draw_weights(rng, 1, goals.shape[1])[0]
        cell, sparsity = alive[int(sample[goal(goals[sample], weights).argmin()])]
        child = int(near[cell, rng.integers(N_NEIGHBOURS)])
        changed = float(np.clip(sparsity + p.noise * rng.standard_normal(), p.least, p.most))
        train(step % p.population, child, changed)


def _form(search: Search, sparsity: float) -> Compressed:
    """Return the pruned network's form: whole channels, the same fraction in every stage."""
    full = search.skeleton.channels
    return Compressed((_BITS,) * STAGES, widths=(channels(1 - sparsity, full) / full,) * STAGES)


def _costs(search: Search, cell: int, sparsity: float) -> Array:
    """Return the bounded columns of a pruned cell over their bounds; NaN is more than any bound.

    Raises UserError for a bound that is not above 0.
    """
    width = channels(1 - sparsity, search.skeleton.channels)
    costs = [
        search.narrow(name, width)[cell] / above_zero(bound, name)
        for name, bound in search.bounds.items()
    ]
    known: Array = np.nan_to_num(np.array(costs), nan=np.inf)
    return known


STRATEGY = Strategy(
    version=4,
    source="Liberis et al., EuroMLSys 2021, sections 3.6 and 3.7",
    run=run,
    parameters=Parameters,
)
