"""Kendall tau of every proxy with accuracy on three datasets, with intervals."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from benchsuite import stats
from benchsuite.api import Report, Result
from benchsuite.ranking.correlations import CELLS, ceilings, correlations
from benchsuite.ranking.truths import about_columns
from benchsuite.reports._common import words
from benchsuite.reports._common.style import (
    COLOURS,
    MARKERS,
    NAMES,
    PAGE_WIDTH,
    legend_above,
    new_figure,
    tidy,
)
from benchsuite.reports._common.tables import about_accuracy, headline_proxies
from benchsuite.stats.intervals import FEWEST_RESAMPLES
from benchsuite.table.columns import DATASETS
from benchsuite.table.table import Table


def _make(table: Table) -> Result:
    rows = correlations(
        table,
        headline_proxies(table),
        cells=tuple(CELLS),
        resamples=FEWEST_RESAMPLES,
    )
    judged = about_columns(table, rows["accuracy"])
    notes = (
        about_accuracy(table),
        f"Kendall tau-b with {judged}; lo and hi hold 95 % of {FEWEST_RESAMPLES:,} "
        "bootstrap resamples (of cells, or of classes of equal cells: resampled); class_lo, "
        "class_hi: always of classes. Cells of one class share a score, and the largest class has "
        "460 cells, so these are the wider ones: how far tau would move with other functions, "
        "where lo and hi say how far with other cells of the same.",
        "Scores are means of their repeats; seconds per cell are of one repeat.",
        "Of large families the usual outputs: `benchsuite correlate` has all, Fig. 2a all K_i.",
        "Cells: " + "; ".join(f"{rule} = {what}" for rule, (what, _) in CELLS.items()) + ".",
    )
    ceiling = ceilings(table)
    of_same = rows[rows["cells"] == "connected"]
    return Result(
        tables={"correlations": rows},
        figures={"correlations": _figure(of_same, ceiling, words.truth(table, rows["accuracy"]))},
        notes=(*notes, _about(ceiling)),
        ranking=of_same,
    )


def _about(ceiling: Mapping[str, stats.NoiseCeiling]) -> str:
    if not ceiling:
        return "No noise ceiling: it takes the accuracies of single training runs."
    each = (
        f"{NAMES[dataset]} {noise.headline.tau.value:.3f} (n = {noise.headline.tau.n:,})"
        for dataset, noise in ceiling.items()
    )
    return (
        "Noise ceiling, tau between two training runs of the same cells: " + "; ".join(each) + ". "
        "A reference line, no bound: accuracies are means over runs, which have less noise."
    )


def _figure(rows: pd.DataFrame, ceiling: Mapping[str, stats.NoiseCeiling], what: str) -> Figure:
    mean = rows.groupby("proxy")["tau"].mean().sort_values(kind="stable")
    figure = new_figure(PAGE_WIDTH, 1.1 + 0.2 * len(mean))
    axes = figure.add_subplot()
    for at, (offset, dataset) in enumerate(zip((0.24, 0, -0.24), DATASETS, strict=True)):
        of = rows[rows["dataset"] == dataset].set_index("proxy").loc[mean.index]
        axes.errorbar(
            of["tau"],
            [position + offset for position in range(len(mean))],
            xerr=[of["tau"] - of["lo"], of["hi"] - of["tau"]],
            fmt=MARKERS[at],
            markersize=3,
            linewidth=1,
            capsize=1.5,
            color=COLOURS[dataset],
            label=NAMES[dataset],
        )
        if dataset in ceiling:
            tau = ceiling[dataset].headline.tau.value
            # Lines that coincide show as one of several colours.
            axes.axvline(
                tau,
                color=COLOURS[dataset],
                linewidth=1.2,
                linestyle=(4 * at, (4, 8)),
                label=f"{NAMES[dataset]}, two trainings: {tau:.3f}",
            )
    most = rows["n"].max()
    few = rows.groupby("proxy")["n"].max().loc[mean.index]
    names = [
        words.proxy(str(name)) + f" ({n:,} cells)" * bool(n < 0.95 * most)
        for name, n in few.items()
    ]
    axes.set_yticks(range(len(mean)), names)
    axes.axvline(0, color=COLOURS["grey"], linewidth=0.8)
    axes.margins(y=0.01)
    axes.set_xlabel(f"Kendall tau-b with {what}, {most:,} cells with a path")
    tidy(axes, "x")
    legend_above(figure, axes, 3, in_order=True)
    return figure


REPORT = Report(
    title="Proxies and accuracy",
    answers="how well each proxy ranks the cells of NAS-Bench-201",
    make=_make,
)
