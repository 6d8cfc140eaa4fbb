"""Kendall tau of every proxy with accuracy on three datasets, with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchsuite import stats
from benchsuite.api import Report, Result
from benchsuite.notations import enumeration
from benchsuite.parallel.cores import cores
from benchsuite.ranking.correlations import (
    CELLS,
    ceilings,
    correlations,
    functional_classes,
    mask,
)
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
from benchsuite.reports._common.tables import (
    about_accuracy,
    headline_proxies,
    not_shared,
    partial,
    upward,
)
from benchsuite.stats.intervals import FEWEST_RESAMPLES
from benchsuite.table.columns import DATASETS, stem
from benchsuite.table.table import Table

COUNTS = ("flops", "convs")  # What needs no network, and others are held against.


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
        "class_hi: always of classes. Cells of one class share a score"
        f"{not_shared(table, headline_proxies(table))}, and the largest class has "
        "460 cells, so these are the wider ones: how far tau would move with other functions, "
        "where lo and hi say how far with other cells of the same. The figure shows class_lo and "
        "class_hi.",
        "correlations_against: tau of a proxy minus that of another, on the cells with a path that "
        "all of these score, in the same resamples of classes. correlations_best: the proxy with "
        "the highest tau on the cells with a path that it scores, and those whose difference from "
        "it has an interval that holds zero (not told from), uncorrected for their number. Neither "
        "counts what a new draw of weights and images moves: see `proxy_repeats`.",
        "Scores are means of their repeats; seconds per cell are of one repeat.",
        "Of large families the usual outputs: `benchsuite correlate` has all, Fig. 2a all K_i.",
        "Cells: " + "; ".join(f"{rule} = {what}" for rule, (what, _) in CELLS.items()) + ".",
    )
    ceiling = ceilings(table, mask("connected"))
    of_same = rows[rows["cells"] == "connected"]
    best = _best(of_same)
    against = pd.DataFrame(_against(table, of_same, best))
    return Result(
        tables={
            "correlations": rows,
            "correlations_best": _told(best, against),
            "correlations_against": against,
        },
        figures={"correlations": _figure(of_same, ceiling, words.truth(table, rows["accuracy"]))},
        notes=(*notes, _about(ceiling)),
        ranking=of_same,
    )


def _best(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the row of the proxy with the highest tau, by dataset."""
    highest = rows.groupby("dataset", sort=False)["tau"].idxmax()
    shown = ["dataset", "proxy", "n", "tau", "class_lo", "class_hi", "seconds"]
    return rows.loc[highest, shown].reset_index(drop=True)


def _against(table: Table, rows: pd.DataFrame, best: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Yield tau of each proxy less that of the best ones, and of what needs no network."""
    alive, classes = mask("connected"), functional_classes(table)
    counts = [table.resolve(name) for name in COUNTS if name in map(stem, rows["proxy"])]
    others = list(dict.fromkeys((*best["proxy"], *counts)))
    datasets, accuracies = rows["dataset"].unique(), rows["accuracy"].unique()
    truths = np.array([table.values(name) for name in accuracies])
    held = np.array([upward(table, name) for name in others])
    alike: dict[bytes, list[str]] = {}  # by the cells that a proxy and all of the others score
    for name in rows["proxy"].unique():
        both = alive & np.isfinite(table.values(name)) & np.isfinite(held).all(axis=0)
        alike.setdefault(both.tobytes(), []).append(name)
    for cells, names in alike.items():
        chosen = np.frombuffer(cells, dtype=bool)
        scores = np.vstack([held, *(upward(table, name)[None] for name in names)])
        resampled = stats.kendall_bootstrap(
            scores[:, chosen],
            truths[:, chosen],
            np.random.default_rng(0),
            groups=classes[chosen],
            resamples=FEWEST_RESAMPLES,
            threads=cores(),
        )
        for at, name in enumerate(names, start=len(others)):
            for of, other in enumerate(others):
                if name == other:
                    continue
                apart = resampled.difference(at, of)
                ends = apart.interval()
                for dataset, value, low, high in zip(datasets, apart.value, *ends, strict=True):
                    yield {
                        "proxy": name,
                        "against": other,
                        "dataset": dataset,
                        "n": int(chosen.sum()),
                        "difference": value,
                        "lo": low,
                        "hi": high,
                    }


def _told(best: pd.DataFrame, against: pd.DataFrame) -> pd.DataFrame:
    """Return the best proxies, each with those that its tau is not told from."""
    near = []
    for dataset, proxy in zip(best["dataset"], best["proxy"], strict=True):
        of = against[(against["dataset"] == dataset) & (against["against"] == proxy)]
        alike = of[~((of["lo"] > 0) | (of["hi"] < 0))].sort_values("difference", ascending=False)
        near.append(enumeration([words.proxy(name) for name in alike["proxy"]]) or "no other")
    return best.assign(**{"not told from": near})


def _about(ceiling: Mapping[str, stats.NoiseCeiling]) -> str:
    if not ceiling:
        return "No noise ceiling: it takes the accuracies of single training runs."
    each = (
        f"{NAMES[dataset]} {noise.headline.tau.value:.3f} (n = {noise.headline.tau.n:,})"
        for dataset, noise in ceiling.items()
    )
    return (
        "Noise ceiling, tau between two training runs of the cells with a path: "
        + "; ".join(each)
        + ". "
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
            xerr=[of["tau"] - of["class_lo"], of["class_hi"] - of["tau"]],
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
    scored = rows.groupby("proxy")["n"].max().loc[mean.index]
    few = partial(scored)
    names = [
        words.proxy(str(name)) + f" ({n:,} cells)" * (name in few) for name, n in scored.items()
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
