"""Non-dominated sets and exact hypervolumes in two and three dimensions; every column is minimised.

Pure numpy: no table. Negate what is to be maximised. The reference rule is part of a result:
`reference` gives one, and callers store what it returned with each hypervolume.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchsuite.errors import UserError
from benchsuite.numerics.ties import levels

Array = NDArray[np.float64]

REFERENCE_RULE = "nadir of the union of all sets compared, plus 10 % of its range per objective"


def non_dominated(points: ArrayLike) -> NDArray[np.bool_]:
    """Tell which points no other point dominates: bool [N] for points [N, M].

    a dominates b if a <= b in every objective and a < b in one; equal points are all kept. Values
    that differ by rounding alone are equal (see `benchsuite.numerics.ties`).
    Time: O(N log N + N F) with F points in the front. UserError for a value that is not finite.
    """
    p = np.apply_along_axis(levels, 0, _points(points))
    keep = np.ones(len(p), dtype=bool)
    order = np.lexsort(p.T[::-1])
    front = np.empty_like(p)
    n = 0
    for i in order:
        below = front[:n]
        if n and ((below <= p[i]).all(axis=1) & (below < p[i]).any(axis=1)).any():
            keep[i] = False
        else:
            front[n] = p[i]
            n += 1
    return keep


def dominated(points: ArrayLike, by: ArrayLike) -> NDArray[np.bool_]:
    """Tell which points [N, M] at least one of another set [R, M] dominates: bool [N]."""
    p, other = _points(points)[:, None], _points(by)[None]
    no_worse = np.asarray((other <= p).all(axis=2))
    better = np.asarray((other < p).any(axis=2))
    return np.asarray((no_worse & better).any(axis=1))


def sorted_front(points: ArrayLike) -> NDArray[np.int64]:
    """Return which points [N, 2] make the front [F], by the first objective, in time N log N.

    Of equal points the first stands for all. Values are compared as they are, to the last bit.
    """
    p = _points(points)
    order = np.lexsort((p[:, 1], p[:, 0]))
    least = np.minimum.accumulate(p[order, 1])
    return np.asarray(order[np.r_[True, least[1:] < least[:-1]][: len(p)]], dtype=np.int64)


def attained(points: ArrayLike, at: ArrayLike) -> Array:
    """Return the least second objective [T] of points [N, 2] whose first is at most `at` [T].

    Between two points of a front it is constant: the front's steps. NaN where there is none.
    """
    p = np.asarray(points, dtype=np.float64)
    within = p[:, 0] <= np.asarray(at, dtype=np.float64)[:, None]
    least = np.where(within, p[:, 1], np.inf).min(axis=1)
    return np.where(np.isfinite(least), least, np.nan)


def reference(*sets: ArrayLike) -> Array:
    """Return the reference point [M] for hypervolumes of the sets together (`REFERENCE_RULE`).

    The nadir is the worst value of each objective over the non-dominated points of the union; an
    objective without a range gets 10 % of its size, or 1 if it is 0.
    """
    union = np.concatenate([_points(one) for one in sets])
    if not len(union):
        raise UserError("A reference point needs at least one point.")
    front = union[non_dominated(union)]
    low, high = front.min(axis=0), front.max(axis=0)
    flat = np.where(high != 0, np.abs(high), 1.0)
    return np.asarray(high + 0.1 * np.where(high > low, high - low, flat), dtype=np.float64)


def hypervolume(points: ArrayLike, reference: ArrayLike) -> float:
    """Return the volume that the points [N, M] dominate below the reference point [M]; M = 2 or 3.

    Points that are not below the reference in every objective add nothing. 2-D: one sweep,
    O(N log N). 3-D: a sweep over the last objective, a 2-D area for each slab, O(N^2 log N).
    UserError for other dimensions and for values that are not finite.
    """
    p, r = _points(points), np.asarray(reference, dtype=np.float64)
    if r.shape not in ((2,), (3,)) or (len(p) and p.shape[1] != len(r)):
        raise UserError(
            f"Hypervolumes are computed for 2 or 3 objectives with one reference value each; "
            f"the points have {p.shape[1]}, the reference {r.size}."
        )
    if not np.isfinite(r).all():
        raise UserError(f"The reference point {r} is not finite.")
    p = p[(p < r).all(axis=1)]
    if not len(p):
        return 0.0
    p = p[non_dominated(p)]
    return _area(p, r) if len(r) == 2 else _volume(p, r)


def _area(p: Array, r: Array) -> float:
    p = p[np.lexsort((p[:, 1], p[:, 0]))]
    ceiling = np.minimum.accumulate(np.concatenate([[r[1]], p[:, 1]]))
    return float(((r[0] - p[:, 0]) * (ceiling[:-1] - ceiling[1:])).sum())


def _volume(p: Array, r: Array) -> float:
    p = p[np.argsort(p[:, 2], kind="stable")]
    tops = np.append(p[1:, 2], r[2])
    total = 0.0
    for i, (bottom, top) in enumerate(zip(p[:, 2], tops, strict=True)):
        if top > bottom:
            total += (top - bottom) * _area(p[: i + 1, :2], r[:2])
    return total


def _points(points: ArrayLike) -> Array:
    p = np.asarray(points, dtype=np.float64)
    if p.ndim != 2:
        raise UserError(f"Points are [N, M], not {p.shape}.")
    if not np.isfinite(p).all():
        raise UserError("A point with a missing or infinite objective has no place in a front.")
    return p
