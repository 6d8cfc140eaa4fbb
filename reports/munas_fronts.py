"""Fronts of error and model size that muNAS' optimisers find (muNAS Fig. 3)."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill as wrapped
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchsuite.api import Entry, Outcome, Report, Result
from benchsuite.deployment.response import Response, without_each
from benchsuite.parameters import fill
from benchsuite.replays import compressed
from benchsuite.reports._common import pruned
from benchsuite.reports._common.searches import (
    LEVEL,
    Claim,
    Interval,
    interval,
    mean_interval,
    spelt,
    spread,
    with_ends,
)
from benchsuite.reports._common.style import (
    MARKERS,
    PAGE_WIDTH,
    PALETTE,
    dots,
    legend_above,
    new_figure,
    panels,
    tidy,
)
from benchsuite.reports._common.tables import about_accuracy, accuracy, derived, error, kind
from benchsuite.reports._common.udc import BOTH_ERRORS
from benchsuite.reports._common.verdicts import above
from benchsuite.search import munas
from benchsuite.simulation.problem import keeping
from benchsuite.space.cell import connected
from benchsuite.stats import intervals
from benchsuite.stats.pareto import (
    REFERENCE_RULE,
    attained,
    hypervolume,
    non_dominated,
    reference,
)
from benchsuite.table.table import Table

STUDY = "munas_ae_bo"
SIZE = "flash.weights.cifar10.mcu"
PRUNING, PRUNED = "munas_pruning", "evolution with pruning (ESTIMATED)"
EVOLUTION, BAYES = "evolution", "bayesian optimisation"
DRAWN = (EVOLUTION, BAYES, "random", PRUNED)
_SHORT = {BAYES: "Bayesian", EVOLUTION: "evolution", "random": "random"}
_STYLES = {
    label: (PALETTE[at], MARKERS[at])
    for at, label in enumerate((BAYES, EVOLUTION, PRUNED, "random"))
}
LOWEST = "lowest of all feasible cells"
SECONDS = 0.2  # of a core, measured, for a seed of evolution and of Bayesian optimisation
WORST = 25  # Error in %, above which the figure draws nothing.
Array = NDArray[np.float64]


def _make(table: Table, outcomes: Mapping[str, Outcome]) -> Result:
    outcome = outcomes[STUDY]
    entry = outcome.study.searches[0]
    optimum = _optimum(table, outcome)
    whole = fronts(table, outcome)

    def fronts_by(curve: Response | None = None) -> dict[str, list[Array]]:
        return {PRUNED: _pruned(table, outcomes[PRUNING], entry, curve)}

    by_search = whole | fronts_by()
    of = volumes(whole, optimum, {PRUNED: by_search[PRUNED]})
    without = [volumes(whole, optimum, fronts_by(each))[PRUNED].mean() for each in without_each()]
    ends = {label: interval(volume) for label, volume in of.items()}
    ends[PRUNED] = with_ends(compressed.on_response(intervals.mean(of[PRUNED]), without))
    drawn, left = _at_random(outcome)
    return Result(
        tables={"munas_fronts": _rows(table, outcome, by_search, ends)},
        figures={"munas_fronts": _figure(table, by_search, optimum, of)},
        notes=(
            about_accuracy(table),
            f"{entry.budget.queries} trainings of 200 epochs each, of which {EVOLUTION} draws its "
            f"first {drawn} at random, so that it evolves for {left} (muNAS trains 2,000); "
            f"`seeds` are those that found a feasible cell; lo, hi and bands: {LEVEL}. Bounds: "
            + ", ".join(f"{name} <= {bound:g}" for name, bound in entry.setting.bounds.items())
            + ". A front is that of all feasible cells a seed trained, chosen by size and "
            f"validation accuracy, drawn by test {kind(table)}. Dead cells, constants of no size "
            "without an input-output path, keep the bounds and are trained, but are in no front.",
            "volume: area that the front dominates, in percent of that of the front of all "
            f"feasible cells. Reference: {REFERENCE_RULE}. regret: the best test accuracy of any "
            "feasible cell minus that of the pick [points], mean over the seeds.",
            f"{PRUNED}: the first trainings of `munas_pruning` under the same bounds; nobody has "
            "trained pruned cells of this space, so its accuracies are those of the compression "
            f"response. {BOTH_ERRORS} Its volume, of sizes that no whole cell has too, may exceed "
            "that of whole cells: in the figure it is on the left alone. `random` draws only cells "
            "within the bounds, the others meet infeasible ones too. The figure ends at "
            f"{WORST} % error and shows some of the searches. muNAS draws Chars74K and MNIST in "
            "its own space and prints no numbers.",
            *(claim.sentence for claim in claims(table, outcomes)),
        ),
    )


def claims(table: Table, outcomes: Mapping[str, Outcome]) -> list[Claim]:
    """Return what muNAS says of its optimisers, and what the replays say."""
    outcome = outcomes[STUDY]
    of = volumes(fronts(table, outcome), _optimum(table, outcome))
    gap = intervals.difference(of[EVOLUTION], of[BAYES])
    return [
        Claim(
            "muNAS",
            "Fig. 3",
            "aging evolution finds a further advanced front than Bayesian optimisation",
            f"the volume of evolution minus that of Bayesian optimisation is {spread(gap)} "
            f"points at {outcome.study.searches[0].budget.queries} trainings",
            above(gap, unit="points of volume", each=SECONDS),
        )
    ]


def _at_random(outcome: Outcome) -> tuple[int, int]:
    """Return how many cells evolution draws for its first population, and how many are left."""
    (entry,) = (entry for entry in outcome.study.searches if entry.label == EVOLUTION)
    drawn = fill(munas.Parameters, entry.parameters, "muNAS").population
    return drawn, (entry.budget.queries or 0) - drawn


def _pruned(
    table: Table, outcome: Outcome, like: Entry, curve: Response | None = None
) -> list[Array]:
    """Return the fronts of evolution with pruning under the bounds and trainings of a search."""
    (entry,) = (
        entry
        for entry in outcome.study.searches
        if entry.strategy == "munas_pruned" and entry.setting.bounds == like.setting.bounds
    )
    found = pruned.fronts(table, outcome, entry, like.budget.queries, curve)
    return [front for front in found if len(front)]


def fronts(table: Table, outcome: Outcome) -> dict[str, list[Array]]:
    """Return, by search and seed, size [KiB] and test error [%] of the front, [N, 2].

    Feasible cells that the seed trained and that no other of them beats in size and validation
    accuracy; seeds that trained none are left out.
    """
    feasible = _feasible(table, outcome)
    by_search = {}
    for label in outcome.fronts:
        trace = outcome.trace(label)
        trained = trace[trace["looked_at"].astype(str).str.startswith("valid.")]
        kept = trained[feasible[trained["cell"].to_numpy()]].drop_duplicates(["seed", "cell"])
        by_search[label] = [_front(table, of) for _, of in kept.groupby("seed")]
    return by_search


def _front(table: Table, trained: pd.DataFrame) -> Array:
    cells = trained["cell"].to_numpy()
    seen = np.column_stack([table.values(SIZE)[cells], -trained["value"].to_numpy()])
    return _points(table, cells[non_dominated(seen)])


def _feasible(table: Table, outcome: Outcome) -> NDArray[np.bool_]:
    """Tell which cells [15625] keep the bounds and have a path: the others are constants."""
    keeps = keeping(table, outcome.study.searches[0].setting)
    return np.asarray(keeps & connected())


def _optimum(table: Table, outcome: Outcome) -> Array:
    """Return the front of all feasible cells, by test accuracy, [N, 2]."""
    points = _points(table, np.flatnonzero(_feasible(table, outcome)))
    sizes = np.unique(points[:, 0])
    return np.column_stack([sizes, attained(points, sizes)])


def volumes(
    by_search: Mapping[str, list[Array]],
    optimum: Array,
    others: Mapping[str, list[Array]] | None = None,
) -> dict[str, Array]:
    """Return, by search, the volume of each seed's front in % of that of the optimum [N, 2].

    others: searches that have no part in the reference.
    """
    worst = reference(optimum, *(points for of in by_search.values() for points in of))
    whole = hypervolume(optimum, worst)
    return {
        label: np.array([100 * hypervolume(points, worst) / whole for points in of])
        for label, of in {**by_search, **(others or {})}.items()
    }


def _points(table: Table, cells: NDArray[np.int64]) -> Array:
    """Return size [KiB] and error [%] of cells, [N, 2]."""
    missed = 100 - accuracy(table, "cifar10")[cells]
    return np.column_stack([table.values(SIZE)[cells] / 1024, missed])


def _rows(
    table: Table,
    outcome: Outcome,
    by_search: Mapping[str, list[Array]],
    ends: Mapping[str, Interval],
) -> pd.DataFrame:
    rows = []
    for label, points in by_search.items():
        runs = outcome.runs[(outcome.runs["search"] == label) & outcome.runs["feasible"]]
        rows.append(
            {
                "search": label,
                "seeds": len(points),
                **spelt("volume [%]", ends[label], "lo", "hi"),
                "cells in the front": float(np.mean([len(front) for front in points])),
                f"test {kind(table)} of the pick": float(runs["test.cifar10"].mean()),
                derived(table, "regret"): float(runs["regret"].mean()),
                "trainings": float(runs["queries"].mean()),
                "simulated hours": float(runs["simulated_seconds"].mean()) / 3600,
            }
        )
    return pd.DataFrame(rows)


def _figure(
    table: Table, by_search: Mapping[str, list[Array]], optimum: Array, of: Mapping[str, Array]
) -> Figure:
    """Ask whether evolution finds better fronts than Bayesian optimisation."""
    figure = new_figure(PAGE_WIDTH, 2.9)
    left, middle, right = panels(figure, 3, width_ratios=(1, 1.2, 1))
    drawn = [label for label in DRAWN if by_search.get(label) and label != PRUNED]
    _front_panel(left, by_search, optimum)
    for at, label in enumerate(drawn):
        colour, marker = _STYLES[label]
        _gap_panel(middle, by_search[label], optimum, at - (len(drawn) - 1) / 2, colour, marker)
        dots(right, len(drawn) - 1 - at, of[label], interval(of[label]), colour)
    left.set_ylabel(error(table))
    middle.set_ylabel("above the lowest [points]")
    right.set_yticks(range(len(drawn))[::-1], [_SHORT[label] for label in drawn])
    right.set_xlabel("dominated volume [%]")
    left.set_title("cells in the fronts\nof all seeds")
    middle.set_title("what the fronts lack,\nmean over seeds")
    right.set_title(f"evolution minus Bayesian:\n{wrapped(_verdict(of), 26)}")
    for axes in (left, middle, right):
        tidy(axes)
    legend_above(figure, left, 3)
    return figure


def _front_panel(axes: Axes, by_search: Mapping[str, list[Array]], optimum: Array) -> None:
    """Draw size and error of the cells in the fronts; whole cells share a few sizes."""
    for label in DRAWN[::-1]:
        if of := by_search.get(label):
            colour, marker = _STYLES[label]
            look: dict[str, Any] = {"markersize": 3, "alpha": 0.6, "markeredgewidth": 0}
            axes.plot(*np.concatenate(of).T, marker, color=colour, label=label, **look)
    axes.plot(*optimum.T, "k--", drawstyle="steps-post", linewidth=0.9, label=LOWEST)
    axes.set_ylim(0, WORST)
    axes.set_xlim(left=0)
    axes.set_xlabel("model size [KiB]")


def _gap_panel(
    axes: Axes, of: list[Array], optimum: Array, aside: float, colour: str, marker: str
) -> None:
    """Draw the error above the optimum with its interval; sizes are categories, side by side."""
    sizes, least = optimum.T
    ends = np.array(mean_interval(np.array([attained(points, sizes) - least for points in of])))
    at = np.arange(len(sizes)) + 0.16 * aside
    axes.vlines(at, ends[1], ends[2], color=colour, linewidth=1)
    axes.plot(at, ends[0], marker, color=colour, markersize=3.5)
    axes.axhline(0, color="k", linestyle="--", linewidth=0.9)
    axes.set_xticks(range(len(sizes)), [f"{size:.0f}" for size in sizes], rotation=45)
    axes.set_xlabel("model size, at most [KiB]")


def _verdict(of: Mapping[str, Array]) -> str:
    return f"{spread(intervals.difference(of[EVOLUTION], of[BAYES]), 1)} points"


REPORT = Report(
    title="Fig. 3: fronts of the optimisers",
    answers="muNAS (2021), Fig. 3: error against model size, evolution and Bayesian optimisation",
    make=_make,
    group="muNAS",
    studies=(STUDY, PRUNING),
)
