"""How far a proxy agrees with itself: repeats, each with its own weights and images."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchsuite import stats
from benchsuite.api import Report, Result
from benchsuite.errors import UserError
from benchsuite.ranking.correlations import direction_of
from benchsuite.reports._common import words
from benchsuite.reports._common.style import COLOURS, COLUMN_WIDTH, legend_above, new_figure, tidy
from benchsuite.reports._common.tables import (
    DEAD,
    FEWER,
    about_accuracy,
    accuracy,
    kind,
    partial,
    repeats_of,
)
from benchsuite.table.columns import DATASETS
from benchsuite.table.table import Table


def _make(table: Table) -> Result:
    repeats = repeats_of(table)
    if not repeats:
        raise UserError("The table holds no proxy with two repeats; `tabulate --repeats 2` does.")
    what = kind(table)
    truth = accuracy(table, DATASETS[0])
    rows = pd.DataFrame(_row(table, name, of, truth) for name, of in repeats.items())
    rows = rows.sort_values("tau between", ascending=False, kind="stable", ignore_index=True)
    below = rows[rows["tau between"] < rows["tau between"].median()]
    others = rows.drop(below.index)
    return Result(
        tables={"proxy_repeats": rows},
        figures={"proxy_repeats": _figure(rows, what)},
        notes=(
            about_accuracy(table),
            "tau between: mean tau-b between the scores of two repeats, which differ in weights "
            f"and images and in nothing else; tau with CIFAR-10 test {what} of each repeat "
            f"(lowest and highest) and of the mean of all; n cells. {DEAD}. {FEWER}",
            "A proxy whose repeats disagree has a tau with accuracy that one more repeat would "
            f"move: for the {len(below)} that agree least it moves by up to "
            f"{(below['tau highest'] - below['tau lowest']).max():.2f}, for all others by up to "
            f"{(others['tau highest'] - others['tau lowest']).max():.2f}. Between "
            "proxies, smaller differences than that are no finding.",
        ),
    )


def _row(
    table: Table, name: str, repeats: list[str], truth: np.ndarray
) -> dict[str, str | int | float]:
    direction = direction_of(table, name)
    scores = [table.values(of) for of in repeats]
    between = [stats.kendall(a, b).value for at, a in enumerate(scores) for b in scores[at + 1 :]]
    each = [stats.kendall(score, truth, direction=direction).value for score in scores]
    mean = stats.kendall(table.values(name), truth, direction=direction)
    return {
        "proxy": name,
        "n": mean.n,
        "repeats": len(repeats),
        "tau between": float(np.mean(between)),
        "tau lowest": min(each),
        "tau highest": max(each),
        "tau of the mean": mean.value,
    }


def _figure(rows: pd.DataFrame, what: str) -> Figure:
    figure = new_figure(COLUMN_WIDTH, max(2.2, 0.8 + 0.17 * len(rows)))
    axes = figure.add_subplot()
    grey, blue = COLOURS["grey"], COLOURS["cifar10"]
    at = range(len(rows), 0, -1)
    axes.plot(rows["tau between"], at, "s", markersize=4, color=grey, label="with each other")
    low, high = rows["tau lowest"], rows["tau highest"]
    axes.hlines(at, low, high, color=blue, linewidth=3, alpha=0.4, label=f"each with {what}")
    axes.plot(
        rows["tau of the mean"],
        at,
        "o",
        markersize=4,
        color=COLOURS["cifar10"],
        label=f"mean with {what}",
    )
    axes.axvline(0, color="k", linewidth=0.6)
    few = partial(rows.set_index("proxy")["n"])
    axes.set_yticks(at, words.starred(rows["proxy"], few))
    axes.set_xlabel("Kendall tau-b of the repeats")
    tidy(axes, "x")
    legend_above(figure, axes, 1)
    return figure


REPORT = Report(
    title="Proxies: repeats",
    answers="how far a proxy agrees with itself under other weights and images",
    make=_make,
)
