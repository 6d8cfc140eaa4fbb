"""Compiled contraction of a tensor over the six edges: sums in one fixed order, without BLAS."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchsuite.numerics.compiled import compiled

Array = NDArray[np.float64]

_EDGES = 6


@compiled
def contract(t: Array, probs: Array, value: Array, gradient: Array) -> None:
    """Write E[t] [T, S] and its gradient [T, S, 6, K] for tensors [T, K^6], choices [S, 6, K].

    K: options of an edge, 5 or 3. The edges are summed over one by one, from the first. The slope
    by an edge's choices is what was left before that edge, summed over all edges after it.
    """
    size, options = t.shape[1], probs.shape[2]
    left, ahead = np.empty(size), np.empty(size // options)
    one, other = np.empty(size // options), np.empty(size // options)
    for n in range(t.shape[0]):
        for s in range(probs.shape[0]):
            left[:] = t[n]
            span = size // options
            for edge in range(_EDGES):
                _sum_over(left, probs[s, edge], ahead, 1, span)
                source, inner = left, span
                for later in range(edge + 1, _EDGES):
                    inner //= options
                    target = one if (later - edge) % 2 else other
                    _sum_over(source, probs[s, later], target, options, inner)
                    source = target
                gradient[n, s, edge] = source[:options]
                left[:span] = ahead[:span]
                span //= options
            value[n, s] = left[0]


@compiled
def _sum_over(source: Array, p: Array, target: Array, blocks: int, span: int) -> None:
    """Write the sums over k of p_k x source [blocks, k, span] to target [blocks, span]."""
    if len(p) == 3:
        p0, p1, p2 = p[0], p[1], p[2]
        for block in range(blocks):
            for i in range(block * span, (block + 1) * span):
                j = i + 2 * block * span
                target[i] = p0 * source[j] + p1 * source[j + span] + p2 * source[j + 2 * span]
        return
    p0, p1, p2, p3, p4 = p[0], p[1], p[2], p[3], p[4]
    for block in range(blocks):
        # Slices from 0 let the compiler see that no index is negative, and use wide registers.
        x = source[block * 5 * span : (block + 1) * 5 * span]
        x0, x1, x2 = x[:span], x[span : 2 * span], x[2 * span : 3 * span]
        x3, x4 = x[3 * span : 4 * span], x[4 * span :]
        y = target[block * span : (block + 1) * span]
        for i in range(span):
            y[i] = p0 * x0[i] + p1 * x1[i] + p2 * x2[i] + p3 * x3[i] + p4 * x4[i]
