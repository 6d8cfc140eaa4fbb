"""Verdicts on claims of papers: what each rests on, by which rule, and what would decide it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import fisher_exact

from benchsuite.stats import intervals
from benchsuite.stats.intervals import SEEDS, Estimate

HOLDS, FAILS, UNDECIDED, NOT_HERE = KINDS = (
    "holds",
    "does not hold",
    "undecided",
    "cannot be tested here",
)
ALPHA = round(1 - intervals.LEVEL, 12)  # .05, not 4e-17 more.
# A search that "keeps its bound" does so in this share of its seeds or more.
SHARE = 0.8
# Why a claim that stands on TinyEngine's memory has no verdict.
COUNTED_AS_NONE = "nobody states what variables TinyEngine keeps: they are counted as none"
# Seconds of a core that the seeds of one claim may take in a run of everything.
AFFORDABLE = 120
# What is said of seeds that take longer.
DEAR = "more than is spent on a claim"
_MOST = 10_000


@dataclass(frozen=True)
class Verdict:
    """One of `KINDS`, and what it rests on.

    n: what it was judged by, of the smaller side (seeds; or cells, settings, statements: see rule);
    margin: what the difference has to exceed; rule: how it was judged; why: of the last two kinds,
    and of statements that contradict each other as printed;
    p: two-sided, of the margin, NaN where nothing was tested.
    """

    kind: str
    n: int = 0
    margin: str = ""
    rule: str = ""
    why: str = ""
    p: float = math.nan

    def __str__(self) -> str:
        return f"{self.kind} ({self.why})" if self.why else self.kind

    @property
    def basis(self) -> str:
        """What it rests on, as text."""
        parts = [f"n = {self.n}", f"margin {self.margin}", self.rule]
        parts += [] if math.isnan(self.p) else [f"p = {self.p:.2g}"]
        return ", ".join(parts) if self.rule else "not judged"


def not_here(why: str) -> Verdict:
    """Return the verdict on what this space, these columns or these searches cannot say."""
    return Verdict(NOT_HERE, why=why)


def exact(holds: bool, n: int, margin: str, rule: str, fails: str = "") -> Verdict:
    """Return the verdict on numbers of which all are known, so that none is drawn.

    fails: what is said beside it where it does not hold.
    """
    return Verdict(HOLDS if holds else FAILS, n, margin, rule, "" if holds else fails)


def above(
    *parts: Estimate,
    margin: float = 0.0,
    unit: str = "points",
    over: str = "seeds",
    each: float = 0.0,
    there: int = 0,
) -> Verdict:
    """Return the verdict on the claim that all of some means or differences exceed a margin.

    It holds where every part does, and does not where one lies below: see `of_parts`. over: what
    the intervals are over; each: seconds of a core that a seed takes, 0 for none to speak of;
    there: how many ship, which no run makes again. Where neither, it is undecided, and how many
    seeds would decide it is said, and what they take where that is more than `AFFORDABLE`. Where
    the most were run, or no number would, for what seeds are judged by is too uncertain, it cannot
    be tested here.
    """
    n = min(int(part.n) for part in parts)
    verdict = Verdict(UNDECIDED, n, f"{margin:g} {unit}", f"interval over {over}")
    if n < SEEDS:
        return replace(verdict, why=few(n))
    if any(np.isnan(part.value) for part in parts):
        return replace(verdict, why="a seed has no value")
    gaps = [float(part.value) - margin for part in parts]
    verdict = of_parts(verdict, gaps, [float(part.p_value(margin)) for part in parts])
    if verdict.kind != UNDECIDED:
        return verdict
    # One part below decides, at a p that counts as often as there are parts; else all have to.
    level = 1 - ALPHA / len(parts) if min(gaps) < 0 else 1 - ALPHA
    least = min if min(gaps) < 0 else max
    considered = [
        (_needed(part, margin, level), part)
        for part, gap in zip(parts, gaps, strict=True)
        if gap < 0 or min(gaps) >= 0
    ]
    need = least(needed for needed, _ in considered)
    unsure = [part for needed, part in considered if math.isinf(needed)]
    if math.isinf(need) and any(float(part.lasting) > 0 for part in unsure):
        why = f"n = {n:,}, which more seeds would not decide: what judges them is not sure enough"
        return replace(verdict, kind=NOT_HERE, why=why)
    return _open(verdict, need, each, there)


def of_parts(verdict: Verdict, gaps: Sequence[float], p: Sequence[float]) -> Verdict:
    """Return a verdict with the kind and the p of a claim that all of some parts exceed a margin.

    gaps: by how much each part does; p: two-sided, of the margin, of each. It holds where every
    part does; of those below, the smallest p counts as often as there are parts, and is the p of
    what is undecided, too, where there is one.
    """
    if min(gaps) > 0 and max(p) < ALPHA:
        return replace(verdict, kind=HOLDS, p=max(p))
    below = [at * len(p) for at, gap in zip(p, gaps, strict=True) if gap < 0]
    if below and min(below) < ALPHA:
        return replace(verdict, kind=FAILS, p=min(below))
    return replace(verdict, kind=UNDECIDED, p=min(1.0, *below) if below else max(p))


def share(
    count: int, n: int, at_least: float = SHARE, of: str = "seeds", each: float = 0.0
) -> Verdict:
    """Return the verdict on the claim that a search does something, in most of its seeds.

    each: seconds of a core that a seed takes, as in `above`.
    """
    verdict = Verdict(
        UNDECIDED, n, f"{100 * at_least:g} % of {of}", "Clopper-Pearson interval of the share"
    )
    if n < SEEDS:
        return replace(verdict, why=f"n = {n}, {SEEDS} are needed")
    _, low, high = intervals.proportion(count, n)
    verdict = replace(verdict, p=intervals.proportion_p(count, n, at_least))
    if low > at_least or high < at_least:
        return replace(verdict, kind=HOLDS if low > at_least else FAILS)
    enough = (
        many
        for many in range(n, _MOST, max(1, n // 4))
        for _, least, most in [intervals.proportion(round(many * count / n), many)]
        if not least <= at_least <= most
    )
    return _open(verdict, next(enough, math.inf), each)


def rarer(count: int, n: int, other: int, others: int) -> Verdict:
    """Return the verdict on the claim that `count` of n is rarer than `other` of others."""
    of = min(n, others)
    verdict = Verdict(UNDECIDED, of, "0 % of seeds", "Fisher's exact test of two shares")
    if of < SEEDS:
        return replace(verdict, why=f"n = {of}, {SEEDS} are needed")
    p = float(fisher_exact(np.array([[count, n - count], [other, others - other]])).pvalue)
    if p < ALPHA:
        return replace(verdict, kind=HOLDS if count / n < other / others else FAILS, p=p)
    return replace(verdict, p=p, why=f"n = {of}, the shares differ too little")


def few(n: int) -> str:
    """Return why so few seeds give no verdict."""
    if n == 1:
        return f"n = 1: one seed, or one answer of all; {SEEDS} are needed"
    return f"n = {n}, {SEEDS} are needed"


def holm(verdicts: Sequence[Verdict]) -> list[str]:
    """Return the kinds of verdicts, those that were tested corrected for their number.

    What was not decided stays what it is, as do exact verdicts, which no test made. What cannot be
    tested is empty, but counts where it was tried, which its p tells: a family that leaves out what
    was not found is chosen by its results.

    Source: Holm, "A simple sequentially rejective multiple test procedure", 1979.
    """
    p = np.array([verdict.p for verdict in verdicts])
    tested = np.flatnonzero(np.isfinite(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    adjusted = np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1))
    kinds = ["" if verdict.kind == NOT_HERE else verdict.kind for verdict in verdicts]
    for at, corrected in zip(order, adjusted, strict=True):
        if kinds[at] in (HOLDS, FAILS) and corrected >= ALPHA:
            kinds[at] = UNDECIDED
    return kinds


def _open(verdict: Verdict, need: float, each: float, there: int = 0) -> Verdict:
    """Return the verdict where its seeds leave a claim open: how many would decide it, and what
    they take where that is too much; or that it cannot be tested, where the most were run."""
    n, kind = verdict.n, NOT_HERE if verdict.n >= _MOST else UNDECIDED
    if need > _MOST:
        return replace(
            verdict, kind=kind, why=f"n = {n:,}, not even {_MOST:,} seeds would decide it"
        )
    why, cost = f"n = {n:,}, about {need:,.0f} seeds would decide it", each * (need - there)
    if cost > AFFORDABLE:
        further = f", {need - there:,.0f} more" if there else ""
        why += f"{further}: {_spoken(cost)} of a core, {DEAR}"
    return replace(verdict, kind=kind, why=why)


def _spoken(seconds: float) -> str:
    """Return a time of minutes or more as text."""
    hours = seconds / 3600
    return f"{hours:,.0f} hours" if hours >= 2 else f"{seconds / 60:.0f} minutes"


def _needed(part: Estimate, margin: float, level: float) -> float:
    """Return how many seeds a side would set the interval of a part apart from the margin."""
    gap = float(part.value) - margin
    low, high = part.interval(level)
    reach = float(part.value - low) if gap > 0 else float(high - part.value)
    lasting = float(part.lasting) * reach**2
    if gap**2 <= lasting:
        return math.inf
    return float(part.n) * max(1.0, (reach**2 - lasting) / (gap**2 - lasting))
