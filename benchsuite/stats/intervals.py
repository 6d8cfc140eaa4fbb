"""Intervals over seeds that cover, and what they need: the one place that holds these rules.

How often each holds what it is of, by simulation, is in `docs/intervals.md`. Where a rule would
hold it too seldom it gives no interval (NaN), and `Estimate.reason` says why:

- a mean, or a difference of two, needs `FOR_MEAN` seeds a side, an interquartile mean `FOR_MIDDLE`,
  a rank correlation `CELLS` cells (see `stats.Bootstrap`);
- seeds that all give one answer are one observation: n is 1, whatever their number;
- what seeds are judged by, where it was measured too, is as uncertain as its groups differ
  (`jackknife`), and so is all that rests on it (`together`);
- a verdict on a claim needs `SEEDS` seeds a side.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

SEEDS = 20
FOR_MEAN = 5
FOR_MIDDLE = 10
CELLS = 20
LEVEL = 0.95
RESAMPLES = 1000  # where nothing else is said
# An end of an interval of fewer resamples moves by more than a tenth of the interval's width.
FEWEST_RESAMPLES = 200
MIDDLE_RESAMPLES = 2000  # of an interquartile mean, whose quantiles lie farther out

NO_INTERVAL = (
    f"No interval (-) below {FOR_MEAN} seeds, and where every seed gives one answer: that is n = 1."
)
_BLOCK = 500
_SAME = 1e-12  # of the largest: what two sums of equal numbers may differ by
Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Estimate:
    """A mean over seeds, or a difference of two, [...], with what its interval and test rest on.

    error: its standard error; skew: its skewness; degrees: those of freedom; n: independent seeds,
    of the smaller side, 1 where the seeds of a side give one answer; NaN where there is none;
    lasting: the part of the variance that more seeds leave as it is, from 0 to 1.
    """

    value: Floats
    error: Floats
    skew: Floats
    degrees: Floats
    n: Counts
    lasting: Floats = field(default_factory=lambda: np.zeros(()))

    def interval(self, level: float = LEVEL) -> tuple[Floats, Floats]:
        """Return the ends [...], [...]: of Student's t or of t corrected for skewness, the wider.

        With T = (value - x) / error and the skewness k of the value, the former holds every x for
        which T lies within the quantiles of t (of a difference: Welch's), the latter every x for
        which g(T) = T + k T^2 / 3 + k^2 T^3 / 27 + k / 6 does. Means of skewed seeds need the
        correction, differences of seeds that are skewed alike are better without.
        Source: Hall, "On the removal of skewness by transformation", JRSS B 1992, section 2.
        """
        from scipy.stats import t

        reach = np.asarray(t.ppf((1 + level) / 2, self.degrees))
        far = np.maximum(reach, _inverse(reach, self.skew))
        near = np.minimum(-reach, _inverse(-reach, self.skew))
        ends = self.value - self.error * far, self.value - self.error * near
        enough = self.n >= FOR_MEAN
        return np.where(enough, ends[0], np.nan), np.where(enough, ends[1], np.nan)

    def p_value(self, against: float = 0.0) -> Floats:
        """Return the two-sided p [...] of `against`: `interval` of level 1 - p just reaches it."""
        from scipy.stats import t

        with np.errstate(invalid="ignore", divide="ignore"):
            plain, k = (self.value - against) / self.error, self.skew
            moved = plain + k * plain**2 / 3 + k**2 * plain**3 / 27 + k / 6
        least = np.minimum(np.abs(plain), np.abs(moved))
        return np.where(self.n >= FOR_MEAN, 2 * t.sf(least, self.degrees), np.nan)

    def __neg__(self) -> Estimate:
        return dataclasses.replace(self, value=-self.value, skew=-self.skew)

    @property
    def reason(self) -> str | None:
        """Why a single estimate has no interval, or None if it has one."""
        if np.isnan(self.value):
            return "no seed, or one without a value"
        if self.n >= FOR_MEAN:
            return None
        if self.n == 1:
            return "one seed, or one answer of all: no interval"
        return f"{int(self.n)} seeds: no interval"


def mean(values: ArrayLike) -> Estimate:
    """Return the mean over seeds, the first axis of values [S, ...]; NaN where a seed has none."""
    x = np.asarray(values, dtype=np.float64)
    n, rest = len(x), x.shape[1:]
    if not n:
        nothing = np.full(rest, np.nan)
        return Estimate(nothing, nothing, nothing, nothing, np.zeros(rest, dtype=np.int64))
    value = x.mean(axis=0)
    off = x - value
    spread = (off**2).sum(axis=0) / (n * max(n - 1, 1))
    third = (off**3).sum(axis=0) / (n * max((n - 1) * (n - 2), 1))
    alone = np.ptp(x, axis=0) <= _SAME * np.abs(x).max(axis=0)
    return _of(value, spread, third, np.full(rest, n - 1.0), np.where(alone, 1, n))


def difference(one: ArrayLike, other: ArrayLike) -> Estimate:
    """Return mean(one) - mean(other) over independent seeds, the first axes of [S, ...], [R, ...].

    Degrees of freedom are Welch's ("The generalization of Student's problem", Biometrika 1947).
    """
    a, b = mean(one), mean(other)
    return _sum(a.value - b.value, a, -b, np.minimum(a.n, b.n))


def jackknife(value: ArrayLike, without: ArrayLike) -> Estimate:
    """Return a value [...] of groups of data as an estimate; without: it without each, [G, ...].

    It is as sure as the mean of the pseudo-values, n value - (n - 1) without, of the n groups that
    it depends on: a group whose absence leaves the value as it is says nothing of its error. One
    that depends on a single group is taken to rest on two. Source: Tukey, "Bias and confidence in
    not-quite large samples", Ann. Math. Statist. 1958.
    """
    whole, left = (np.asarray(x, dtype=np.float64) for x in (value, without))
    most = np.maximum(np.abs(whole), np.abs(left).max(axis=0))
    moved = ~(np.abs(left - whole) <= _SAME * most)  # NaN too
    n = np.maximum(moved.sum(axis=0), 2)
    pseudo = np.where(moved, n * whole - (n - 1) * left, 0.0)
    off = np.where(moved, pseudo - pseudo.sum(axis=0) / n, 0.0)
    if (alone := moved.sum(axis=0) == 1).any():
        off = np.where(alone & moved, left - whole, off)
    spread = (off**2).sum(axis=0) / (n * (n - 1))
    third = (off**3).sum(axis=0) / (n * np.maximum((n - 1) * (n - 2), 1))
    groups = np.where(moved.any(axis=0), n, 1)
    return _of(whole, spread, third, n - 1.0, groups)


def together(seeds: Estimate, basis: Estimate) -> Estimate:
    """Return an estimate over seeds with the error of what it rests on, which is independent.

    basis: the same value as a function of other data. n is that of the seeds; the degrees of
    freedom are Satterthwaite's ("An approximate distribution of estimates of variance components",
    Biometrics Bulletin 1946).
    """
    both = _sum(seeds.value, seeds, basis, seeds.n)
    with np.errstate(invalid="ignore", divide="ignore"):
        return dataclasses.replace(both, lasting=(basis.error / both.error) ** 2)


def middle_mean(
    values: ArrayLike, seed: int = 0, without: ArrayLike | None = None
) -> tuple[float, float, float]:
    """Return the interquartile mean of values [S], the mean of the middle half, and its interval.

    NaN where a seed has no value.
    The interval is the bootstrap's of `MIDDLE_RESAMPLES` resamples, between quantiles that are as
    much farther out as Student's t of n - 1 degrees and variances over n - 1 are than the normal's.
    without: the values without each of G groups of what they rest on, [G, S]; the distances of the
    ends from the value are then the roots of the sum of squares of theirs and of the jackknife's.
    Sources: Agarwal et al., "Deep RL at the Edge of the Statistical Precipice", NeurIPS 2021,
    section 4; Hesterberg, "What Teachers Should Know About the Bootstrap", 2015, section 3.3; Zou &
    Donner, "Construction of confidence limits about effect measures", Stat. in Medicine 2008.
    """
    from scipy.stats import norm, t

    x = np.asarray(values, dtype=np.float64)
    n = len(x)
    known = n and not np.isnan(x).any()  # Sorted, missing values would be the greatest.
    value = float(_middle_means(x[None])[0]) if known else math.nan
    if n < FOR_MIDDLE or np.ptp(x) <= _SAME * np.abs(x).max() or math.isnan(value):
        return value, math.nan, math.nan
    rng = np.random.default_rng(seed)
    resampled = np.concatenate(
        [
            _middle_means(x[rng.integers(n, size=(min(_BLOCK, MIDDLE_RESAMPLES - done), n))])
            for done in range(0, MIDDLE_RESAMPLES, _BLOCK)
        ]
    )
    tail = norm.cdf(-math.sqrt(n / (n - 1)) * t.ppf((1 + LEVEL) / 2, n - 1))
    low, high = np.quantile(resampled, [tail, 1 - tail])
    if not low < high:
        return value, math.nan, math.nan
    if without is not None and len(left := np.asarray(without, dtype=np.float64)) > 1:
        basis = jackknife(value, _middle_means(left))
        ends = dataclasses.replace(basis, n=np.asarray(FOR_MEAN)).interval()
        low, high = (
            value + sign * math.hypot(value - end, value - float(other))
            for sign, end, other in zip((-1, 1), (low, high), ends, strict=True)
        )
    return value, float(low), float(high)


def proportion(count: int, n: int) -> tuple[float, float, float]:
    """Return the share of n seeds that `count` is and its interval, which never covers less.

    Source: Clopper & Pearson, "The use of confidence or fiducial limits", Biometrika 1934.
    """
    from scipy.stats import beta

    if not n:
        return math.nan, math.nan, math.nan
    tail = (1 - LEVEL) / 2
    low = float(beta.ppf(tail, count, n - count + 1)) if count else 0.0
    high = float(beta.ppf(1 - tail, count + 1, n - count)) if count < n else 1.0
    return count / n, low, high


def proportion_p(count: int, n: int, against: float) -> float:
    """Return the two-sided p of a share of seeds being `against`; `proportion` agrees with it."""
    from scipy.stats import binom

    tails = binom.cdf(count, n, against), binom.sf(count - 1, n, against)
    return min(1.0, 2 * float(min(tails)))


def _sum(value: Floats, a: Estimate, b: Estimate, n: Counts) -> Estimate:
    """Return an estimate with the errors of two independent ones."""
    spread, third = a.error**2 + b.error**2, a.skew * a.error**3 + b.skew * b.error**3
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = (np.where(x.error > 0, x.error**4 / x.degrees, 0.0) for x in (a, b))
        degrees = spread**2 / sum(parts)
    return _of(value, spread, third, degrees, n)


def _of(value: Floats, spread: Floats, third: Floats, degrees: Floats, n: Counts) -> Estimate:
    """Return an estimate of known variance and third cumulant."""
    error = np.sqrt(spread)
    cubed = error**3  # 0 also where the error is so small that this is
    skew = np.divide(third, cubed, out=np.zeros_like(error), where=cubed > 0)
    return Estimate(value, error, skew, degrees, n)


def _inverse(reach: Floats, skew: Floats) -> Floats:
    """Return the T [...] for which g(T) of `Estimate.interval` is `reach`."""
    some = np.abs(skew) > 1e-9
    k = np.where(some, skew, 1.0)
    return np.where(some, 3 / k * (np.cbrt(1 + k * (reach - k / 6)) - 1), reach)


def _middle_means(rows: Floats) -> Floats:
    """Return the mean of the middle half of each row: [R, n] -> [R]."""
    n = rows.shape[1]
    cut = n // 4
    means: Floats = np.sort(rows, axis=1)[:, cut : n - cut].mean(axis=1)
    return means
