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
