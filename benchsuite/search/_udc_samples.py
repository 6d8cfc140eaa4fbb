"""UDC's samples of several decisions with different numbers of options, and its projection."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchsuite.numerics.arithmetic import exp, exponential, log, normal

Array = NDArray[np.float64]


class Decisions:
    """Decisions padded to one width K: options [D], valid bool [D, K]; a missing option is -inf."""

    def __init__(self, options: tuple[int, ...]) -> None:
        self.options = np.array(options)[:, None]
        self.valid = np.arange(max(options)) < self.options

    def start(self, rng: np.random.Generator) -> Array:
        """Return almost uniform logits [D, K]."""
        return np.where(self.valid, 1e-3 * normal(rng, self.valid.shape), -np.inf)

    def project(self, logits: Array, freedom: float | Array) -> Array:
        """Return the log of pi projected onto {max pi <= 1 / K + xi}, xi = freedom (1 - 1 / K).

        freedom: from 0 to 1, of all decisions or of each [D, 1].
        P_S(pi) = softmax(log pi / T) with the least T >= 1 that satisfies it (equation 8): 1 where
        pi does already, else by Newton's method on the convex log sum exp((log pi - max) / T) +
        log(bound), from the uniform side, so that the bound holds wherever it stops.
        """
        bound = 1 / self.options + freedom * (1 - 1 / self.options)
        below = np.where(self.valid, logits - logits.max(axis=1, keepdims=True), 0.0)
        weight = self.valid.astype(np.float64)
        within = (weight * exp(below)).sum(axis=1, keepdims=True) * bound >= 1
        cold = within.astype(np.float64)
        for _ in range(30):
            e = weight * exp(below * cold)
            total = e.sum(axis=1, keepdims=True)
            excess = log(total * bound)
            slope = (e * below).sum(axis=1, keepdims=True) / total
            step = np.where(slope < 0, excess / np.minimum(slope, -1e-300), -1.0)
            ahead = np.where(within, 1.0, np.minimum(cold - np.where(excess > 0, step, 0.0), 1.0))
            if np.abs(ahead - cold).max() < 1e-12:
                break
            cold = ahead
        return np.where(self.valid, np.where(self.valid, logits, 0.0) * cold, -np.inf)


class Samples:
    """Gumbel-softmax samples [S, D, K], some decisions of some samples by rejection sampling.

    z^ = softmax((log pi + g) / tau); with probability theta a decision uses z~, the mean of the
    samples whose largest entry is pi's (algorithm 1), where there is one.
    """

    def __init__(
        self, logits: Array, rng: np.random.Generator, count: int, tau: float, theta: float
    ) -> None:
        self._tau = tau
        soft = -log(exponential(rng, (count, *logits.shape)))
        soft += logits
        soft -= soft.max(axis=2, keepdims=True)
        soft = exp(soft / tau)
        soft /= soft.sum(axis=2, keepdims=True)
        self._soft = soft
        self._accepted = soft.argmax(axis=2) == logits.argmax(axis=1)
        found = self._accepted.sum(axis=0)
        self._n = np.maximum(found, 1)
        self._rejection = (rng.random(self._accepted.shape) < theta) & (found > 0)
        mean = (soft * self._accepted[..., None]).sum(axis=0) / self._n[:, None]
        self.choices: Array = np.where(self._rejection[..., None], mean, soft)

    def by_logits(self, slopes: Array) -> Array:
        """Return the gradient [D, K] by the logits, for slopes [S, D, K] by the choices, summed."""
        through_mean = (slopes * self._rejection[..., None]).sum(axis=0) / self._n[:, None]
        by_soft = np.where(self._rejection[..., None], 0.0, slopes)
        by_soft += self._accepted[..., None] * through_mean
        inner = (by_soft * self._soft).sum(axis=2, keepdims=True)
        gradient: Array = (self._soft * (by_soft - inner)).sum(axis=0) / self._tau
        return gradient
