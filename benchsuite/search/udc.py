"""UDC: Gumbel-softmax samples of all decisions, projected towards exploration, pulled to a size.

Source: Fedorov et al., "UDC: Unified DNAS for Compressible TinyML Models", NeurIPS 2022, sections 4
to 4.2: minimise E[task loss] + lambda E|size / e* - 1| (equation 7) over S samples z of the
choices; after each step project pi onto {max pi <= 1 / K + xi} by softmax(log pi / T) (equation 8);
with probability theta a decision uses the mean of the samples whose largest entry is pi's
(algorithm 1). The answer is the most likely configuration; above its bound it is a failed run.

- `mode="operators"`: the operator of each edge, 8 bits, dense; any bounded columns are sizes. e* is
  the largest size of any cell within `aim` times the bound: the constraint is an equality
  (equation 5), and lemma 4.1 needs a configuration that meets it.
- `mode="compressed"`: also bits, density and width of each stage
  (`benchsuite.deployment.compressed`); the bound is on `skeleton.bytes`, e* is `aim` times it. The
  accuracy goes through `benchsuite.deployment.response`, and the result says so.

An equality pulls from both sides, and one decision of 15 is a large part of the size here (the
paper's spaces have hundreds), so the most likely configuration stops some percent above e* as often
as below it; the paper's own table 4 has 1.27 MB for the model of its 1.25 MB target. Three things
keep the bound: e* a little below it (`aim`), lambda that grows through the search (it starts where
the task decides and ends where the size does), and `hard`, which answers the last most likely
configuration that kept all bounds. Without `hard` the loss alone has to do it.

The task loss is the table's expected error at the relaxed choices in place of a supernet's, so no
noise of training meets the search. Ablations (table 3): `theta=0` (no rejection sampling),
`samples=1`, `project=False`, `weight_end` none (lambda constant, to be tuned), and `VANILLA`, which
has none of these, anneals tau and constrains the expected size (equation 6). For the share theta,
algorithm 2 and the text of section 4.2 contradict each other; the text, which table 2 agrees with,
is followed. Where the paper, without its appendix, is silent: lambda grows geometrically from 0.03
to 3 for an error as a fraction, 32 samples, Adam at 0.05, 400 steps, xi growing linearly from 0 to
1 - 1/K over the first half.

The stated cost is the 1.17 GPU days of its CIFAR-100 search (table 3), spread over the steps. A
sample that is nearly one cell is a query of it, but what was stated so far goes towards its
training, and its slopes show no neighbour (`benchsuite.simulation.supernet`): a search costs more
only where such trainings come to more than that, as they may for vanilla DNAS, whose low tau
sharpens most samples.

A step multiplies rounding errors, so it is computed with the same bits on every processor
(`benchsuite.numerics.arithmetic`); columns that are off by 1e-15 can still flip a seed's answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchsuite.api import Strategy
from benchsuite.deployment.compressed import Rule
from benchsuite.deployment.response import Name
from benchsuite.errors import UserError
from benchsuite.numerics.arithmetic import exp, log, softmax
from benchsuite.numerics.ties import argmax
from benchsuite.parameters import check_range
from benchsuite.search._adam import Adam
from benchsuite.search._udc_samples import Decisions, Samples
from benchsuite.search._udc_spaces import Compression, Operators
from benchsuite.simulation.search import Search

Array = NDArray[np.float64]

VANILLA = {
    "samples": 1,
    "theta": 0.0,
    "project": False,
    "constraint": "expected",
    "tau": 10.0,
    "tau_end": 0.1,
    "weight": 1.0,
    "weight_end": None,
    "hard": False,
    "steps": 400 * 32,
}


@dataclass(frozen=True)
class Parameters:
    """tau: Gumbel temperature, annealed geometrically to tau_end; weight: lambda, likewise.

    theta: share of rejection-sampled decisions; constraint: on samples (equation 7) or on the
    expected size (equation 6); aim: e* as a fraction of the bound; hard: answer the last most
    likely configuration within the bounds, if there was one; rule: see `compressed`.
    """

    mode: Literal["operators", "compressed"] = "operators"
    steps: int = 400
    samples: int = 32
    tau: float = 0.66
    tau_end: float | None = None
    weight: float = 0.03
    weight_end: float | None = 3.0
    theta: float = 0.5
    project: bool = True
    constraint: Literal["sampled", "expected"] = "sampled"
    hard: bool = True
    rate: float = 0.05
    aim: float = 0.95
    rule: Rule = "entropy"
    response: Name = "measured"
    gpu_hours: float = 28.08

    def __post_init__(self) -> None:
        check_range(1, steps=self.steps, samples=self.samples)
        check_range(1e-3, tau=self.tau, rate=self.rate, aim=self.aim)
        check_range(1e-3, tau_end=self.tau if self.tau_end is None else self.tau_end)
        check_range(1e-9, weight=self.weight)
        check_range(1e-9, weight_end=self.weight if self.weight_end is None else self.weight_end)
        check_range(0, gpu_hours=self.gpu_hours)
        check_range(0, 1, theta=self.theta)


def run(search: Search, rng: np.random.Generator, parameters: Parameters) -> None:
    """Descend for some steps; answer the most likely configuration, within the bounds or not."""
    p = parameters
    if not search.bounds:
        raise UserError(
            "UDC searches for a size: give at least one bound, as in --bound cifar10.params=500000."
        )
    seconds = p.gpu_hours * 3600 / p.steps
    space: Operators | Compression
    if p.mode == "operators":
        space = Operators(search, p.aim, seconds)
    else:
        space = Compression(search, p.aim, seconds, p.rule, p.response)
    decisions = Decisions(space.options)
    logits = decisions.start(rng)
    adam = Adam(p.rate)
    kept = None
    for t in range(p.steps):
        logits = logits + adam.step(_gradient(space, logits, rng, p, t))
        if p.project:
            logits = decisions.project(logits, min(2 * (t + 1) / p.steps, 1))
        if p.hard and space.keeps(chosen := _likeliest(logits)):
            kept = chosen
    space.answer(_likeliest(logits) if kept is None else kept)


def _likeliest(logits: Array) -> NDArray[np.int64]:
    """Return the most likely option of each decision [D], the first of tied ones."""
    return np.array([argmax(options) for options in logits])


def _gradient(
    space: Operators | Compression, logits: Array, rng: np.random.Generator, p: Parameters, t: int
) -> Array:
    """Return the slope [D, K] of equation 7 by the logits."""
    tau = _annealed(p.tau, p.tau_end, t / p.steps)
    weight = _annealed(p.weight, p.weight_end, t / p.steps)
    samples = Samples(logits, rng, p.samples, tau, p.theta)
    slopes = space.error(samples.choices)
    if p.constraint == "sampled":
        slopes += weight * _deviation(space, samples.choices)
        return samples.by_logits(slopes) / p.samples
    probs = softmax(logits)
    by_probs = weight * _deviation(space, probs[None])[0]
    through = probs * (by_probs - (by_probs * probs).sum(axis=1, keepdims=True))
    gradient: Array = samples.by_logits(slopes) / p.samples + through
    return gradient


def _annealed(start: float, end: float | None, progress: float) -> float:
    """Return a value that goes geometrically from start to end; start, where there is no end."""
    return start if end is None else float(start * exp(progress * log(end / start)))


def _deviation(space: Operators | Compression, choices: Array) -> Array:
    """Return the slopes [S, D, K] of the summed |size / e* - 1|."""
    slopes = np.zeros_like(choices)
    for size, by_choices in space.sizes(choices):
        slopes += np.sign(size - 1)[:, None, None] * by_choices
    return slopes


STRATEGY = Strategy(
    version=8,
    source="Fedorov et al., UDC, NeurIPS 2022, sections 4 to 4.2",
    run=run,
    parameters=Parameters,
)
