"""Kendall tau of the NTK's condition number by batch size, and its cost (MONAS Fig. 2b)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchsuite import stats
from benchsuite.api import Report, Result
from benchsuite.numerics.ties import argmax
from benchsuite.reports._common import ntk_draws
from benchsuite.reports._common.searches import Claim, enough
from benchsuite.reports._common.style import (
    COLOURS,
    MARKERS,
    NAMES,
    PAGE_WIDTH,
    legend_above,
    new_figure,
    panels,
    tidy,
)
from benchsuite.reports._common.tables import DEAD, about_accuracy, accuracy, kind
from benchsuite.reports._common.verdicts import UNDECIDED, Verdict, not_here
from benchsuite.stats import Bootstrap
from benchsuite.stats.intervals import SEEDS
from benchsuite.table.columns import DATASETS
from benchsuite.table.table import Table

BATCHES = (4, 8, 16, 32, 64, 128)
RESAMPLES = 500  # of a few hundred classes: more than the fewest cost nothing
CHOSEN, LARGEST = 32, 128
# Claims compare settings: draws of weights and images are their seeds. Of all sizes there is one.
_ONE_DRAW = Verdict(
    UNDECIDED,
    1,
    "0 of tau",
    ntk_draws.RULE,
    f"n = 1 draw, {SEEDS} are needed",
)


def _make(table: Table) -> Result:
    cells, sampled = _sampled(table)
    rows = _rows(table, cells, sampled)
    return Result(
        tables={"monas_ntk_batch": rows},
        figures={"monas_ntk_batch": _figure(rows, kind(table))},
        notes=(
            about_accuracy(table),
            f"K_2 of the NTK (smaller is better), BN in training mode, of n = {len(cells)} classes "
            "of cells that compute the same functions, drawn at random; a class counts once, as "
            f"its first cell. lo, hi: 95 % of {RESAMPLES} resamples of the classes, the same for "
            f"every batch size; they do not hold what another draw of weights and images changes. "
            f"{DEAD}.",
            "One repeat, CIFAR-10 images at 16x16 for all datasets; seconds: of one thread of a "
            "processor, the mean of these cells. MONAS: three runs of an unstated sample on a GPU; "
            "it draws its figure without printing numbers.",
            *(claim.sentence for claim in _claims(table, cells, sampled)),
        ),
    )


def claims(table: Table) -> list[Claim]:
    """Return what MONAS says of the batch size, and what the columns say."""
    return _claims(table, *_sampled(table))


def _claims(table: Table, cells: NDArray[np.int64], sampled: Bootstrap) -> list[Claim]:
    at, last = BATCHES.index(CHOSEN), BATCHES.index(LARGEST)
    moved = sampled.difference(last, at)
    low, high = moved.interval()
    said = ", ".join(
        f"{NAMES[d]} {v:+.{digits}f} [{a:+.{digits}f}, {b:+.{digits}f}]"
        for d, v, a, b in zip(DATASETS, moved.value, low, high, strict=True)
        for digits in [enough(3, a, b)]
    )
    said, verdict = f"by {said} in one draw", _ONE_DRAW
    if {CHOSEN, LARGEST} <= set(ntk_draws.batches()):
        drawn = ntk_draws.by_batch(table, (CHOSEN, LARGEST))
        many, verdict = ntk_draws.unchanged(drawn, 0, 1)
        said = f"by {many}, the mean of {drawn.draws} draws on {drawn.n} cells"
    seconds = [_seconds(table, batch, cells) for batch in BATCHES]
    best = {NAMES[d]: BATCHES[argmax(sampled.value[:, t])] for t, d in enumerate(DATASETS)}
    return [
        Claim(
            "MONAS",
            "Fig. 2b",
            f"batches beyond {CHOSEN}, up to {LARGEST}, do not significantly alter tau",
            f"from {CHOSEN} to {LARGEST} tau changes {said}",
            verdict,
        ),
        Claim(
            "MONAS",
            "Fig. 2b",
            "the best batch for tau and cost lies between 16 and 32",
            "tau is highest with "
            + ", ".join(f"{batch} on {name}" for name, batch in best.items())
            + f"; {CHOSEN} costs {seconds[at]:.2f} s a cell, {LARGEST} {seconds[last]:.2f} s",
            not_here("how much tau a second is worth is not stated, and larger batches cost more"),
        ),
    ]


def _sampled(table: Table) -> tuple[NDArray[np.int64], Bootstrap]:
    """Return the first scored cell of every class, and tau [batch, dataset] with its resamples."""
    scored = np.flatnonzero(np.isfinite(table.values(_name(table, BATCHES[0]))))
    _, first = np.unique(table.values("class.functional")[scored], return_index=True)
    cells = scored[np.sort(first)]
    sampled = stats.kendall_bootstrap(
        np.array([table.values(_name(table, batch))[cells] for batch in BATCHES]),
        np.array([accuracy(table, dataset)[cells] for dataset in DATASETS]),
        np.random.default_rng(0),
        directions=["min"] * len(BATCHES),
        resamples=RESAMPLES,
    )
    return cells, sampled


def _name(table: Table, batch: int) -> str:
    return table.resolve(f"ntk_cond.k2.b{batch}")


def _seconds(table: Table, batch: int, cells: NDArray[np.int64]) -> float:
    return float(np.nanmean(table.values(f"seconds.alone.ntk_cond.b{batch}")[cells]))


def _rows(table: Table, cells: NDArray[np.int64], sampled: Bootstrap) -> pd.DataFrame:
    low, high = sampled.interval()
    return pd.DataFrame(
        {
            "batch": batch,
            "dataset": dataset,
            "n": len(cells),
            "tau": sampled.value[b, t],
            "lo": low[b, t],
            "hi": high[b, t],
            "seconds per cell": _seconds(table, batch, cells),
        }
        for b, batch in enumerate(BATCHES)
        for t, dataset in enumerate(DATASETS)
    )


def _figure(rows: pd.DataFrame, what: str) -> Figure:
    figure = new_figure(PAGE_WIDTH, 2.6)
    left, right = panels(figure, 2)
    for at, dataset in enumerate(DATASETS):
        of = rows[rows["dataset"] == dataset]
        left.errorbar(
            of["batch"] * 2 ** ((at - 1) * 0.08),
            of["tau"],
            yerr=[of["tau"] - of["lo"], of["hi"] - of["tau"]],
            marker=MARKERS[at],
            markersize=4,
            linewidth=1,
            capsize=2,
            color=COLOURS[dataset],
            label=NAMES[dataset],
        )
    of = rows.drop_duplicates("batch")
    right.plot(of["batch"], of["seconds per cell"], "o-", color="k", markersize=4, linewidth=1)
    right.set_yscale("log")
    left.set_ylabel(f"Kendall tau-b of $K_2$\nwith test {what}")
    right.set_ylabel("seconds per cell, one thread")
    for axes in (left, right):
        axes.set_xscale("log", base=2)
        axes.set_xticks(BATCHES, list(map(str, BATCHES)))
        axes.set_xlabel("batch size")
        tidy(axes)
    legend_above(figure, left, 3)
    return figure


REPORT = Report(
    title="Fig. 2b: NTK and batch size",
    answers="MONAS (2024), Fig. 2b: Kendall tau and cost of the NTK's condition number by batch",
    make=_make,
    group="MONAS",
)
