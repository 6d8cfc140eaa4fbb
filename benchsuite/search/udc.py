"""UDC (operators only): Gumbel-softmax samples, projected towards exploration, pulled to a size.

Source: Fedorov et al., "UDC: Unified DNAS for Compressible TinyML Models", NeurIPS 2022, sections 4
to 4.2: minimise E[task loss] + lambda E|size / target - 1| (equation 7) over S samples z of the
choices; after each step project pi onto {max pi <= 1 / K + xi} by softmax(log pi / T) (equation 8);
with probability theta a decision uses the mean of the samples whose largest entry is pi's
(algorithm 1). Each column with a bound is a size, its bound the target; the answer is the most
likely cell, and one above a bound is a failed run (equation 5).

Only operators are chosen (8 bit, dense): bitwidths, sparsity and widths need accuracies that the
table does not hold. The task loss is the table's expected error at the relaxed choices in place of
a supernet's. Ablations: `theta=0` (no rejection sampling), `samples=1`, `project=False`. For the
share theta, algorithm 2 and the text of section 4.2 contradict each other; the text, which table 2
agrees with, is followed. Where the paper, without its appendix, is silent: tau 0.66, lambda 1, 32
samples, Adam at 0.05, 150 steps, xi growing linearly from 0 to 1 - 1/K over the first half. The
stated cost is the 1.17 GPU days of its CIFAR-100 search (table 3).

The regulariser is two-sided and the sizes of these cells lie far apart (a 3x3 convolution is
243,040 parameters), so the nearest size is often above the target and the run fails; `aim=0.9` aims
at nine tenths of each bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.api import Strategy
from benchsuite.cell import EDGES, OPS, index_of
from benchsuite.errors import UserError
from benchsuite.parameters import check_range
from benchsuite.replay import Search
from benchsuite.search._adam import Adam, softmax

Array = NDArray[np.float64]

_K = len(OPS)


@dataclass(frozen=True)
class Parameters:
    """tau: Gumbel temperature; weight: lambda; theta: share of rejection-sampled decisions.

    aim: the target size, as a fraction of the bound.
    """

    steps: int = 150
    samples: int = 32
    tau: float = 0.66
    weight: float = 1.0
    theta: float = 0.5
    project: bool = True
    rate: float = 0.05
    aim: float = 1.0
    gpu_hours: float = 28.08

    def __post_init__(self) -> None:
        check_range(1, steps=self.steps, samples=self.samples)
        check_range(1e-3, tau=self.tau, rate=self.rate, aim=self.aim)
        check_range(0, weight=self.weight, gpu_hours=self.gpu_hours)
        check_range(0, 1, theta=self.theta)


def run(search: Search, rng: np.random.Generator, parameters: Parameters) -> None:
    """Descend for some steps; answer the most likely cell, whether it keeps the bounds or not."""
    p = parameters
    if not search.bounds:
        raise UserError(
            "UDC searches for a size: give at least one bound, as in --bound cifar10.params=500000."
        )
    logits = 1e-3 * rng.standard_normal((len(EDGES), _K))
    adam = Adam(p.rate)
    for t in range(p.steps):
        sampled = _Sampled(logits, rng, p)
        slopes = np.array([_slope(search, choices, p) for choices in sampled.choices])
        logits = logits + adam.step(sampled.by_logits(slopes) / p.samples)
        if p.project:
            logits = project(logits, min(2 * (t + 1) / p.steps, 1) * (1 - 1 / _K))
    search.answer(index_of(logits.argmax(axis=1)[None]))


class _Sampled:
    """Gumbel-softmax samples of the choices [S, 6, 5], some replaced by rejection sampling."""

    def __init__(self, logits: Array, rng: np.random.Generator, p: Parameters) -> None:
        self._tau = p.tau
        self._soft = softmax((logits + rng.gumbel(size=(p.samples, *logits.shape))) / p.tau)
        self._accepted = self._soft.argmax(axis=2) == logits.argmax(axis=1)
        self._n = np.maximum(self._accepted.sum(axis=0), 1)
        mean = (self._soft * self._accepted[..., None]).sum(axis=0) / self._n[:, None]
        self._rejection = (rng.random(self._accepted.shape) < p.theta) & self._accepted.any(axis=0)
        self.choices = np.where(self._rejection[..., None], mean, self._soft)

    def by_logits(self, slopes: Array) -> Array:
        """Return the gradient [6, 5] by the logits, for slopes [S, 6, 5] by the choices, summed."""
        through_mean = (slopes * self._rejection[..., None]).sum(axis=0) / self._n[:, None]
        by_soft = np.where(self._rejection[..., None], 0.0, slopes)
        by_soft = by_soft + self._accepted[..., None] * through_mean
        inner = (by_soft * self._soft).sum(axis=2, keepdims=True)
        gradient: Array = (self._soft * (by_soft - inner)).sum(axis=0) / self._tau
        return gradient


def _slope(search: Search, choices: Array, p: Parameters) -> Array:
    """Return the slope [6, 5] of equation 7's loss at one sample of relaxed choices."""
    seconds = p.gpu_hours * 3600 / (p.steps * p.samples)
    _, slope = search.expectation("accuracy", choices, seconds=seconds)
    slope = -slope / 100
    for name, bound in search.bounds.items():
        target = p.aim * bound
        size, by_choices = search.expectation(name, choices, seconds=0)
        slope = slope + p.weight * np.sign(size - target) * by_choices / target
    return slope


def project(logits: Array, xi: float) -> Array:
    """Return the log of pi projected onto {max pi <= 1 / K + xi}: log pi / T, the least T >= 1.

    logits: [..., K]. Solved by bisection of 1 / T in 0 ... 1.
    """
    limit = 1 / logits.shape[-1] + xi
    low = np.zeros((*logits.shape[:-1], 1))
    high = np.ones_like(low)
    for _ in range(40):
        middle = (low + high) / 2
        fits = softmax(logits * middle).max(axis=-1, keepdims=True) <= limit
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    whole = softmax(logits).max(axis=-1, keepdims=True) <= limit
    projected: Array = logits * np.where(whole, 1.0, low)
    return projected


STRATEGY = Strategy(
    version=1,
    source="Fedorov et al., UDC, NeurIPS 2022, sections 4 to 4.2",
    run=run,
    parameters=Parameters,
)
