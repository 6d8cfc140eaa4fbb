"""Bootstrap intervals: resample the cells with replacement, keep each cell's values together.

An interval says how far a statistic would move if another set of as many cells had been drawn from
the same space. It does not hold the noise of training; for that see `noise_ceiling`.

Resample r is `rng.integers(0, N, N)` drawn r-th from the generator, missing values included; a
missing cell is then left out of the pairs it is missing in. So the resamples depend on the
generator and N alone: one seed gives every score, truth and function here the same resamples, and
the number of threads changes nothing.

Cells that belong together (equal functions, which share one score) can be drawn as whole groups:
then resample r is drawn of the G groups, sorted by label, and the interval says how far another set
of as many groups would move the statistic (a cluster bootstrap).

An interval needs `intervals.CELLS` cells, or groups, that have both values, and
`intervals.FEWEST_RESAMPLES` resamples: from there on it covers (`docs/intervals.md`).

Source: Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 6 and 13.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchsuite.errors import UserError
from benchsuite.parameters import check_whole
from benchsuite.space.arrays import in_one_order
from benchsuite.stats.correlation import (
    Correlation,
    Direction,
    Floats,
    kendall,
    matrix,
    oriented,
    sign,
    vectors,
)
from benchsuite.stats.intervals import CELLS, FEWEST_RESAMPLES, RESAMPLES


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Estimates [...] and their values [..., R] in R resamples; NaN where not defined.

    units: how many cells, or groups drawn together, each estimate rests on [...].
    """

    value: Floats
    samples: Floats
    units: NDArray[np.int64]

    @property
    def n_undefined(self) -> NDArray[np.int64]:
        """How many resamples [...] had no value; they are left out of the interval."""
        return np.asarray(np.isnan(self.samples).sum(axis=-1), dtype=np.int64)

    def difference(self, one: int, other: int) -> Bootstrap:
        """Return the estimates at `one` of the first axis minus those at `other`, resample by
        resample."""
        return Bootstrap(
            self.value[one] - self.value[other],
            self.samples[one] - self.samples[other],
            np.minimum(self.units[one], self.units[other]),
        )

    def interval(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """Return the ends [...], [...] of the percentile interval that holds `level` of the values.

        The ends are NaN below `CELLS` cells or groups and where all resamples are alike, as those
        of cells in perfect order are: they do not tell how far from perfect others would be. Raises
        UserError for a level not in 0 ... 1 and for fewer resamples than `FEWEST_RESAMPLES`.
        """
        low, high = self.quantiles(level)
        alike = high - low < 1e-12
        return np.where(alike, np.nan, low), np.where(alike, np.nan, high)

    def quantiles(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """Return the ends of `interval` also where all resamples are alike."""
        if not 0 < level < 1:
            raise UserError(f"A level of {level} was asked for: it has to lie between 0 and 1.")
        enough_resamples(self.samples.shape[-1])
        defined = ~np.isnan(self.samples).all(axis=-1) & (self.units >= CELLS)
        ends = np.full((2, *self.value.shape), np.nan)
        tails = [(1 - level) / 2, (1 + level) / 2]
        ends[:, defined] = np.nanquantile(self.samples[defined], tails, axis=-1)
        return ends[0], ends[1]


def enough_resamples(resamples: int) -> None:
    """Raise UserError where the ends of an interval would be those of a handful of resamples, and
    for what is no whole number."""
    check_whole(resamples, "The number of resamples", low=0)
    if resamples < FEWEST_RESAMPLES:
        raise UserError(
            f"resamples = {resamples} is too few for an interval, whose ends are then chance: "
            f"{FEWEST_RESAMPLES} or more are needed."
        )


@dataclass(frozen=True)
class PairedTest:
    """The difference of two scores' tau-b on the cells both have, its interval and its p-value.

    n_undefined: resamples in which a tau was not defined; they are left out. reason: why there is
    no difference, or, below `CELLS` cells or groups, neither interval nor p.
    """

    difference: float
    low: float
    high: float
    level: float
    p: float
    n: int
    n_missing: int
    n_undefined: int
    reason: str | None = None


def kendall_bootstrap(
    scores: ArrayLike,
    truths: ArrayLike,
    rng: np.random.Generator,
    *,
    directions: Direction | Sequence[Direction] = "max",
    groups: ArrayLike | None = None,
    resamples: int = RESAMPLES,
    threads: int = 1,
) -> Bootstrap:
    """Return tau-b of every score with every truth, [P, T], in shared resamples of the cells.

    scores: [P, N], or a list of P rows. truths: [T, N], likewise. directions: one for all scores or
    one for each. groups: labels [N] of cells that are drawn together; default: each alone. Each
    value is the exact tau-b of the resample. Time: P T R N log N; 60 pairs, 1,000 resamples and
    15,625 cells take about ten seconds on one core. Raises UserError as `kendall`, and for fewer
    than one resample or thread.
    """
    scores, truths, groups = _rows_in_one_order(scores, truths, groups)
    x, y = matrix(scores, "scores"), matrix(truths, "truths")
    each = [directions] * len(x) if isinstance(directions, str) else list(directions)
    if len(each) != len(x):
        raise UserError(f"There are {len(x)} scores and {len(each)} directions: one each, or one.")
    if x.shape[1] != y.shape[1]:
        raise UserError(f"The scores have {x.shape[1]} cells, the truths {y.shape[1]}.")
    _at_least_one(resamples, "resamples")
    _at_least_one(threads, "threads")
    group = _groups(groups, x.shape[1])
    x = x * np.array([sign(direction) for direction in each], dtype=np.float64)[:, None]
    pairs = list(itertools.product(range(len(x)), range(len(y))))
    plans = [_Plan.of(x[p], y[t]) for p, t in pairs]
    value = np.array([kendall(x[p], y[t]).value for p, t in pairs])
    samples = np.empty((len(pairs), resamples))
    with ThreadPoolExecutor(threads) as pool:
        for first, weights in _multiplicities(group, rng, resamples):
            last = min(first + weights.shape[1], resamples)
            rows = pool.map(lambda plan, weights=weights: plan.taus(weights), plans)
            for row, taus in enumerate(rows):
                samples[row, first:last] = taus[: last - first]
    shape = (len(x), len(y))
    units = np.array([len(np.unique(group[plan.cells])) for plan in plans], dtype=np.int64)
    return Bootstrap(value.reshape(shape), samples.reshape(*shape, resamples), units.reshape(shape))


def bootstrap(
    statistic: Callable[[Floats, Floats], Correlation],
    score: ArrayLike,
    truth: ArrayLike,
    rng: np.random.Generator,
    *,
    resamples: int = FEWEST_RESAMPLES,
) -> Bootstrap:
    """Return any statistic of score and truth in resamples of the cells, one after the other.

    statistic: called with score and truth [N] of each resample, for example `weighted_kendall` or
    `functools.partial(top_k_kendall, k=100, direction="min")`. Repeated cells are ties, so a top k
    of a resample holds about 0.63 k different cells. Use `kendall_bootstrap` for tau-b.
    score, truth: [N]. Raises UserError as `kendall`, and for fewer than one resample.
    """
    _at_least_one(resamples, "resamples")
    x, y = oriented(score, truth, "max")
    samples = [statistic(x[i], y[i]).value for i in _resamples(len(x), rng, resamples)]
    whole = statistic(x, y)
    return Bootstrap(np.array(whole.value), np.array(samples), np.array(whole.n))


def paired_kendall_test(
    score_a: ArrayLike,
    score_b: ArrayLike,
    truth: ArrayLike,
    rng: np.random.Generator,
    *,
    direction_a: Direction = "max",
    direction_b: Direction = "max",
    groups: ArrayLike | None = None,
    resamples: int = RESAMPLES,
    level: float = 0.95,
    threads: int = 1,
) -> PairedTest:
    """Test whether two scores have the same tau-b with a truth: tau(a) - tau(b) in resamples.

    Cells that miss any of the three values are left out of both taus. With R defined resamples,
    p = min(1, 2 (1 + min(#[difference <= 0], #[difference >= 0])) / (R + 1)): the level at which
    the percentile interval reaches zero, kept above zero by counting the data as one resample.
    score_a, score_b, truth, groups: [N]. Raises UserError as `kendall` and `Bootstrap.interval`.
    Source: Davison & Hinkley, "Bootstrap Methods and their Application", 1997, section 4.2.
    """
    *scores, labels, truth = in_one_order(
        {"score": score_a, "second score": score_b, "groups": groups, "truth": truth}
    )
    a, b, y = vectors(**{"score": scores[0], "second score": scores[1], "truth": truth})
    a, b = a * sign(direction_a), b * sign(direction_b)
    complete = np.isfinite(a) & np.isfinite(b) & np.isfinite(y)
    a, b, y = a[complete], b[complete], y[complete]
    group = _groups(labels, len(complete))[complete]
    both = kendall_bootstrap([a, b], [y], rng, groups=group, resamples=resamples, threads=threads)
    difference = both.difference(0, 1)
    low, high = (end.item() for end in difference.quantiles(level))
    undefined = difference.n_undefined.item()
    at_most = int((difference.samples <= 0).sum())
    at_least = int((difference.samples >= 0).sum())
    p = min(1.0, 2 * (1 + min(at_most, at_least)) / (resamples - undefined + 1))
    reason = kendall(a, y).reason or kendall(b, y).reason
    units = int(both.units[0, 0])
    if reason is None and units < CELLS:
        reason = f"{units} cells or groups, {CELLS} are needed for an interval and a test"
    return PairedTest(
        difference=difference.value.item(),
        low=low,
        high=high,
        level=level,
        p=float("nan") if reason else p,
        n=len(y),
        n_missing=len(complete) - len(y),
        n_undefined=undefined,
        reason=reason,
    )


@dataclass(frozen=True, eq=False)
class _Plan:
    """What does not change from resample to resample for one score and one truth.

    cells: those with both values [n], sorted by score, then truth. x, y, by_y: see `pair_counts`.
    """

    cells: NDArray[np.int64]
    x: NDArray[np.int32]
    y: NDArray[np.int32]
    by_y: NDArray[np.int64]

    @classmethod
    def of(cls, score: Floats, truth: Floats) -> _Plan:
        cells = np.flatnonzero(np.isfinite(score) & np.isfinite(truth))
        cells = cells[np.lexsort((truth[cells], score[cells]))]
        x, y = _dense_ranks(score[cells]), _dense_ranks(truth[cells])
        return cls(cells, x, y, np.argsort(y, kind="stable"))

    def taus(self, weights: NDArray[np.integer[Any]]) -> Floats:
        """Return tau-b [LANES] of the resamples with multiplicities weights [N, LANES]."""
        from benchsuite.stats.fenwick import pair_counts

        pairs, discordant, x_ties, y_ties, both_ties = pair_counts(
            self.x, self.y, self.by_y, weights[self.cells]
        )
        balance = (pairs - x_ties - y_ties + both_ties - 2 * discordant).astype(np.float64)
        with np.errstate(invalid="ignore"):  # 0 / 0: one side of the resample is constant
            tau = balance / np.sqrt(pairs - x_ties) / np.sqrt(pairs - y_ties)
        return np.asarray(np.clip(tau, -1, 1), dtype=np.float64)


def _rows_in_one_order(*arguments: Any) -> list[Any]:
    """Return arguments, some of them lists of rows, with all rows in one order of the cells."""
    parts = [given if isinstance(given, list | tuple) else [given] for given in arguments]
    flat = {f"row {i} of argument {a}": row for a, p in enumerate(parts) for i, row in enumerate(p)}
    rows = iter(in_one_order(flat))
    ordered = [[next(rows) for _ in part] for part in parts]
    return [
        part if isinstance(given, list | tuple) else part[0]
        for given, part in zip(arguments, ordered, strict=True)
    ]


def _at_least_one(number: int, what: str) -> None:
    check_whole(number, f"The number of {what}", low=1)


def _dense_ranks(values: Floats) -> NDArray[np.int32]:
    return np.unique(values, return_inverse=True)[1].astype(np.int32)


def _resamples(n: int, rng: np.random.Generator, resamples: int) -> Iterator[NDArray[np.int64]]:
    for _ in range(resamples):
        yield rng.integers(0, n, n) if n else np.empty(0, dtype=np.int64)


def _groups(labels: ArrayLike | None, n: int) -> NDArray[np.int64]:
    """Return the number of each cell's group [N], from 0."""
    if labels is None:
        return np.arange(n)
    given = np.asarray(labels)
    if given.shape != (n,):
        raise UserError(f"There are {n} cells and groups of shape {given.shape}: one per cell.")
    return np.unique(given, return_inverse=True)[1].astype(np.int64)


def _multiplicities(
    group: NDArray[np.int64], rng: np.random.Generator, resamples: int
) -> Iterator[tuple[int, NDArray[np.integer[Any]]]]:
    """Yield blocks of resamples: the number of the first, and how often each cell is in each.

    A block is [n, LANES], see `narrow`; the lanes of the last that stand for no resample are zero.
    """
    from benchsuite.stats.fenwick import LANES, narrow

    n_groups = int(group.max(initial=-1)) + 1
    draws = _resamples(n_groups, rng, resamples)
    for first in range(0, resamples, LANES):
        times = np.zeros((LANES, n_groups), dtype=np.int32)
        for lane, drawn in enumerate(itertools.islice(draws, LANES)):
            times[lane] = np.bincount(drawn, minlength=n_groups)
        yield first, narrow(np.ascontiguousarray(times.T)[group])
