"""The NTK's condition numbers in many draws of weights and images, of one sample of cells.

The draws ship and no run makes others: what they do not decide stays undecided, and the verdict
says how many times as many draws and cells would decide it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchsuite.reports._common import effects
from benchsuite.reports._common.searches import enough
from benchsuite.reports._common.style import NAMES
from benchsuite.reports._common.tables import accuracy
from benchsuite.reports._common.verdicts import (
    ALPHA,
    FAILS,
    NOT_HERE,
    UNDECIDED,
    Verdict,
    few,
    of_parts,
)
from benchsuite.stats.intervals import SEEDS
from benchsuite.table.columns import DATASETS
from benchsuite.table.table import Table

ORDERS = (0, 1, 2, 4, 8, 16)
RULE = "interval over draws and cells"
# The least p that so many show is below `ALPHA` also where it counts once for each of 15 parts.
RESAMPLES = 2000
NEVER = "not even 1,000"
NO_MARGIN = (
    "no change is told from none, which does not show that there is none, and how small a change "
    "counts as none is not stated"
)
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Drawn:
    """tau [order or batch, draw, dataset], and its values in resamples [..., R]; n: cells."""

    value: Floats
    samples: Floats
    n: int

    @property
    def draws(self) -> int:
        """How many draws there are."""
        return int(self.value.shape[1])

    def over_draws(self) -> Floats:
        """Return the mean over draws [order, dataset, R] in resamples of cells and draws."""
        at = effects.repeats(np.random.default_rng(1), self.draws, self.samples.shape[-1])
        return np.array(
            [[effects.over(row[:, d], at) for d in range(row.shape[1])] for row in self.samples]
        )


def batches() -> dict[int, int]:
    """Return how many draws ship, by batch size."""
    scores = effects.runs("ntk_draws").scores
    return {
        int(setting.removeprefix("ntk_b")): len(values)
        for (setting, proxy), values in scores.items()
        if proxy == "ntk_cond.k0"
    }


def by_order(table: Table, batch: int = 32) -> Drawn:
    """Return the taus of K_i, i in `ORDERS`, with batches of a size."""
    return _taus(table, [(batch, order) for order in ORDERS])


def by_batch(table: Table, sizes: tuple[int, ...], order: int = 2) -> Drawn:
    """Return the taus of one K_i with batches of several sizes, of the cells that all have."""
    return _taus(table, [(size, order) for size in sizes])


def _taus(table: Table, settings: list[tuple[int, int]]) -> Drawn:
    runs = effects.runs("ntk_draws")
    scores = [runs.scores[f"ntk_b{size}", f"ntk_cond.k{order}"] for size, order in settings]
    draws, n = (min(of) for of in zip(*(one.shape for one in scores), strict=True))
    rows = np.array([one[:draws, :n] for one in scores])
    known = np.isfinite(rows).all(axis=(0, 1))
    cells = runs.cells[:n][known]
    flat = -rows[:, :, known].reshape(-1, len(cells))  # fewer is better
    found = [
        effects.correlated(flat, accuracy(table, dataset)[cells], resamples=RESAMPLES)
        for dataset in DATASETS
    ]
    shape = (len(settings), draws, len(DATASETS))
    value = np.stack([value for value, _ in found], axis=-1).reshape(shape)
    samples = np.stack([samples for _, samples in found], axis=1).reshape(*shape, -1)
    return Drawn(value, samples, len(cells))


def highest(drawn: Drawn, at: int, names: list[str]) -> tuple[str, Verdict]:
    """Return what stands against the claim that tau is highest at a place, and the verdict.

    It holds where every difference, on every dataset, exceeds zero, and does not where one lies
    below, its p counted as often as there are differences (`verdicts.of_parts`). Else it names the
    settings that are not told apart from it on some dataset.
    """
    mean, samples = drawn.value.mean(axis=1), drawn.over_draws()
    others = [other for other in range(len(names)) if other != at]
    gaps = mean[at] - mean[others]  # [other, dataset]
    moved = samples[at] - samples[others]
    said = "; ".join(f"less {names[other]} {gaps[k].mean():+.3f}" for k, other in enumerate(others))
    verdict = Verdict(UNDECIDED, drawn.draws, "0 of tau", RULE)
    if drawn.draws < SEEDS:
        return said, replace(verdict, why=few(drawn.draws))
    p = _p(moved)
    verdict = of_parts(verdict, gaps.ravel().tolist(), p.ravel().tolist())
    if verdict.kind != UNDECIDED:
        return said, verdict
    open_ = (gaps <= 0) | (p >= ALPHA)
    near = [names[other] for k, other in enumerate(others) if open_[k].any()]
    low, high = _ends(moved, ALPHA)[0], _ends(moved, ALPHA / gaps.size)[1]
    times = _times(np.where(gaps > 0, gaps - low, high - gaps)[open_], gaps[open_])
    return said, replace(
        verdict, why=f"{_sample(drawn)}: not told apart from {', '.join(near)}; {times}"
    )


def unchanged(drawn: Drawn, one: int, other: int) -> tuple[str, Verdict]:
    """Return how tau changes from one place to another by dataset, and whether it does not.

    It does not hold where the interval of a dataset excludes zero, its p counted as often as there
    are datasets. Else it is open if more draws and cells would refute a change as large as this
    one; that nothing changes cannot be shown: how small counts as none is not for us to say.
    """
    mean, samples = drawn.value.mean(axis=1), drawn.over_draws()
    moved = samples[other] - samples[one]
    low, high = _ends(moved, ALPHA)
    said = ", ".join(
        f"{NAMES[dataset]} {value:+.{digits}f} [{a:+.{digits}f}, {b:+.{digits}f}]"
        for dataset, value, a, b in zip(DATASETS, mean[other] - mean[one], low, high, strict=True)
        for digits in [enough(3, a, b)]
    )
    verdict = Verdict(UNDECIDED, drawn.draws, "0 of tau", RULE)
    if drawn.draws < SEEDS:
        return said, replace(verdict, why=few(drawn.draws))
    p = float(_p(moved).min()) * len(moved)
    if p < ALPHA:
        return said, replace(verdict, kind=FAILS, p=p)
    low, high = _ends(moved, ALPHA / len(moved))
    gaps = mean[other] - mean[one]
    # Of each dataset as evidence against: one that is far enough from no change refutes it.
    times = _times(np.where(gaps > 0, gaps - low, high - gaps), -np.abs(gaps))
    verdict = replace(verdict, p=min(p, 1.0))
    if times.startswith(NEVER):
        return said, replace(verdict, kind=NOT_HERE, why=NO_MARGIN)
    why = f"{_sample(drawn)}: {times}, and only against it, if the change stays as large"
    return said, replace(verdict, why=why)


def _sample(drawn: Drawn) -> str:
    return f"n = {drawn.draws} draws, {drawn.n} cells"


def _times(reach: Floats, gaps: Floats) -> str:
    """Return how much larger a sample would decide a claim, as text.

    gaps: by how much each of its parts that are open speaks for it, or, below 0, against it; reach:
    how far its interval goes the other way. One part decides against it, all for it.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        times = np.where(gaps == 0, np.inf, (reach / gaps) ** 2)
    most = times[gaps < 0].min() if (gaps < 0).any() else times.max()
    many = f"about {most:,.1f}" if most < 10 else f"about {most:,.0f}" if most <= 1000 else ""
    return f"{many or NEVER} times as many draws and cells would decide it"


def _ends(samples: Floats, alpha: float) -> Floats:
    """Return the ends [2, ...] of the interval of level 1 - alpha of samples [..., R]."""
    return np.asarray(np.quantile(samples, [alpha / 2, 1 - alpha / 2], axis=-1))


def _p(samples: Floats) -> Floats:
    """Return the two-sided p of zero: the level at which the interval [..., R] reaches it."""
    least = np.minimum((samples <= 0).sum(axis=-1), (samples >= 0).sum(axis=-1))
    return np.asarray(np.minimum(1.0, 2 * (1 + least) / (samples.shape[-1] + 1)))
