"""What a setting changes in a proxy's rank correlation, measured on the shipped sample of cells.

`benchsuite/data/sampled/` holds scores of one random sample of connected cells, one per class,
under several settings (`benchsuite.proxies._tabulation.settings` made them; its docstring says
how the cells were drawn). An effect is the mean correlation of a setting's repeats less that of
the base's; its interval is of resamples of the cells and of the repeats together. In 200 simulated
samples of 160 cells with a true effect of -.08, intervals of level .95 held it 93 times of 100 with
three repeats whose taus deviated as much as the cells make them, 98 where the repeats differed by
noise alone, and 95 and more with 20.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchsuite import stats
from benchsuite.assembly import shipped

RESAMPLES = 500
BASE = "base"
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Runs:
    """cells: official indices [N]; scores: by setting and proxy, [repeats, cells of the setting].

    about: the footer: settings, seconds, images, versions. A setting of fewer cells has the first.
    """

    cells: NDArray[np.int64]
    scores: Mapping[tuple[str, str], Floats]
    about: Mapping[str, Any]


@functools.cache
def runs(name: str) -> Runs:
    """Return the scores that a file of `data/sampled` holds."""
    table = pq.read_table(shipped.FOLDER / "sampled" / f"{name}.parquet")
    about = json.loads(table.schema.metadata[b"benchsuite"])
    scores, cells = {}, np.empty(0, dtype=np.int64)
    for (setting, proxy), rows in table.to_pandas().groupby(["setting", "proxy"], observed=True):
        count = rows["repeat"].nunique()
        scores[str(setting), str(proxy)] = rows["value"].to_numpy(float).reshape(count, -1)
        one = rows["cell"].to_numpy(np.int64).reshape(count, -1)[0]
        cells = max(cells, one, key=len)
    return Runs(cells, scores, about)


@dataclass(frozen=True, eq=False)
class Effect:
    """value: what a setting adds to a correlation `before`; samples [R]: that in resamples.

    n: cells; repeats: of the setting. low, high: the ends of the 95 % interval.
    """

    before: float
    value: float
    samples: Floats
    n: int
    repeats: int

    @property
    def low(self) -> float:
        """The lower end of the 95 % interval."""
        return float(np.quantile(self.samples, 0.025))

    @property
    def high(self) -> float:
        """The upper end."""
        return float(np.quantile(self.samples, 0.975))

    def __str__(self) -> str:
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def effect(
    here: Floats,
    there: Floats,
    truth: Floats,
    metric: str = "kendall",
    theirs: Floats | None = None,
) -> Effect:
    """Return what the scores `there` [S, N] have more of a correlation than those `here` [R, N].

    metric: `kendall`, tau-b, or any other for Spearman's. theirs: the truth of `there`, where it is
    another. Cells [N] that miss any score or truth are left out of all. Equal numbers of repeats
    are drawn in pairs, for they share weights or images.
    """
    theirs = truth if theirs is None else theirs
    known = np.isfinite([*here, *there, truth, theirs]).all(axis=0)
    before, first_samples = correlated(here[:, known], truth[known], metric)
    after, second_samples = correlated(there[:, known], theirs[known], metric)
    rng = np.random.default_rng(1)
    first = repeats(rng, len(here))
    second = first if len(here) == len(there) else repeats(rng, len(there))
    moved = over(second_samples, second) - over(first_samples, first)
    value = float(after.mean() - before.mean())
    return Effect(float(before.mean()), value, moved, int(known.sum()), len(there))


def correlated(
    scores: Floats, truth: Floats, metric: str = "kendall", resamples: int = RESAMPLES
) -> tuple[Floats, Floats]:
    """Return the correlation of scores [S, N] with the truth [N]: [S], and in resamples [S, R].

    The resamples of N cells are the same for all scores, datasets and settings.
    """
    rng = np.random.default_rng(0)
    if metric == "kendall":
        found = stats.kendall_bootstrap(scores, truth[None], rng, resamples=resamples)
        return found.value[:, 0], found.samples[:, 0]
    n = len(truth)
    drawn = [np.bincount(rng.integers(0, n, n), minlength=n) for _ in range(resamples)]
    weights = np.array([np.ones(n), *drawn])
    each = np.array([spearman(row, truth, weights) for row in scores])
    return each[:, 0], each[:, 1:]


def spearman(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Return rho [R] of cells [N] that are there as often as weights [R, N] say.

    Pearson's correlation of their ranks, ties sharing the mean of theirs.
    """
    centred = []
    for values in (x, y):
        below = (values[:, None] > values[None, :]) + 0.5 * (values[:, None] == values[None, :])
        rank = weights @ below.T  # but for half a rank, the same for all
        mean = (weights * rank).sum(axis=1) / weights.sum(axis=1)
        centred.append(rank - mean[:, None])
    one, two = centred
    square = (weights * one**2).sum(axis=1) * (weights * two**2).sum(axis=1)
    return np.asarray((weights * one * two).sum(axis=1) / np.sqrt(square))


def repeats(
    rng: np.random.Generator, count: int, resamples: int | None = None
) -> NDArray[np.int64]:
    """Return which repeats each of `RESAMPLES`, or of so many, resamples draws [R, count - 1].

    With replacement.
    The mean of n - 1 of n draws has the variance that the mean of n has. A single repeat is no
    sample: it is drawn always, and then intervals are over cells alone.
    Source: Rao & Wu, "Resampling inference with complex survey data", JASA 1988.
    """
    drawn = RESAMPLES if resamples is None else resamples
    return rng.integers(0, count, (drawn, max(1, count - 1)))


def over(samples: Floats, drawn: NDArray[np.int64]) -> Floats:
    """Return the mean over the repeats that each resample drew [R], of samples [repeats, R]."""
    return np.asarray(samples.T[np.arange(len(drawn))[:, None], drawn].mean(axis=1))
