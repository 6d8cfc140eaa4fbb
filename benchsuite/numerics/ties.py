"""Order under rounding: what differs by less than a sum's rounding error is equal.

Two numbers are tied if they differ by at most `TOLERANCE` times their size. The size is that of
what they were computed from: a difference of sums of 1e8 that comes to 1e-8 is zero. Whole numbers
up to 1e9 are therefore told apart exactly. Being tied is made transitive: in ascending order, a
group of tied numbers ends where the gap to the next one is larger than the tolerance.

Columns of a table and of a search are `merged`, so that plain comparisons of their values see equal
ones as equal. Where an order needs one of several tied entries, the first one is taken.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

TOLERANCE = 1e-10

Floats = NDArray[np.float64]


def levels(
    values: ArrayLike, size: float | None = None, tolerance: float = TOLERANCE
) -> NDArray[np.int64]:
    """Return dense ranks [N], ascending from 0; tied values share theirs, missing ones the last.

    values: [N]; size: of the operands that the values are sums or differences of; by default that
    of the values themselves. Time: O(N log N).
    """
    x = np.asarray(values, dtype=np.float64)
    first = _firsts(x, size, tolerance)
    found = np.searchsorted(first, x, side="right") - 1
    return np.where(np.isnan(x), len(first), found)


def merged(values: Floats) -> Floats:
    """Return the values [N] with those that are tied made equal, to the least of them."""
    first = _firsts(values, None, TOLERANCE)
    if not len(first):
        return values
    found = first[np.searchsorted(first, values, side="right") - 1]
    return np.where(np.isnan(values), np.nan, found)


def argmin(values: ArrayLike, size: float | None = None) -> int:
    """Return the position of the least of values [N], the first of those tied with it.

    Missing values are passed over. Raises ValueError where there are no others.
    """
    x = np.asarray(values, dtype=np.float64)
    if np.isnan(x).all():
        raise ValueError("There is no least of no values.")
    least = np.nanmin(x)
    near = at_most(x, least) if size is None else x <= least + TOLERANCE * size
    return int(near.argmax())


def argmax(values: ArrayLike, size: float | None = None) -> int:
    """Return the position of the greatest of values [N]; see `argmin`."""
    return argmin(-np.asarray(values, dtype=np.float64), size)


def at_most(values: ArrayLike, bound: float) -> NDArray[np.bool_]:
    """Tell which values are below a bound or tied with it; missing ones are not."""
    most = bound + TOLERANCE * abs(bound) if np.isfinite(bound) else bound
    found: NDArray[np.bool_] = np.asarray(values) <= most
    return found


def less(one: float, other: float) -> bool:
    """Tell whether a number is below another and not tied with it; NaN is neither."""
    if np.isinf(one) or np.isinf(other):
        return one < other
    return other - one > TOLERANCE * max(abs(one), abs(other))


def _firsts(values: Floats, size: float | None, tolerance: float) -> Floats:
    """Return the least value of each group of tied ones, ascending; missing ones have none."""
    ascending = np.sort(values[~np.isnan(values)])
    low, high = ascending[:-1], ascending[1:]
    with np.errstate(invalid="ignore"):  # infinities less infinities
        largest = np.maximum(np.abs(low), np.abs(high)) if size is None else size
        apart = high - low > tolerance * np.where(np.isinf(largest), 0, largest)
    return ascending[np.r_[True, apart]] if len(ascending) else ascending
