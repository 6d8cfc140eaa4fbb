"""Compiled kernels of the tau-b bootstrap and of weighted tau; imported only when one runs.

A resample drawn with replacement is the original cells with multiplicities. The order of the cells
by score does not change from one resample to the next, so nothing is sorted again: the cells are
visited in that order, and a Fenwick tree over the ranks of the truth says how much weight with a
greater truth has been visited before. The walk through the tree depends on the cell alone, so one
walk serves `LANES` resamples at once, side by side in memory.

Sources: Knight, "A computer method for calculating Kendall's tau with ungrouped data", JASA 1966
(counting discordant pairs in n log n); Fenwick, "A new data structure for cumulative frequency
tables", Software: Practice and Experience 1994.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.numerics.compiled import compiled

LANES = 64


def narrow(weights: NDArray[np.int32]) -> NDArray[np.integer[Any]]:
    """Return multiplicities [n, LANES] in 16 bits where no sum leaves them: half the memory."""
    small = weights.sum(axis=0, dtype=np.int64).max(initial=0) < 2**15
    return weights.astype(np.int16) if small else weights


@compiled
def pair_counts(
    x: NDArray[np.int32],
    y: NDArray[np.int32],
    by_y: NDArray[np.int64],
    weights: NDArray[np.integer[Any]],
) -> NDArray[np.int64]:
    """Count pairs of cells in `LANES` resamples, in time n log n.

    x, y: dense ranks [n] from 0, cells sorted by (x, y). by_y: positions [n] sorted by y.
    weights: how often each cell is in each resample, integers [n, LANES], best `narrow`.
    Returns int64 [5, LANES]: all pairs, discordant, tied in x, tied in y, tied in both.
    """
    n = len(x)
    size = 0 if n == 0 else y[by_y[n - 1]] + 1
    tree = np.zeros((size + 1, LANES), weights.dtype)
    total = np.zeros(LANES, weights.dtype)
    greater = np.zeros(LANES, weights.dtype)
    x_run = np.zeros(LANES, np.int64)
    y_run = np.zeros(LANES, np.int64)
    xy_run = np.zeros(LANES, np.int64)
    counts = np.zeros((5, LANES), np.int64)
    for i in range(n):
        if i > 0 and x[i] != x[i - 1]:
            _close(x_run, counts[2])
        if i > 0 and (x[i] != x[i - 1] or y[i] != y[i - 1]):
            _close(xy_run, counts[4])
        # Within equal x the cells come by rising y, so none visited before has a greater y.
        greater[:] = total
        node = y[i] + 1
        while node > 0:
            for lane in range(LANES):
                greater[lane] -= tree[node, lane]
            node -= node & -node
        for lane in range(LANES):
            w = weights[i, lane]
            counts[1, lane] += np.int64(w) * greater[lane]
            total[lane] += w
            x_run[lane] += w
            xy_run[lane] += w
        node = y[i] + 1
        while node <= size:
            for lane in range(LANES):
                tree[node, lane] += weights[i, lane]
            node += node & -node
    for k in range(n):
        if k > 0 and y[by_y[k]] != y[by_y[k - 1]]:
            _close(y_run, counts[3])
        for lane in range(LANES):
            y_run[lane] += weights[by_y[k], lane]
    _close(x_run, counts[2])
    _close(y_run, counts[3])
    _close(xy_run, counts[4])
    for lane in range(LANES):
        counts[0, lane] = np.int64(total[lane]) * (np.int64(total[lane]) - 1) // 2
    return counts


@compiled
def _close(run: NDArray[np.int64], pairs: NDArray[np.int64]) -> None:
    """Add the pairs within a run of tied cells to `pairs` and start the next run."""
    for lane in range(LANES):
        pairs[lane] += run[lane] * (run[lane] - 1) // 2
        run[lane] = 0


@compiled
def concordance(x: NDArray[np.int32], y: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return sum over j of sgn(x_i - x_j) sgn(y_i - y_j) per cell i, [n], in time n log n.

    x, y: dense ranks [n] from 0, cells sorted by x.
    """
    n = len(x)
    size = 0 if n == 0 else y.max() + 1
    found = np.zeros(n, np.int64)
    for direction in (1, -1):  # against the cells of smaller x, then of greater x
        tree = np.zeros(size + 1, np.int64)
        visited = 0
        start = 0
        while start < n:
            end = start
            while end < n and x[_at(end, n, direction)] == x[_at(start, n, direction)]:
                end += 1
            for k in range(start, end):
                i = _at(k, n, direction)
                less = _prefix(tree, y[i])
                greater = visited - _prefix(tree, y[i] + 1)
                found[i] += direction * (less - greater)
            for k in range(start, end):
                node = y[_at(k, n, direction)] + 1
                while node <= size:
                    tree[node] += 1
                    node += node & -node
            visited += end - start
            start = end
    return found


@compiled
def _at(k: int, n: int, direction: int) -> int:
    return k if direction > 0 else n - 1 - k


@compiled
def _prefix(tree: NDArray[np.int64], node: int) -> int:
    total = 0
    while node > 0:
        total += tree[node]
        node -= node & -node
    return total
