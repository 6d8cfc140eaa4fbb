"""Optimisers of other people and ours at equal budgets: one objective, and three by hypervolume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchsuite.api import Entry, Outcome, Report, Result
from benchsuite.reports._common import words
from benchsuite.reports._common.searches import (
    LEVEL,
    interval,
    mean_interval,
    picks,
    spelt,
    valued,
)
from benchsuite.reports._common.style import (
    MARKERS,
    PAGE_WIDTH,
    PALETTE,
    SMALL,
    dots,
    mark,
    new_figure,
    panels,
    tidy,
)
from benchsuite.reports._common.tables import about_accuracy, accuracy, derived, kind
from benchsuite.simulation.problem import full_name, keeping
from benchsuite.stats import intervals
from benchsuite.stats.pareto import REFERENCE_RULE, hypervolume, non_dominated, reference
from benchsuite.table.table import Table

STUDY, DATASET = "optimisers", "cifar10"
VALIDATION = f"{DATASET}.valid.200ep.mean"
BASELINE = "random"
# What a search is by: the packages of the extra, or this project.
PACKAGES = {"optuna": "optuna", "pymoo": "pymoo", "forest": "scikit-learn"}
LINES = (*PALETTE, "#56B4E9")
COLOURS = ("#0072B2", "#666666")  # Of other people's searches, and of ours.
Array = NDArray[np.float64]
Front = NDArray[np.int64]


def _make(table: Table, outcomes: Mapping[str, Outcome]) -> Result:
    outcome = outcomes[STUDY]
    alone = [entry for entry in outcome.study.searches if not entry.setting.bounds]
    several = [entry for entry in outcome.study.searches if entry.setting.bounds]
    fronts = fronts_of(outcome, several)
    volumes = {
        seen: volumes_of(table, several[0], fronts, values)
        for seen, values in (
            ("validation", table.values(VALIDATION)),
            ("test", accuracy(table, DATASET)),
        )
    }
    first = several[0]
    costs = ", ".join(full_name(table, name, first.setting) for name in first.setting.bounds)
    return Result(
        tables={
            "optimisers_error": _errors(table, outcome, alone),
            "optimisers_volume": _volumes(table, several, fronts, volumes),
        },
        figures={"optimisers": _figure(table, outcome, alone, volumes["validation"])},
        notes=(
            about_accuracy(table),
            f"{first.budget.queries} trainings of 200 epochs each, CIFAR-10, {first.seeds} seeds "
            "per search; what is trained twice is paid twice. Searches see validation accuracies. "
            f"{LEVEL}.",
            "minus random: of the validation accuracy or volume, by Welch's interval. by: the "
            "package whose optimiser it is, as it ships but for population and starts "
            "(`studies/optimisers.toml`), or this project.",
            f"Volume: error [%], {costs}. Each seed's front is that of the cells it trained, "
            "chosen by validation; its hypervolume, by validation and by test error, is in percent "
            "of that of the front of all cells with a path. Reference, one for each of the two: "
            f"{REFERENCE_RULE}. Computed by moocore.",
            "Figure, left: validation accuracy of the best cell so far and its intervals, dashed "
            "the best of all cells, dotted our own searches; right: hypervolume by validation, a "
            "dot per seed (grey: ours), bars mean and interval.",
        ),
    )


def by(entry: Entry) -> str:
    """Return whose optimiser a search is."""
    return PACKAGES.get(entry.strategy.partition("_")[0], "ours")


def fronts_of(outcome: Outcome, entries: Sequence[Entry]) -> dict[str, list[Front]]:
    """Return, by label and seed, the feasible cells that the seed trained, each once."""
    trained = {}
    for entry in entries:
        trace = outcome.trace(entry.label)
        queried = trace[trace["looked_at"].astype(str).str.startswith("valid.")]
        by_seed = queried.groupby("seed")["cell"]
        trained[entry.label] = [np.unique(cells.to_numpy()) for _, cells in by_seed]
    return trained


def volumes_of(
    table: Table, entry: Entry, trained: Mapping[str, list[Front]], seen: Array
) -> dict[str, Array]:
    """Return, by label, each seed's hypervolume in percent of that of all feasible cells.

    seen: accuracies [15625] that volumes are of; which cells are in a front is by validation.
    """
    costs = [table.values(full_name(table, name, entry.setting)) for name in entry.setting.bounds]
    feasible = keeping(table, entry.setting)
    chosen_by, judged_by = (
        np.column_stack([100 - values, *costs]) for values in (table.values(VALIDATION), seen)
    )
    whole = judged_by[feasible]
    whole = whole[non_dominated(whole)]
    points = {
        label: [judged_by[_front(chosen_by, cells[feasible[cells]])] for cells in of]
        for label, of in trained.items()
    }
    worst = reference(whole, *(front for of in points.values() for front in of))
    full = hypervolume(whole, worst)
    return {
        label: np.array([100 * hypervolume(front, worst) / full for front in of])
        for label, of in points.items()
    }


def _front(points: Array, cells: Front) -> Front:
    return cells[non_dominated(points[cells])]


def _errors(table: Table, outcome: Outcome, entries: Sequence[Entry]) -> pd.DataFrame:
    seen, tested = table.values(VALIDATION), accuracy(table, DATASET)
    found = {
        entry.label: outcome.runs.loc[outcome.runs["search"] == entry.label, "cell"].to_numpy()
        for entry in entries
    }
    rows = []
    for entry in entries:
        cells = found[entry.label]
        rows.append(
            {
                "search": entry.label,
                "by": by(entry),
                "n": len(cells),
                **spelt("validation accuracy", interval(valued(cells, seen)), "lo", "hi"),
                **_gain(valued(cells, seen), valued(found[BASELINE], seen), entry.label),
                f"test {kind(table)}": float(np.mean(valued(cells, tested))),
                derived(table, "regret"): float(np.nanmax(tested) - np.mean(valued(cells, tested))),
            }
        )
    return pd.DataFrame(rows)


def _volumes(
    table: Table,
    entries: Sequence[Entry],
    trained: Mapping[str, list[Front]],
    volumes: Mapping[str, Mapping[str, Array]],
) -> pd.DataFrame:
    rows = []
    for entry in entries:
        of = volumes["validation"][entry.label]
        base = volumes["validation"][_baseline(entries)]
        rows.append(
            {
                "search": entry.strategy,
                "by": by(entry),
                "n": len(of),
                **spelt("volume [%]", interval(of), "lo", "hi"),
                **_gain(of, base, entry.strategy),
                f"volume [%], test {kind(table)}": float(np.mean(volumes["test"][entry.label])),
                "different cells": float(np.mean([len(cells) for cells in trained[entry.label]])),
            }
        )
    return pd.DataFrame(rows)


def _baseline(entries: Sequence[Entry]) -> str:
    return next(entry.label for entry in entries if entry.strategy == BASELINE)


def _gain(values: Array, base: Array, name: str) -> dict[str, float]:
    """Return the difference from random search and the ends of its interval."""
    found = (np.nan, np.nan, np.nan)
    if name != BASELINE:
        gap = intervals.difference(values, base)
        low, high = gap.interval()
        found = (float(gap.value), float(low), float(high))
    return spelt("minus random", found, "from", "to")


def _figure(
    table: Table, outcome: Outcome, alone: Sequence[Entry], volumes: Mapping[str, Array]
) -> Figure:
    figure = new_figure(PAGE_WIDTH, 3.6)
    left, right = panels(figure, 2)
    _curves(left, outcome, alone, table.values(VALIDATION))
    ordered = sorted(volumes, key=lambda label: float(np.mean(volumes[label])))
    entries = {entry.label: entry for entry in outcome.study.searches}
    for row, label in enumerate(ordered):
        colour = COLOURS[by(entries[label]) == "ours"]
        dots(right, row, volumes[label], interval(volumes[label]), colour)
    right.set_yticks(
        range(len(ordered)), [words.search(entries[label].strategy) for label in ordered]
    )
    right.set_xlabel("hypervolume [% of that of all cells]")
    for axes in (left, right):
        tidy(axes)
    return figure


def _curves(axes: Axes, outcome: Outcome, alone: Sequence[Entry], seen: Array) -> None:
    """Draw the validation accuracy of the pick by trainings; intervals as bars side by side."""
    queries = alone[0].budget.queries
    assert queries is not None
    at = np.arange(10, queries + 1)
    lowest = np.inf
    for place, entry in enumerate(alone):
        values = valued(picks(outcome, entry.label, at, "queries"), seen)
        mean, low, high = mean_interval(values)
        ours = by(entry) == "ours"
        axes.errorbar(
            at,
            mean,
            np.array([mean - low, high - mean]),
            color=LINES[place % len(LINES)],
            linestyle=":" if ours else "-",
            linewidth=1.1,
            elinewidth=0.7,
            marker=MARKERS[place % len(MARKERS)],
            markersize=3,
            markevery=(10 + 2 * place, 20),
            errorevery=(10 + 2 * place, 20),
            label=words.search(entry.label),
        )
        lowest = min(lowest, float(mean[10]))
    best = float(np.nanmax(seen))
    mark(axes, f"the best cell: {best:.2f} %", y=best)
    axes.set_ylim(lowest - 0.2 * (best - lowest), best + 0.12 * (best - lowest))
    axes.set_xlabel("trainings")
    axes.set_ylabel("validation accuracy of the pick [%]")
    axes.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, fontsize=SMALL
    )


REPORT = Report(
    title="Optimisers of other people",
    answers="Do our searches stand up to well-kept libraries at equal budgets?",
    make=_make,
    studies=(STUDY,),
)
