"""Kendall tau of every proxy with every truth: other splits, epochs, int8, analog, attacks."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchsuite import stats
from benchsuite.api import Report, Result
from benchsuite.errors import UserError
from benchsuite.parallel.cores import cores
from benchsuite.ranking.correlations import functional_classes
from benchsuite.ranking.truths import column_of, truths_of
from benchsuite.reports._common import words
from benchsuite.reports._common.attacked import about_left_out, attacks
from benchsuite.reports._common.style import (
    NAMES,
    PAGE_WIDTH,
    colour_bar,
    heatmap,
    new_figure,
)
from benchsuite.reports._common.tables import (
    DEAD,
    FEWER,
    about_repeats,
    headline_proxies,
    not_shared,
    partial,
    upward,
)
from benchsuite.space.cell import connected
from benchsuite.stats.intervals import FEWEST_RESAMPLES
from benchsuite.table.columns import DATASETS
from benchsuite.table.table import Table

_TRAINED = {"validation": "validation", "test": "test", "12ep": "12 epochs"}
_ONCE = {"float": "float", "int8.ptq": "int8 PTQ", "int8.qat": "int8 QAT", "analog": "analog"}
_DRAWN = ("1", "2")  # Strengths that the figure shows, in 1/255; the table has all.
_LETTERS = 74  # of heads over all columns of the figure
DEPLOYED, ATTACKED = "another training", "CIFAR-10, attacked"


@dataclass(frozen=True)
class Truth:
    """A column [15625] that proxies are judged by, the group it is drawn in and its label there."""

    group: str
    dataset: str
    name: str
    label: str
    column: str
    values: NDArray[np.float64]
    estimated: bool
    drawn: bool = True

    @property
    def shown(self) -> str:
        """The label, marked where it is an estimate."""
        return f"{self.label} ESTIMATED" if self.estimated else self.label


def _make(table: Table) -> Result:
    names = headline_proxies(table)
    truths = list(_truths(table))
    if not truths:
        raise UserError("The table holds no accuracy that proxies could be judged by.")
    rows = pd.DataFrame(_rows(table, names, truths))
    return Result(
        tables={"proxy_truths": rows},
        figures={"proxy_truths": _figure(rows, truths)},
        notes=(
            f"Kendall tau-b, every proxy turned so that more is better; lo and hi hold 95 % of "
            f"{FEWEST_RESAMPLES:,} resamples of functional classes: cells of one share a score"
            f"{not_shared(table, names)}, and those alike in structure an accuracy under attack. "
            f"Of cells with an input-output path. {DEAD}; n in the table. {FEWER} Proxies "
            "are sorted by their mean over the columns drawn.",
            _about(truths),
            "float, int8 and analog: one other training of the CIFAR-10 network, in float, "
            "quantised after training (PTQ), with 20 epochs of quantisation-aware training (QAT), "
            "and on simulated analog hardware after hardware-aware training (AnalogNAS-Bench). "
            "12 epochs: validation accuracy after a whole training of 12 epochs.",
            _about_attacks(table),
            f"{about_repeats(table)} CIFAR-10 images for all three datasets.",
        ),
    )


def _truths(table: Table) -> Iterator[Truth]:
    for dataset in DATASETS:
        held = truths_of(table, dataset)
        for name, label in _TRAINED.items():
            if name in held:
                yield _truth(table, NAMES[dataset], dataset, name, label)
    first = DATASETS[0]
    for name, label in _ONCE.items():
        if name in truths_of(table, first):
            yield _truth(table, DEPLOYED, first, name, label)
    for attack in attacks(table):
        if attack.ranks:
            drawn = f"{attack.strength:g}" in _DRAWN
            yield _truth(table, ATTACKED, first, attack.truth, attack.label, drawn)


def _truth(
    table: Table, group: str, dataset: str, name: str, label: str, drawn: bool = True
) -> Truth:
    column = column_of(table, name, dataset)
    estimated = table.columns[column].estimated
    return Truth(group, dataset, name, label, column, table.values(column), estimated, drawn)


def _rows(table: Table, names: list[str], truths: list[Truth]) -> Iterator[dict[str, object]]:
    scores = np.array([np.where(connected(), upward(table, name), np.nan) for name in names])
    targets = np.array([truth.values for truth in truths])
    resampled = stats.kendall_bootstrap(
        scores,
        targets,
        np.random.default_rng(0),
        groups=functional_classes(table),
        resamples=FEWEST_RESAMPLES,
        threads=cores(),
    )
    low, high = resampled.interval()
    for p, name in enumerate(names):
        for t, truth in enumerate(truths):
            yield {
                "proxy": name,
                "truth": truth.name,
                "dataset": truth.dataset,
                "measured": "ESTIMATED" if truth.estimated else "measured",
                "n": int((np.isfinite(scores[p]) & np.isfinite(targets[t])).sum()),
                "tau": resampled.value[p, t],
                "lo": low[p, t],
                "hi": high[p, t],
                "column": truth.column,
            }


def _about(truths: list[Truth]) -> str:
    estimated = [
        f"{truth.label} of {NAMES[truth.dataset]}" if truth.group in NAMES.values() else truth.label
        for truth in truths
        if truth.estimated
    ]
    if not estimated:
        return "Every truth is measured."
    return (
        f"ESTIMATED by this project, not measured: {', '.join(estimated)}. All other truths are "
        "measured. A tau with an estimate is no result on the accuracy that it stands for."
    )


def _about_attacks(table: Table) -> str:
    given = attacks(table)
    if not given:
        return "No accuracy under attack: `benchsuite fetch` brings it."
    return (
        f"Attacked: CIFAR-10 test accuracy under an attack of so many 1/255; the figure shows "
        f"strengths {' and '.join(_DRAWN)}, the table all that rank cells. {about_left_out(given)}"
    )


def _figure(rows: pd.DataFrame, truths: list[Truth]) -> Figure:
    drawn = [truth for truth in truths if truth.drawn]
    wide = rows.pivot_table(index="proxy", columns="column", values="tau")[
        [truth.column for truth in drawn]
    ]
    order = wide.mean(axis=1).sort_values(ascending=False, kind="stable").index
    few = partial(rows.groupby("proxy")["n"].max())
    figure = new_figure(PAGE_WIDTH, 1.6 + 0.17 * len(order))
    axes = figure.add_subplot()
    image = heatmap(
        axes,
        wide.loc[order].to_numpy(),
        words.starred(order, few),
        [t.shown for t in drawn],
    )
    groups = [truth.group for truth in drawn]
    for group in dict.fromkeys(groups):
        first, last = groups.index(group), len(groups) - 1 - groups[::-1].index(group)
        axes.axvline(last + 0.5, color="w", linewidth=3)
        head = _head(group, _LETTERS * (last - first + 1) // len(drawn))
        axes.text((first + last) / 2, -0.8, head, ha="center", va="bottom", fontsize=6.5)
    colour_bar(figure, image, axes, "Kendall tau-b")
    axes.set_xlim(-0.5, len(drawn) - 0.5)
    axes.set_ylim(len(order) - 0.5, -1.5)
    return figure


def _head(group: str, letters: int) -> str:
    """Return the name of a group in lines of so many letters, broken after hyphens too."""
    lines = textwrap.fill(group.replace("-", "- "), letters, break_long_words=False)
    return lines.replace("- ", "-")


REPORT = Report(
    title="Proxies: every truth",
    answers="whether a proxy that ranks cells by one accuracy ranks them by others: int8, attacked",
    make=_make,
)
