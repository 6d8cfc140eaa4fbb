"""EdgeNAS: gradient descent on relaxed choices, with penalties that grow while a bound is broken.

Source: "Neural Architecture Search for Edge Deployment: Latency-Aware Optimization" (EdgeNAS),
section 3.3: loss = task loss + sum_c mu_c max(0, E[column_c] / bound_c - 1)^2, mu_c multiplied by
1.5 at each step that breaks bound c; softmax with temperature; decode by the largest weight per
edge. Every column with a bound in the search is penalised by its expectation.

The task loss is the expected validation error of the table instead of a trained supernet's cross
entropy: the replay isolates the search from the error of weight sharing. The stated cost, 5 + 2.5 +
0.5 GPU hours (section 4.3), is spread over the steps. It is all that is charged, as it is more than
the training of the cell that the choices may sharpen to in the end
(`benchsuite.simulation.supernet`). Where the paper is silent: Adam with DARTS' betas (0.5, 0.999),
rate 0.01 and 1,000 steps, mu starts at 1 and stops growing at 1e9, logits start at N(0, 0.001).

A step multiplies rounding errors, so it is computed with the same bits on every processor
(`benchsuite.numerics.arithmetic`); columns that are off by 1e-15 can still flip a seed's answer.

Ablations of the paper (section 4.4): `penalty="none"`, `"fixed"`; `stand_in="cifar10.flops"`
penalises that column in place of the first bounded one, scaled to its mean; `chain` searches the
three edges 0-1, 1-2 and 2-3 alone, a chain of three blocks, and leaves the others empty. The trace
ends with the probability of the least certain edge's choice, as `least certain`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchsuite.api import Strategy
from benchsuite.errors import UserError
from benchsuite.numerics.arithmetic import normal, softmax
from benchsuite.numerics.ties import argmax
from benchsuite.parameters import check_range
from benchsuite.search._adam import Adam
from benchsuite.search._scalarisation import above_zero
from benchsuite.simulation.search import Search
from benchsuite.space.cell import EDGES, OPS, index_of

Array = NDArray[np.float64]

_GROWTH = 1.5
_LARGEST = 1e9
_UNIFORM = np.full((len(EDGES), len(OPS)), 1 / len(OPS))
_EMPTY = np.eye(len(OPS))[OPS.index("none")]


@dataclass(frozen=True)
class Parameters:
    """gpu_hours: the stated cost of all steps together; start: the first mu."""

    steps: int = 1000
    rate: float = 0.01
    temperature: float = 1.0
    start: float = 1.0
    penalty: Literal["adaptive", "fixed", "none"] = "adaptive"
    stand_in: str | None = None
    chain: bool = False
    gpu_hours: float = 8.0

    def __post_init__(self) -> None:
        check_range(1, steps=self.steps)
        check_range(1e-6, rate=self.rate, temperature=self.temperature)
        check_range(0, start=self.start, gpu_hours=self.gpu_hours)


def run(search: Search, rng: np.random.Generator, parameters: Parameters) -> None:
    """Descend for some steps; answer the most likely cell, whether it keeps the bounds or not."""
    p = parameters
    penalties = [] if p.penalty == "none" else _penalties(search, p)
    weights = [p.start] * len(penalties)
    free = np.array([[not p.chain or end == start + 1] for start, end in EDGES])
    logits = 1e-3 * normal(rng, (len(EDGES), len(OPS)))
    adam = Adam(p.rate, betas=(0.5, 0.999))
    for _ in range(p.steps):
        probs = np.where(free, softmax(logits / p.temperature), _EMPTY)
        _, slope = search.expectation("accuracy", probs, seconds=p.gpu_hours * 3600 / p.steps)
        by_probs = -slope / 100
        for i, penalty in enumerate(penalties):
            excess, by_excess = penalty(probs)
            if excess > 0:
                by_probs = by_probs + 2 * weights[i] * excess * by_excess
                if p.penalty == "adaptive":
                    weights[i] = min(weights[i] * _GROWTH, _LARGEST)
        logits = logits + adam.step(_through_softmax(by_probs, probs) / p.temperature)
    probs = np.where(free, softmax(logits / p.temperature), _EMPTY)
    search.stated("least certain", float(probs.max(axis=1).min()), seconds=0)
    chosen = np.where(free[:, 0], [argmax(edge) for edge in logits], OPS.index("none"))
    search.answer(index_of(chosen[None]))


def _penalties(search: Search, p: Parameters) -> list[Callable[[Array], tuple[float, Array]]]:
    """Return, per bound, the function probs -> (E[column] / bound - 1, gradient).

    Raises UserError for a bound that is not above 0, and a column that stands in for none.
    """
    scales = {name: (name, bound) for name, bound in search.bounds.items()}
    if p.stand_in is not None:
        if not scales:
            raise UserError(f"{p.stand_in!r} cannot stand in for a bounded column: there is none.")
        first = next(iter(scales))
        mean, _ = search.expectation(first, _UNIFORM, seconds=0)
        stand_in, _ = search.expectation(p.stand_in, _UNIFORM, seconds=0)
        if not (stand_in > 0 and mean > 0):
            raise UserError(
                f"The mean of {p.stand_in} is {stand_in:g}, that of {first} {mean:g}: "
                "one stands in for the other where both are above 0."
            )
        scales[first] = (p.stand_in, scales[first][1] * stand_in / mean)

    def penalty(name: str, bound: float) -> Callable[[Array], tuple[float, Array]]:
        def excess(probs: Array) -> tuple[float, Array]:
            value, gradient = search.expectation(name, probs, seconds=0)
            return value / bound - 1, gradient / bound

        return excess

    return [penalty(name, above_zero(bound, name)) for name, bound in scales.values()]


def _through_softmax(gradient: Array, probs: Array) -> Array:
    by_logits: Array = probs * (gradient - (gradient * probs).sum(axis=1, keepdims=True))
    return by_logits


STRATEGY = Strategy(version=3, source="EdgeNAS, section 3.3", run=run, parameters=Parameters)
