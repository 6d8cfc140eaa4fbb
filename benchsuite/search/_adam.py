"""Adam on a numpy array (Kingma & Ba, ICLR 2015, algorithm 1), with the paper's constants."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Adam:
    """Minimises; `step` returns the change to add to the parameters."""

    def __init__(self, rate: float, betas: tuple[float, float] = (0.9, 0.999)) -> None:
        self._rate, self._betas = rate, betas
        self._mean: Array | float = 0.0
        self._square: Array | float = 0.0
        self._powers = (1.0, 1.0)

    def step(self, gradient: Array) -> Array:
        """Return the change of the parameters for their gradient, of the same shape."""
        a, b = self._betas
        self._powers = (self._powers[0] * a, self._powers[1] * b)
        self._mean = a * self._mean + (1 - a) * gradient
        self._square = b * self._square + (1 - b) * gradient * gradient
        mean = self._mean / (1 - self._powers[0])
        change: Array = -self._rate * mean / (np.sqrt(self._square / (1 - self._powers[1])) + 1e-8)
        return change
