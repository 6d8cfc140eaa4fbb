"""Non-dominated sets and exact hypervolumes, by moocore; every column is minimised.

No table. Negate what is to be maximised. The reference rule is part of a result: `reference` gives
one, and callers store what it returned with each hypervolume.
"""

from __future__ import annotations

import moocore
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
    UserError for a value that is not finite.
    """
    ranks = np.apply_along_axis(levels, 0, _points(points)).astype(np.float64)
    return np.asarray(moocore.is_nondominated(ranks, keep_weakly=True), dtype=np.bool_)


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
    least = np.where(within, p[:, 1], np.inf).min(axis=1, initial=np.inf)
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
    """Return the volume that the points [N, M] dominate below the reference point [M].

    Points that are not below the reference in every objective add nothing. Time: O(N log N) for
    M <= 3, O(N^2) for 4, at worst O(N^(M-2)) for more. UserError for values that are not finite.
    """
    p, r = _points(points), np.asarray(reference, dtype=np.float64)
    if r.shape != p.shape[1:]:
        raise UserError(
            f"A hypervolume needs one reference value per objective; the points have "
            f"{p.shape[1]}, the reference {r.size}."
        )
    if not np.isfinite(r).all():
        raise UserError(f"The reference point {r} is not finite.")
    return float(moocore.hypervolume(p, ref=r))


def _points(points: ArrayLike) -> Array:
    p = np.asarray(points, dtype=np.float64)
    if p.ndim != 2:
        raise UserError(f"Points are [N, M], not {p.shape}.")
    if not np.isfinite(p).all():
        raise UserError("A point with a missing or infinite objective has no place in a front.")
    return p
