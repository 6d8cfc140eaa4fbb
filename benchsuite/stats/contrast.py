"""How two sets of cells differ in the mean of something, cells of one group drawn together.

Cells that compute one function are no independent cases, so the interval resamples whole groups (a
cluster bootstrap), as `kendall_bootstrap` does, with the same resamples for the same generator.
Source: Field & Welsh, "Bootstrapping clustered data", JRSS B 2007.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchsuite.errors import UserError
from benchsuite.stats.correlation import Floats
from benchsuite.stats.intervals import RESAMPLES
from benchsuite.stats.resampling import Bootstrap, enough_resamples


def mean_contrast(
    values: ArrayLike,
    one: ArrayLike,
    other: ArrayLike,
    groups: ArrayLike,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> Bootstrap:
    """Return mean(values of `one`) - mean(values of `other`), [F], in resamples of the groups.

    values: finite numbers [F, N]; one, other: which cells [N] are in each set; groups: labels [N].
    units: groups of the set that has fewer. Raises UserError for other shapes, for values that are
    not finite and for too few resamples.
    """
    enough_resamples(resamples)
    x, masks, labels = _checked(values, one, other, groups)
    of, index = np.unique(labels, return_inverse=True)
    # Per group: how many of its cells are in a set [G], and the sums of their values [G, F].
    sizes = [_by_group(mask, index, len(of)) for mask in masks]
    sums = [np.column_stack([_by_group(row * mask, index, len(of)) for row in x]) for mask in masks]
    times = np.array(
        [
            np.bincount(rng.integers(0, len(of), len(of)), minlength=len(of))
            for _ in range(resamples)
        ]
    )
    value = _difference(np.ones((1, len(of))), sums, sizes)[0]
    units = min(int((size > 0).sum()) for size in sizes)
    return Bootstrap(value, _difference(times, sums, sizes).T, np.full(len(x), units))


def _by_group(values: Floats, index: NDArray[np.int64], n: int) -> Floats:
    return np.asarray(np.bincount(index, weights=values, minlength=n), dtype=np.float64)


def _difference(times: NDArray[np.generic], sums: list[Floats], sizes: list[Floats]) -> Floats:
    """Return the difference of the means [R, F] where each group is there so many times [R, G]."""
    weights = times.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = [weights @ s / (weights @ n)[:, None] for s, n in zip(sums, sizes, strict=True)]
    return np.asarray(means[0] - means[1], dtype=np.float64)


def _checked(
    values: ArrayLike, one: ArrayLike, other: ArrayLike, groups: ArrayLike
) -> tuple[Floats, list[Floats], NDArray[np.generic]]:
    x = np.asarray(values, dtype=np.float64)
    sets = [np.asarray(one, dtype=bool), np.asarray(other, dtype=bool)]
    labels = np.asarray(groups)
    if x.ndim != 2 or any(given.shape != x.shape[1:] for given in (*sets, labels)):
        shapes = ", ".join(str(given.shape) for given in (x, *sets, labels))
        raise UserError(
            f"Values are [F, N], two sets and the groups [N]; they have the shapes {shapes}."
        )
    if not np.isfinite(x).all():
        raise UserError("A mean of values of which some are missing is a mean of other cells.")
    return x, [mask.astype(np.float64) for mask in sets], labels
