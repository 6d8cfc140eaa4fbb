"""The multilinear extension of a column: its expectation over independent choices per edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchsuite.space.cell import EDGES, OPS, index_of

Array = NDArray[np.float64]

_SHAPE = (len(OPS),) * len(EDGES)


def tensor(values: Array) -> Array:
    """Return a column [15625] as a tensor [5, 5, 5, 5, 5, 5], an axis per edge."""
    ops = np.indices(_SHAPE).reshape(len(EDGES), -1).T
    return values[index_of(ops)].reshape(_SHAPE)


def expectation(t: Array, probs: Array) -> tuple[float, Array]:
    """Return E[t] = sum t[o1..o6] prod p_e[o_e] and its gradient by p.

    t: [5, 5, 5, 5, 5, 5]; probs: [6, 5], any numbers. Returns the value and d value / d p [6, 5],
    the same bits on every processor.
    """
    value, gradient = expectations(t, probs[None])
    return float(value[0]), gradient[0]


def expectations(t: Array, probs: Array) -> tuple[Array, Array]:
    """Return E[t] for many sets of choices at once, and its gradient.

    t: [..., K, K, K, K, K, K]; probs: [S, 6, K]; K is 5, or 3 where a column tells no more options
    apart. Returns [..., S] and [..., S, 6, K].
    """
    from benchsuite.space.contraction import contract

    leading = t.shape[: t.ndim - len(EDGES)]
    flat = t.reshape(-1, probs.shape[2] ** len(EDGES))
    value = np.empty((len(flat), len(probs)))
    gradient = np.empty((len(flat), *probs.shape))
    contract(flat, np.ascontiguousarray(probs), value, gradient)
    return value.reshape(*leading, -1), gradient.reshape(*leading, *probs.shape)


def conditional_expectation(values: Array, present: Array, probs: Array) -> tuple[float, Array]:
    """Return E[values | present] and its gradient: missing cells are left out, not imputed.

    values, present: tensors with 0 where missing. NaN where no cell with a value is possible.
    """
    total, by_total = expectation(values, probs)
    weight, by_weight = expectation(present, probs)
    if weight <= 0:
        return float("nan"), np.full_like(probs, np.nan)
    value = total / weight
    return value, (by_total - value * by_weight) / weight
