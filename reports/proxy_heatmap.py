"""Kendall tau of every proxy on three datasets and three sets of cells, as a heat map."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from benchsuite import stats
from benchsuite.api import Report, Result
from benchsuite.ranking.correlations import Array, Mask, mask
from benchsuite.reports._common import words
from benchsuite.reports._common.style import (
    NAMES,
    PAGE_WIDTH,
    SMALL,
    colour_bar,
    heatmap,
    new_figure,
)
from benchsuite.reports._common.tables import (
    DEAD,
    FEWER,
    about_accuracy,
    about_repeats,
    accuracy,
    headline_proxies,
    kind,
    partial,
    upward,
)
from benchsuite.table.columns import DATASETS
from benchsuite.table.table import Table

_TOP = 1000
RULES = {
    "connected": "cells with a path",
    "pruned": "no dead operator",
    "top": f"best {_TOP:,}",
}


def _make(table: Table) -> Result:
    truths = {dataset: accuracy(table, dataset) for dataset in DATASETS}
    scores = {name: upward(table, name) for name in headline_proxies(table)}
    masks = {rule: mask(rule) for rule in RULES if rule != "top"}
    rows = pd.DataFrame(
        {"proxy": name, "cells": rule, "dataset": dataset, **_tau(score, truth, masks.get(rule))}
        for name, score in scores.items()
        for rule in RULES
        for dataset, truth in truths.items()
    )
    return Result(
        tables={"proxy_heatmap": rows},
        figures={"proxy_heatmap": _figure(rows, kind(table))},
        notes=(
            about_accuracy(table),
            f"tau-b with test {kind(table)}. connected: the 15,284 cells with an input-output "
            f"path; pruned: the 9,445 without a dead operator; top: the {_TOP:,} best cells by "
            "that accuracy, where seeds of one network differ as much as cells do. "
            f"{DEAD}; n in the table. {FEWER} Intervals are in "
            "`correlations`. Proxies are sorted by their mean over the cells with a path.",
            f"{about_repeats(table)} CIFAR-10 images for all three datasets.",
        ),
    )


def _tau(score: Array, truth: Array, cells: Mask | None) -> dict[str, float]:
    """Return n, missing and tau among some cells, or among the best where there is no mask."""
    if cells is None:
        correlation = stats.top_k_kendall(score, truth, _TOP)
    else:
        correlation = stats.kendall(score[cells], truth[cells])
    return {"n": correlation.n, "missing": correlation.n_missing, "tau": correlation.value}


def _figure(rows: pd.DataFrame, what: str) -> Figure:
    wide = rows.pivot_table(index="proxy", columns=["cells", "dataset"], values="tau")
    order = (
        pd.DataFrame(wide["connected"])
        .mean(axis=1)
        .sort_values(ascending=False, kind="stable")
        .index
    )
    columns = [(rule, dataset) for rule in RULES for dataset in DATASETS]
    values = wide.loc[order, columns].to_numpy()
    figure = new_figure(PAGE_WIDTH * 0.8, 1.2 + 0.17 * len(order))
    axes = figure.add_subplot()
    labels = [NAMES[dataset] for _, dataset in columns]
    few = partial(rows[rows["cells"] == "connected"].groupby("proxy")["n"].max())
    image = heatmap(axes, values, words.starred(order, few), labels)
    for at in range(1, len(RULES)):
        axes.axvline(3 * at - 0.5, color="w", linewidth=3)
    for at, title in enumerate(RULES.values()):
        axes.text(3 * at + 1, -0.9, title, ha="center", fontsize=SMALL)
    colour_bar(figure, image, axes, f"Kendall tau-b with test {what}", 0.05)
    axes.set_ylim(len(order) - 0.5, -1.5)
    return figure


REPORT = Report(
    title="Proxies: heat map",
    answers="how well each proxy ranks all cells, those without dead operators, and the best",
    make=_make,
)
