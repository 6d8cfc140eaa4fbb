"""How often every interval holds what it is of, by simulation: writes `intervals.md` beside it.

    python docs/intervals.py

A row has random numbers of its own, so that one made anew equals that of the file.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import scipy.stats
from numpy.typing import NDArray

from benchsuite import stats
from benchsuite.assembly.accuracy import ESTIMATES
from benchsuite.stats import intervals
from benchsuite.table.table import Table

SEEDS = (2, 3, 5, 10, 20, 50, 200)
MANY, SOME, FEW = 20_000, 2_000, 500
Floats = NDArray[np.float64]
Found = tuple[float, float]


@dataclass(frozen=True)
class Population:
    """What seeds are drawn from: its quantile function and its mean."""

    quantile: Callable[[Floats], Floats]
    mean: float

    @property
    def middle(self) -> float:
        """The mean between the quartiles."""
        steps = 200_000
        return float(self.quantile(0.25 + 0.5 * (np.arange(steps) + 0.5) / steps).mean())


@cache
def populations() -> Mapping[str, Population]:
    """Return the populations by name; accuracies are the estimates that ship."""
    table = Table.open(ESTIMATES)
    valid, test = (table.values(f"cifar10.{s}.200ep.mean") for s in ("valid", "test"))
    return {
        "normal": Population(scipy.stats.norm.ppf, 0.0),
        "exponential": Population(scipy.stats.expon.ppf, 1.0),
        "lognormal": Population(lambda u: np.exp(scipy.stats.norm.ppf(u)), float(np.exp(0.5))),
        "60 % zeros, the rest exponential": Population(_zeros, 0.4),
        "accuracy of a random cell": _best_of(1, valid, test),
        "accuracy of the best of 30 random cells": _best_of(30, valid, test),
    }


def _zeros(u: Floats) -> Floats:
    return np.where(u < 0.6, 0.0, scipy.stats.expon.ppf(np.maximum(u - 0.6, 0) / 0.4))


def _best_of(cells: int, valid: Floats, test: Floats) -> Population:
    """Return the test accuracies of the best by validation of so many random cells."""
    below = (np.arange(1, len(valid) + 1) / len(valid)) ** cells
    share = np.diff(below, prepend=0.0)
    picked = test[np.argsort(valid, kind="stable")]
    order = np.argsort(picked, kind="stable")
    reached, values = np.cumsum(share[order]), picked[order]
    last = len(values) - 1
    return Population(
        lambda u: values[np.minimum(np.searchsorted(reached, u), last)], float(share @ picked)
    )


def _seeded(*parts: object) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(repr(parts).encode()))


def _drawn(of: Population, rng: np.random.Generator, n: int, repeats: int) -> Floats:
    return of.quantile(rng.random((n, repeats)))


def _share(low: Floats, high: Floats, truth: float) -> Found:
    """Return how many of the intervals there are hold the truth, and how many there are."""
    there = np.isfinite(low)
    held = (low <= truth) & (truth <= high)
    return float(held[there].mean()) if there.any() else np.nan, float(there.mean())


def mean(name: str, n: int) -> Found:
    """Return the coverage of `intervals.mean`."""
    of = populations()[name]
    found = intervals.mean(_drawn(of, _seeded("mean", name, n), n, MANY))
    return _share(*found.interval(), of.mean)


def student(name: str, n: int) -> Found:
    """Return the coverage of Student's t alone, which is not used."""
    of = populations()[name]
    found = intervals.mean(_drawn(of, _seeded("mean", name, n), n, MANY))
    reach = scipy.stats.t.ppf(0.975, n - 1) * np.where(found.n > 1, found.error, np.nan)
    return _share(found.value - reach, found.value + reach, of.mean)


def percentile(name: str, n: int) -> Found:
    """Return the coverage of the percentile bootstrap of a mean, which is not used."""
    of, rng = populations()[name], _seeded("percentile", name, n)
    x = _drawn(of, rng, n, SOME)
    weights = rng.multinomial(n, np.full(n, 1 / n), size=1000) / n
    low, high = np.quantile(weights @ x, [0.025, 0.975], axis=0)
    return _share(low, high, of.mean)


def difference(pair: str, n: int, times: int = 1) -> Found:
    """Return the coverage of `intervals.difference`; the other side has `times` as many seeds."""
    rng = _seeded("difference", pair, n, times)
    one, other = (populations()[name] for name in pair.split(" - "))
    found = intervals.difference(_drawn(one, rng, n, MANY), _drawn(other, rng, times * n, MANY))
    return _share(*found.interval(), one.mean - other.mean)


def on_cells(pair: str, n: int) -> Found:
    """Return the coverage of `intervals.together` where seeds are judged by the mean of cells."""
    rng = _seeded("on cells", pair, n)
    seeds, cells = (populations()[name] for name in pair.split(" on "))
    drawn = _drawn(cells, rng, ON, MANY)
    judged = intervals.mean(_drawn(seeds, rng, n, MANY) + drawn.mean(axis=0))
    without = judged.value - (drawn - drawn.mean(axis=0)) / (ON - 1)
    found = intervals.together(judged, intervals.jackknife(judged.value, without))
    return _share(*found.interval(), seeds.mean + cells.mean)


def middle(name: str, n: int) -> Found:
    """Return the coverage of `intervals.middle_mean`."""
    of = populations()[name]
    x = _drawn(of, _seeded("middle", name, n), n, SOME)
    ends = np.array([intervals.middle_mean(one)[1:] for one in x.T])
    return _share(*ends.T, of.middle)


def proportion(share: float, n: int) -> Found:
    """Return the coverage of `intervals.proportion`, exactly."""
    ends = np.array([intervals.proportion(count, n)[1:] for count in range(n + 1)])
    held = (ends[:, 0] <= share) & (share <= ends[:, 1])
    return float(scipy.stats.binom.pmf(np.arange(n + 1), n, share) @ held), 1.0


TIED = "correlation 0.8, a score of three values"


def _pairs(name: str, rng: np.random.Generator, n: int) -> Floats:
    rho = float(name.split()[1].rstrip(","))
    score = rng.normal(size=n)
    truth = rho * score + np.sqrt(1 - rho**2) * rng.normal(size=n)
    return np.array([np.clip(np.round(score), -1, 1) if name == TIED else score, truth])


@cache
def _tau(name: str) -> float:
    if name == TIED:
        return stats.kendall(*_pairs(name, _seeded("tau", name), 1_000_000)).value
    return float(2 / np.pi * np.arcsin(float(name.split()[1])))


def kendall(name: str, n: int) -> Found:
    """Return the coverage of the interval of tau-b of n cells."""
    rng = _seeded("kendall", name, n)
    ends = []
    for _ in range(FEW):
        score, truth = _pairs(name, rng, n)
        resampled = stats.kendall_bootstrap([score], [truth], rng, resamples=200)
        ends.append([float(end.item()) for end in resampled.interval()])
    return _share(*np.array(ends).T, _tau(name))


NAMES = (
    "normal",
    "exponential",
    "lognormal",
    "60 % zeros, the rest exponential",
    "accuracy of a random cell",
    "accuracy of the best of 30 random cells",
)
PAIRS = (
    *(f"{name} - {name}" for name in NAMES),
    "lognormal - normal",
    "exponential - lognormal",
    "60 % zeros, the rest exponential - normal",
)
ON = 6
ON_CELLS = (
    "normal on normal",
    "lognormal on normal",
    "normal on exponential",
    "exponential on lognormal",
)
RULES: Mapping[str, tuple[str, Callable[..., Found], tuple[object, ...], int]] = {
    "Mean over seeds": (
        "`intervals.mean`: Student's t, or t corrected for skewness (Hall 1992), the wider at each "
        f"end; none below {intervals.FOR_MEAN} seeds.",
        mean,
        NAMES,
        MANY,
    ),
    "Difference of two means": (
        "`intervals.difference`: as the mean's, with Welch's degrees of freedom; n seeds a side.",
        difference,
        PAIRS,
        MANY,
    ),
    "Difference of two means, five times as many seeds on the other side": (
        "As above; n seeds on the first side.",
        lambda pair, n: difference(pair, n, 5),
        PAIRS,
        MANY,
    ),
    f"Mean over seeds that are judged by {ON} cells": (
        "`intervals.together`: the variances of seeds and of cells (jackknife) summed, with "
        "Satterthwaite's degrees of freedom; n seeds. It is how sure accuracies of compressed "
        "networks are, which are judged by the networks of so many cells. Of cells that are as "
        "skewed as these it holds less, however many seeds there are.",
        on_cells,
        ON_CELLS,
        MANY,
    ),
    "Interquartile mean": (
        "`intervals.middle_mean`: bootstrap between expanded quantiles (Hesterberg 2015); none "
        f"below {intervals.FOR_MIDDLE} seeds.",
        middle,
        NAMES,
        SOME,
    ),
    "Proportion of seeds": (
        "`intervals.proportion`: Clopper and Pearson's; by the true proportion, computed exactly.",
        proportion,
        (0.05, 0.5, 0.8, 0.9, 0.99),
        0,
    ),
    "Kendall's tau-b": (
        "`stats.Bootstrap.interval`: percentile bootstrap of n cells (200 resamples), of pairs of "
        f"normal values; none below {intervals.CELLS} cells.",
        kendall,
        ("correlation 0", "correlation 0.8", "correlation 0.99", TIED),
        FEW,
    ),
    "Not used: Student's t of a mean": ("Misses skewed and tied seeds.", student, NAMES, MANY),
    "Not used: percentile bootstrap of a mean": ("Misses few seeds.", percentile, NAMES, SOME),
}


def row(rule: str, name: object) -> str:
    """Return a row of a rule's table: the coverage for each of `SEEDS`."""
    return f"| {name} | {' | '.join(cell(rule, name, n) for n in SEEDS)} |"


def cell(rule: str, name: object, n: int) -> str:
    """Return one coverage as the table shows it."""
    held, there = RULES[rule][1](name, n)
    if np.isnan(held):
        return "none"
    return f"{held:.3f}" + (f" ({there:.0%} have one)" if there < 0.995 else "")


def table(rule: str) -> list[str]:
    """Return the lines of a rule's part of `intervals.md`."""
    about, _, names, repeats = RULES[rule]
    error = (
        f" {repeats:,} repeats: the standard error of a coverage of .95 is "
        f"{np.sqrt(0.95 * 0.05 / repeats):.3f}."
        if repeats
        else ""
    )
    head = f"| seeds or cells n | {' | '.join(map(str, SEEDS))} |"
    lines = [f"## {rule}", "", about + error, "", head, "|---" * (1 + len(SEEDS)) + "|"]
    return [*lines, *(row(rule, name) for name in names), ""]


HEAD = f"""# How often intervals hold what they are of

Made by `python docs/intervals.py`. Every number is the share of simulated intervals of level .95
that hold the true value, of those that there are: seeds that all give one answer are one
observation and have no interval. Accuracies are drawn from the estimates that ship.

Taken are rules that hold .94 or more of normal seeds wherever they give an interval, and .90 or
more of skewed and tied ones from {intervals.SEEDS} seeds on; with fewer no claim of a paper gets a
verdict. What no rule can cover is what a sample does not hold: one random cell in 46 has no path
and the accuracy of chance, so most means of 20 random cells have never seen one (the row `accuracy
of a random cell`; searches answer none of them), and six cells that are as skewed as lognormal
values say little of their tail (the row `exponential on lognormal`). These two hold .85 or more.
"""


def main() -> None:
    """Write the file."""
    lines = [HEAD]
    for rule in RULES:
        lines += table(rule)
    text = "\n".join(lines).rstrip() + "\n"
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
