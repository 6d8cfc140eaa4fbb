"""exp, log, sums of products and draws with the same bits on every processor.

A gradient search multiplies a difference in the last bit until it answers another cell, so what it
computes with may not depend on the processor. That rules out exp, log and pow of numpy and of the
C library, the products of BLAS (`@`), and numpy's normal and exponential draws, whose tails take a
logarithm. What is left: the four operations and square roots of numpy, its sums, and what is here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_LN2 = 0.6931471805599453
_BELOW_ONE = 2**53


def exp(x: ArrayLike) -> Array:
    """Return e^x of an array of any shape, within one unit in the last place."""
    from benchsuite.numerics.elementary import exp_all

    values = np.array(x, dtype=np.float64, order="C")
    exp_all(values.reshape(-1), values.reshape(-1))
    return values


def log(x: ArrayLike) -> Array:
    """Return the natural logarithm of an array of any shape, within one unit in the last place."""
    from benchsuite.numerics.elementary import log_all

    values = np.array(x, dtype=np.float64, order="C")
    log_all(values.reshape(-1), values.reshape(-1))
    return values


def log2(x: ArrayLike) -> Array:
    """Return the binary logarithm of an array of any shape."""
    return log(x) / _LN2


def softmax(logits: Array) -> Array:
    """Return softmax over the last axis."""
    e = exp(logits - logits.max(axis=-1, keepdims=True))
    p: Array = e / e.sum(axis=-1, keepdims=True)
    return p


def product(left: Array, right: Array) -> Array:
    """Return `left @ right` for stacks of small matrices [..., N, K] and [..., K, M]."""
    found: Array = (left[..., None] * right[..., None, :, :]).sum(axis=-2)
    return found


def exponential(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return draws of the exponential distribution with mean 1: -log u, 0 < u < 1."""
    return -log(rng.integers(1, _BELOW_ONE, size=shape) / _BELOW_ONE)


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return draws of N(0, 1), by the polar method.

    Source: Marsaglia & Bray, "A convenient method for generating normal variables", SIAM Review
    1964.
    """
    wanted = int(np.prod(shape))
    found = np.empty(0)
    while len(found) < wanted:
        points = 2 * rng.random((wanted, 2)) - 1
        square = points[:, 0] * points[:, 0] + points[:, 1] * points[:, 1]
        inside = (square > 0) & (square < 1)
        points, square = points[inside], square[inside]
        scaled = points * np.sqrt(-2 * log(square) / square)[:, None]
        found = np.concatenate([found, scaled.ravel()])
    return found[:wanted].reshape(shape)
