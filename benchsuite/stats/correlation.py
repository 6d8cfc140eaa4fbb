"""Rank correlation of a score with a truth; what the arguments mean is said in `benchsuite.stats`.

What goes in is decided here: direction, missing values, constants, and which ranks carry the
weight. Pairs are counted in whole numbers (`stats.fenwick`), so a tau is as exact as its last
division.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchsuite.errors import UserError
from benchsuite.parameters import check_whole
from benchsuite.space.arrays import in_one_order, numbers

Direction = Literal["max", "min"]
Floats = NDArray[np.float64]
_Statistic = Callable[[Floats, Floats], float]


@dataclass(frozen=True)
class Correlation:
    """A rank correlation in -1 ... 1, or NaN with a reason, and the cells it rests on.

    n: cells used. n_missing: cells considered but left out because a value is missing.
    ties_x, ties_y: pairs of used cells that are tied in the first, in the second argument.
    """

    value: float
    n: int
    n_missing: int
    ties_x: int
    ties_y: int
    reason: str | None = None


def kendall(score: ArrayLike, truth: ArrayLike, *, direction: Direction = "max") -> Correlation:
    """Return Kendall's tau-b: (C - D) / sqrt((P - Tx)(P - Ty)).

    Of all P pairs of cells, C are concordant, D discordant, Tx tied in the score, Ty in the truth.
    score, truth: [N]. Raises UserError for unequal lengths and for an unknown direction.
    Source: Kendall, "The treatment of ties in ranking problems", Biometrika 1945.

    >>> import benchsuite as bs
    >>> round(bs.kendall([1, 2, 3], [10, 30, 20]).value, 3)
    0.333
    """
    x, y = oriented(score, truth, direction)
    return _correlate(x, y, _tau_b)


def weighted_kendall(
    score: ArrayLike, truth: ArrayLike, *, direction: Direction = "max"
) -> Correlation:
    """Return the additive hyperbolic weighted tau, in which exchanges among the best weigh most.

    tau = sum w_ij sgn(x_i - x_j) sgn(y_i - y_j) / sqrt(sum w_ij [x_i != x_j] sum w_ij [y_i != y_j])
    over pairs, w_ij = 1/(r_i + 1) + 1/(r_j + 1), r_i = number of cells with a truth above cell i's.

    The rank is that of the truth alone, and equal truths share it. `scipy.stats.weightedtau` ranks
    by both arguments by default, so a cell that only the score puts on top would gain weight, and
    with rank=None breaks ties of one by the other; then weights differ from proxy to proxy, and the
    result for a negated score is not the negated result.
    score, truth: [N]. Raises UserError as `kendall`.
    Source: Vigna, "A weighted correlation index for rankings with ties", WWW 2015.
    """
    x, y = oriented(score, truth, direction)
    return _correlate(x, y, _weighted_tau)


def spearman(score: ArrayLike, truth: ArrayLike, *, direction: Direction = "max") -> Correlation:
    """Return Spearman's rho: Pearson's correlation of the ranks, tied cells sharing the mean rank.

    score, truth: [N]. Raises UserError as `kendall`.
    Source: Spearman, "The proof and measurement of association between two things", 1904.
    """
    x, y = oriented(score, truth, direction)
    return _correlate(x, y, _rho)


def top_k(truth: ArrayLike, k: int) -> NDArray[np.bool_]:
    """Tell which cells are among the k best by truth: bool [N].

    A cell belongs if fewer than k cells have a greater truth. All cells tied at the boundary
    belong, so more than k can be chosen and the order of the cells does not matter. A missing truth
    never belongs. Raises UserError for a k that is no whole number of 1 or more.
    """
    check_whole(k, "The number of best cells", low=1)
    values = vector(truth, "truth")
    chosen: NDArray[np.bool_] = np.isfinite(values)
    present = np.sort(values[chosen])
    if len(present) > k:
        chosen &= values >= present[-k]
    return chosen


def top_k_kendall(
    score: ArrayLike, truth: ArrayLike, k: int, *, direction: Direction = "max"
) -> Correlation:
    """Return tau-b within the k best cells by truth (see `top_k` for ties at the boundary).

    The truth alone chooses the cells, so every score is judged on the same ones; those without a
    score are then left out and counted in `n_missing`.
    score, truth: [N]. Raises UserError as `kendall`, and for k below 1.
    """
    x, y = oriented(score, truth, direction)
    chosen = top_k(y, k)
    return _correlate(x[chosen], y[chosen], _tau_b)


def partial_kendall(
    score: ArrayLike, truth: ArrayLike, given: ArrayLike, *, direction: Direction = "max"
) -> Correlation:
    """Return Kendall's partial tau of score x and truth y with z held fixed.

    tau_xy.z = (tau_xy - tau_xz tau_yz) / sqrt((1 - tau_xz^2)(1 - tau_yz^2)), each tau being tau-b
    on the cells that have all three values. It is Pearson's partial correlation of the signs of all
    pairs, so it lies in -1 ... 1; NaN if z orders the cells exactly as x or y does, or in reverse.
    score, truth, given: [N]. Raises UserError as `kendall`.
    Source: Kendall, "Partial rank correlation", Biometrika 1942; ties as in his 1945 tau-b.
    """
    x, z, y = vectors(**{"score": score, "variable held fixed": given, "truth": truth})
    x = x * sign(direction)
    complete = np.isfinite(x) & np.isfinite(y) & np.isfinite(z)
    missing = len(x) - int(complete.sum())
    x, y, z = x[complete], y[complete], z[complete]
    xy = _correlate(x, y, _tau_b)
    if xy.reason is None and z.min() == z.max():
        return _undefined(xy, missing, "the variable held fixed is constant")
    if xy.reason is not None:
        return _undefined(xy, missing, xy.reason)
    xz, yz = _tau_b(x, z), _tau_b(y, z)
    if 1 - xz**2 < _ROUNDING or 1 - yz**2 < _ROUNDING:
        side = "score" if 1 - xz**2 < _ROUNDING else "truth"
        return _undefined(xy, missing, f"the variable held fixed determines the {side}")
    value = (xy.value - xz * yz) / math.sqrt((1 - xz**2) * (1 - yz**2))
    return Correlation(_clip(value), xy.n, missing, xy.ties_x, xy.ties_y)


# Below this 1 - tau^2 is zero but for rounding: a single tie among N cells makes it about 2/N^2.
_ROUNDING = 1e-13


def vector(values: ArrayLike, name: str) -> Floats:
    """Return values as float64 [N]; raises UserError if they are not one row of numbers."""
    array = numbers(values, name).astype(np.float64)
    if array.ndim != 1:
        raise UserError(f"The {name} has shape {array.shape}; one value per cell, [N], is needed.")
    return array


def matrix(values: ArrayLike, name: str) -> Floats:
    """Return values as float64 [M, N]; raises UserError if they are not a matrix of numbers."""
    array = numbers(values, name).astype(np.float64)
    if array.ndim != 2:
        raise UserError(f"The {name} have shape {array.shape}; two axes are needed.")
    return array


def oriented(score: ArrayLike, truth: ArrayLike, direction: Direction) -> tuple[Floats, Floats]:
    """Return score and truth as float64 [N], the score negated if its direction is "min"."""
    x, y = vectors(score=score, truth=truth)
    return x * sign(direction), y


def vectors(**arguments: ArrayLike) -> list[Floats]:
    """Return arguments as float64 [N] of the same cells in one order (`arrays.in_one_order`).

    Raises UserError if one is not one row of numbers, or has another length than the others.
    """
    names = list(arguments)
    found = [
        vector(given, name) for name, given in zip(names, in_one_order(arguments), strict=True)
    ]
    for name, values in zip(names, found, strict=True):
        if len(values) != len(found[-1]):
            raise UserError(
                f"The {name} has {len(values)} cells and the {names[-1]} {len(found[-1])}: both "
                "have to be in the same order of the same cells, missing ones as NaN."
            )
    return found


def sign(direction: Direction) -> int:
    """Return 1 for "max" and -1 for "min"; raises UserError for anything else."""
    if direction not in ("max", "min"):
        raise UserError(f"{direction!r} is no direction of a score: there are 'max' and 'min'.")
    return 1 if direction == "max" else -1


def tied_pairs(values: Floats) -> int:
    """Return how many pairs of values [N] are equal."""
    _, counts = np.unique(values, return_counts=True)
    return int((counts * (counts - 1) // 2).sum())


def why_undefined(x: Floats, y: Floats) -> str | None:
    """Return why no rank correlation of complete x, y [n] exists, or None if one does."""
    if len(x) < 2:
        return f"{len(x)} cell{'' if len(x) == 1 else 's'} with both values, two are needed"
    for name, values in (("score", x), ("truth", y)):
        if values.min() == values.max():
            return f"the {name} is constant"
    return None


def _correlate(x: Floats, y: Floats, statistic: _Statistic) -> Correlation:
    present = np.isfinite(x) & np.isfinite(y)
    x, y = x[present], y[present]
    reason = why_undefined(x, y)
    return Correlation(
        value=math.nan if reason else _clip(statistic(x, y)),
        n=len(x),
        n_missing=len(present) - len(x),
        ties_x=tied_pairs(x),
        ties_y=tied_pairs(y),
        reason=reason,
    )


def _undefined(correlation: Correlation, missing: int, reason: str) -> Correlation:
    return replace(correlation, value=math.nan, n_missing=missing, reason=reason)


def _tau_b(x: Floats, y: Floats) -> float:
    from benchsuite.stats.fenwick import concordance

    by_x = np.argsort(x, kind="stable")
    (x_rank, x_untied), (y_rank, y_untied) = (_ranks(values[by_x]) for values in (x, y))
    ordered, x_pairs, y_pairs = (
        int(counts.sum()) // 2 for counts in (concordance(x_rank, y_rank), x_untied, y_untied)
    )
    return _clip(ordered / math.sqrt(x_pairs) / math.sqrt(y_pairs))


def _weighted_tau(x: Floats, y: Floats) -> float:
    # As a pair's weight is a sum, sum w_ij s_ij over pairs is sum w_i sum s_ij over cells.
    from benchsuite.stats.fenwick import concordance

    falling = np.sort(-y)
    weights = 1 / (1 + np.searchsorted(falling, -y, side="left"))
    by_x = np.argsort(x, kind="stable")
    (x_rank, x_untied), (y_rank, y_untied) = (_ranks(values[by_x]) for values in (x, y))
    weights = weights[by_x]
    scale = math.sqrt(weights @ x_untied) * math.sqrt(weights @ y_untied)
    return float(weights @ concordance(x_rank, y_rank) / scale)


def _ranks(values: Floats) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the dense ranks [n] of values, and from how many others each differs [n]."""
    _, ranks, counts = np.unique(values, return_inverse=True, return_counts=True)
    return ranks.astype(np.int32), len(values) - counts[ranks]


def _rho(x: Floats, y: Floats) -> float:
    return float(np.corrcoef(mean_ranks(x), mean_ranks(y))[0, 1])


def mean_ranks(values: Floats) -> Floats:
    """Return ranks [n] of values from 1, tied ones sharing the mean of theirs."""
    _, ranks, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((last - counts + 1 + last) / 2)[ranks]


def _clip(value: float) -> float:
    return min(1.0, max(-1.0, value))
