"""Loops over feature maps laid out [C, H, W * B]: channels, rows, then columns of all images.

With the images innermost a shift by a column is a shift by B, so that even rows of three pixels are
long. Every sum is made in one order, in lanes along a row, so results do not depend on how wide a
processor's registers are. B: images; all arrays float32 or float64 alike. Loops that fold lanes are
in `_convolutions`: what numba keeps of a function is known by its own file alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchsuite.numerics.compiled import compiled

Array = NDArray[np.floating]


@compiled
def rectify(x: Array, y: Array) -> None:
    """Write max(x, 0)."""
    one, other = x.ravel(), y.ravel()
    for lane in range(len(one)):
        other[lane] = max(one[lane], one.dtype.type(0))


@compiled
def rectify_inputs(g: Array, y: Array, into: Array) -> None:
    """Add the gradient by the input of `rectify`; g: by its output y."""
    slope, value, target = g.ravel(), y.ravel(), into.ravel()
    for lane in range(len(slope)):
        target[lane] += slope[lane] if value[lane] > 0 else slope.dtype.type(0)


@compiled
def pool(x: Array, y: Array, b: int) -> None:
    """Write the mean over each pixel's 3x3 neighbours that lie within the map, stride 1."""
    _spread(x, y, b, True)


@compiled
def pool_inputs(g: Array, into: Array, b: int) -> None:
    """Add the gradient by the input of `pool`; g: by its output."""
    _spread(g, into, b, False)


@compiled
def _spread(x: Array, into: Array, b: int, gathers: bool) -> None:
    """Set to, or add to, each pixel the sum over its neighbours of x over a count.

    The count is that of the neighbours of the pixel where it gathers, else of the neighbour.
    """
    height, width = x.shape[1], x.shape[2] // b
    rows = np.empty(x.shape[2], dtype=x.dtype)
    total = np.empty(x.shape[2], dtype=x.dtype)
    across = np.empty(x.shape[2], dtype=x.dtype)
    for column in range(width):
        count = min(column + 1, width - 1) - max(column - 1, 0) + 1
        across[column * b : (column + 1) * b] = x.dtype.type(1 / count)
    for channel in range(x.shape[0]):
        for row in range(height):
            rows[:] = 0
            for at in range(max(row - 1, 0), min(row + 1, height - 1) + 1):
                one = x.dtype.type(1)
                if not gathers:
                    one /= x.dtype.type(min(at + 1, height - 1) - max(at - 1, 0) + 1)
                source = x[channel, at]
                for lane in range(len(rows)):
                    rows[lane] += source[lane] * one
            if not gathers:
                for lane in range(len(rows)):
                    rows[lane] *= across[lane]
            for lane in range(len(rows)):
                total[lane] = rows[lane]
            inner = total[b:]
            for lane in range(len(inner)):
                inner[lane] += rows[lane]
            inner = rows[b:]
            for lane in range(len(inner)):
                total[lane] += inner[lane]
            target = into[channel, row]
            if gathers:
                one = x.dtype.type(1 / (min(row + 1, height - 1) - max(row - 1, 0) + 1))
                for lane in range(len(rows)):
                    target[lane] = total[lane] * across[lane] * one
            else:
                for lane in range(len(rows)):
                    target[lane] += total[lane]


@compiled
def halve(x: Array, y: Array, b: int) -> None:
    """Write the mean over each 2x2 block."""
    quarter = x.dtype.type(0.25)
    for channel in range(y.shape[0]):
        for row in range(y.shape[1]):
            above, below = x[channel, 2 * row], x[channel, 2 * row + 1]
            for column in range(y.shape[2] // b):
                target = y[channel, row, column * b : (column + 1) * b]
                left = 2 * column * b
                for lane in range(b):
                    target[lane] = quarter * (
                        (above[left + lane] + above[left + b + lane])
                        + (below[left + lane] + below[left + b + lane])
                    )


@compiled
def halve_inputs(g: Array, into: Array, b: int) -> None:
    """Add the gradient by the input of `halve`; g: by its output."""
    quarter = g.dtype.type(0.25)
    for channel in range(g.shape[0]):
        for row in range(g.shape[1]):
            for column in range(g.shape[2] // b):
                source = g[channel, row, column * b : (column + 1) * b]
                for i in range(2):
                    for j in range(2):
                        left = (2 * column + j) * b
                        target = into[channel, 2 * row + i, left : left + b]
                        for lane in range(b):
                            target[lane] += quarter * source[lane]
