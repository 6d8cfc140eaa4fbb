"""What each resource objective is for: fronts of muNAS without one of them (muNAS Fig. 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchsuite.api import Outcome, Report, Result
from benchsuite.reports._common.searches import LEVEL, Claim, interval, spelt, spread
from benchsuite.reports._common.style import (
    MARKERS,
    PAGE_WIDTH,
    PALETTE,
    SMALLEST,
    legend_above,
    new_figure,
    panels,
    tidy,
)
from benchsuite.reports._common.tables import about_accuracy, accuracy, derived, error, kind
from benchsuite.reports._common.verdicts import above
from benchsuite.space import cost
from benchsuite.space.cell import connected
from benchsuite.space.network import Skeleton
from benchsuite.stats import intervals
from benchsuite.stats.intervals import Estimate
from benchsuite.table.table import Table

STUDY = "munas_objectives"
SIZE, MEMORY, MACS = "model size [KiB]", "peak memory [KiB]", "MACs [M]"
ALL, NO_SIZE, NO_MEMORY = "all objectives", "without model size", "without peak memory"

JUDGED = ", judged by it"  # the objective left out, its bound kept
# Fig. 4: which way the mean of a cost goes without an objective and its bound.
_SAID = (
    (NO_SIZE, SIZE, 1),
    (NO_SIZE, MEMORY, -1),
    (NO_MEMORY, MEMORY, 1),
    (NO_MEMORY, SIZE, -1),
)


def _make(table: Table, outcomes: Mapping[str, Outcome]) -> Result:
    outcome = outcomes[STUDY]
    entry = outcome.study.searches[0]
    return Result(
        tables={"munas_objectives": _rows(table, outcome)},
        figures={"munas_objectives": _figure(table, outcome)},
        notes=(
            about_accuracy(table),
            f"muNAS' evolution, {entry.budget.queries:,} trainings of 200 epochs; `seeds` of "
            f"{entry.seeds} per search in the study found a feasible cell. Each number is the mean "
            f"over the cells of a seed's front, then over seeds; lo, hi: {LEVEL}. regret: the best "
            "test accuracy of any cell within the bounds of that search minus that of its pick "
            "[points], mean over the seeds.",
            "Bounds: "
            + ", ".join(f"{name} <= {bound:g}" for name, bound in entry.setting.bounds.items())
            + "; that of MACs is generous, as the paper's: every cell keeps it. What is left out "
            "has no bound either, as in the paper, whose claims are of both together; searches "
            "`judged by it` do not see the objective but answer only cells within its bound: what "
            "they change is the objective's alone. The figure shows the paper's three. Dead cells, "
            "constants of no size without an input-output path, keep the bounds and are left out. "
            "muNAS draws MNIST in its own space and prints no numbers.",
            *(claim.sentence for claim in claims(table, outcomes)),
        ),
    )


def claims(table: Table, outcomes: Mapping[str, Outcome]) -> list[Claim]:
    """Return what muNAS says of its objectives, and what the replays say."""
    of_search = {label: means(table, outcomes[STUDY], label) for label in outcomes[STUDY].fronts}

    def moved(label: str, name: str) -> Estimate:
        return intervals.difference(of_search[label][name], of_search[ALL][name])

    def claim(where: str, says: str, label: str, name: str, sign: int) -> Claim:
        by, alone = moved(label, name), moved(f"{label}{JUDGED}", name)
        return Claim(
            "muNAS",
            where,
            f"{label.replace('without', 'without the objective and the bound of')}, {says}",
            f"{name.partition(' [')[0]} changes by {spread(by)} KiB; without the objective alone, "
            f"with the bound kept, by {spread(alone)}",
            above(by if sign > 0 else -by, unit="KiB"),
        )

    left, middle = "Fig. 4 left", "Fig. 4 middle"
    says = (
        (left, "models are larger"),
        (left, "models need less memory"),
        (middle, "models need more memory"),
        (middle, "models are smaller"),
    )
    return [claim(where, said, *row) for (where, said), row in zip(says, _SAID, strict=True)]


def means(table: Table, outcome: Outcome, label: str) -> dict[str, NDArray[np.float64]]:
    """Return means over each seed's front, if it has one, [S], and how many cells it has."""
    fronts = [cells for cells in _fronts(table, outcome, label) if len(cells)]
    columns = _costs(table)
    return {
        name: np.array([values[cells].mean() for cells in fronts])
        for name, values in columns.items()
    } | {"cells": np.array([float(len(cells)) for cells in fronts])}


def _fronts(table: Table, outcome: Outcome, label: str) -> list[NDArray[np.int64]]:
    """Return, per seed, the cells of the front that have an input-output path."""
    every = [np.array(cells, dtype=np.int64) for cells in outcome.fronts[label]]
    return [cells[connected()[cells]] for cells in every]


def _costs(table: Table) -> dict[str, NDArray[np.float64]]:
    macs = cost.all_deployed_macs(Skeleton(cells_per_stage=1)) / 1e6
    return {
        SIZE: table.values("flash.weights.cifar10.mcu") / 1024,
        MEMORY: table.values("ram.best.cifar10.mcu") / 1024,
        MACS: np.asarray(macs),
    }


def _rows(table: Table, outcome: Outcome) -> pd.DataFrame:
    rows = []
    for label in outcome.fronts:
        by_column = means(table, outcome, label)
        runs = outcome.runs[(outcome.runs["search"] == label) & outcome.runs["feasible"]]
        row: dict[str, object] = {"search": label, "seeds": len(by_column["cells"])}
        for name, values in by_column.items():
            row |= spelt(name, interval(values))
        row[f"test {kind(table)} of the pick"] = float(runs["test.cifar10"].mean())
        row[derived(table, "regret")] = float(runs["regret"].mean())
        rows.append(row)
    return pd.DataFrame(rows)


def _figure(table: Table, outcome: Outcome) -> Figure:
    figure = new_figure(PAGE_WIDTH, 2.9)
    shown = [label for label in (NO_SIZE, NO_MEMORY, ALL) if label in outcome.fronts]
    *fronts, last = panels(figure, len(shown) + 1, width_ratios=[1] * len(shown) + [1.2])
    missed, columns = 100 - accuracy(table, "cifar10"), _costs(table)
    levels = np.unique(columns[MEMORY][connected() & np.isfinite(columns[MEMORY])])
    for axes, label in zip(fronts, shown, strict=True):
        cells = np.unique(np.concatenate(_fronts(table, outcome, label)))
        for level, marker, colour in zip(levels, MARKERS, PALETTE, strict=False):
            of = cells[columns[MEMORY][cells] == level]
            look: dict[str, Any] = {"markersize": 3.5, "alpha": 0.7, "markeredgewidth": 0}
            text = f"{level:g} KiB of peak memory"
            axes.plot(columns[SIZE][of], missed[of], marker, color=colour, label=text, **look)
        axes.set_title(label.replace(" ", "\n", 1))
        axes.set_xlabel(SIZE)
        axes.sharex(fronts[0])
        axes.sharey(fronts[0])
        axes.tick_params(labelleft=axes is fronts[0])
        tidy(axes)
    fronts[0].set_ylabel(error(table))
    _changes(last, table, outcome)
    legend_above(figure, fronts[0], len(levels))
    return figure


def _changes(axes: Axes, table: Table, outcome: Outcome) -> None:
    """Draw the change of each claim with its interval, and which way the paper says it goes."""
    rows = [row for row in _SAID if row[0] in outcome.fronts]
    whole = means(table, outcome, ALL)
    for at, (label, name, sign) in enumerate(rows):
        by = intervals.difference(means(table, outcome, label)[name], whole[name])
        low, high = by.interval()
        axes.plot([low, high], [-at, -at], color="k", linewidth=1.2)
        axes.plot([by.value], [-at], "o", color="k", markersize=4)
        axes.annotate(
            "",
            (0.5 + 0.25 * sign, -at - 0.32),
            (0.5, -at - 0.32),
            xycoords=axes.get_yaxis_transform(),
            arrowprops={"arrowstyle": "->", "color": PALETTE[1], "linewidth": 1.2},
        )
    reach = 1.1 * max(map(abs, axes.get_xlim()))
    axes.set_xlim(-reach, reach)
    axes.axvline(0, color="k", linewidth=0.8)
    texts = [f"{name.partition(' [')[0]}\n{label}" for label, name, _ in rows]
    axes.set_yticks([-at for at in range(len(rows))], texts)
    axes.set_ylim(-len(rows) + 0.4, 0.5)
    axes.set_xlabel("change [KiB]")
    axes.set_title("change of the mean\n(arrows: muNAS' claims)")
    tidy(axes, "x")
    axes.tick_params(axis="y", labelsize=SMALLEST)


REPORT = Report(
    title="Fig. 4: objectives left out",
    answers="muNAS (2021), Fig. 4: fronts with all objectives, without size, without peak memory",
    make=_make,
    group="muNAS",
    studies=(STUDY,),
)
