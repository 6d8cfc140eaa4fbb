"""Search strategies at equal budgets: test accuracy of the pick against simulated seconds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchsuite.api import Outcome, Report, Result
from benchsuite.notations import enumeration
from benchsuite.reports._common import picked, words
from benchsuite.reports._common.searches import (
    LEVEL,
    Claim,
    mean_interval,
    picks,
    spelt,
    spread,
    valued,
    with_ends,
)
from benchsuite.reports._common.style import (
    MARKERS,
    PAGE_WIDTH,
    PALETTE,
    SMALLEST,
    legend_above,
    mark,
    new_figure,
    panels,
    tidy,
)
from benchsuite.reports._common.tables import about_accuracy, accuracy, derived, kind, published
from benchsuite.reports._common.verdicts import above
from benchsuite.simulation.clock import training_clock
from benchsuite.stats import intervals
from benchsuite.table.table import Table

Array = NDArray[np.float64]
STUDY, DATASET = "baselines", "cifar10"
BUDGETS = (1000.0, 3000.0, 6000.0, 12000.0)
CURVE = np.geomspace(30, BUDGETS[-1], 60)
# What NAS-Bench-201 finds of two searches at 12,000 s: the first above the second.
ORDERS = (("rea", "random"), ("reinforce", "random"), ("random", "bohb"))


def _make(table: Table, outcomes: Mapping[str, Outcome]) -> Result:
    outcome = outcomes[STUDY]
    truth = accuracy(table, DATASET)
    times = np.concatenate([BUDGETS, CURVE])
    accuracies = {label: valued(picks(outcome, label, times), truth) for label in outcome.fronts}
    draws = picked.of_searches(table, outcome.study.searches, truth)
    best = best_by_budget(accuracies, f"test {kind(table)}", picked.between_draws(draws))
    return Result(
        tables={
            "strategies": _rows(table, accuracies),
            "strategies_best": best,
            "strategies_draws": draws.rename(columns={"pick": f"test {kind(table)}"}),
        },
        figures={"strategies": _figure(table, outcome, accuracies)},
        notes=(
            about_accuracy(table),
            f"The cell a search would answer if stopped at each budget, mean over seeds, {LEVEL}; "
            "no value where a seed has none yet. n: seeds with an answer. Queries are "
            f"12-epoch trainings; clock: {training_clock(table, DATASET, 12).source}; the time of "
            "optimisers is not charged. Dashed: the best of all cells. All 15,625 cells may be "
            "drawn, dead ones too, whose accuracy is chance.",
            "top of 1000 by a proxy: the best-scored of 1,000 random cells, nothing trained; "
            "scores are charged what they took here on one thread of a processor, which the "
            "printed seconds, on a GPU, are not. It answers once, at its end. Its seeds draw "
            "cells and read one table of scores, so its intervals hold nothing of what another "
            "draw of weights and images would score: strategies_draws has the expected pick, "
            "exactly, by the scores as searched (means of repeats) and by each repeat.",
            "strategies_best: the highest mean at each budget, and which searches are not told "
            "from it: the 95 % interval of the difference of the two means, widened by what "
            "repeats of the scores move the pick of a proxy (Student's t), holds 0, uncorrected "
            "for how many were compared; others: how many these are.",
            "printed: mean and deviation over runs (`published_searches.csv`), measured accuracies "
            "after their own release.",
            *(claim.sentence for claim in claims(table, outcomes)),
        ),
    )


def claims(table: Table, outcomes: Mapping[str, Outcome]) -> list[Claim]:
    """Return which search NAS-Bench-201 finds better, and what the replays say."""
    printed = _printed()["test"]
    labels = {label for pair in ORDERS for label in pair}
    last = {label: picks(outcomes[STUDY], label, BUDGETS[-1:])[:, 0] for label in labels}
    accuracies, seen = (
        {label: valued(cells, values) for label, cells in last.items()}
        for values in (accuracy(table, DATASET), table.values(f"{DATASET}.valid.12ep.mean"))
    )
    listed = []
    for better, worse in ORDERS:
        by_valid = intervals.difference(seen[better], seen[worse])
        gap = intervals.difference(accuracies[better], accuracies[worse])
        listed.append(
            Claim(
                "NAS-Bench-201",
                "Table 5",
                f"{words.search(better)} is better than {words.search(worse)} at "
                f"{BUDGETS[-1]:,.0f} s (printed {printed[better]:.2f} and {printed[worse]:.2f} % "
                "on CIFAR-10)",
                f"the difference is {spread(gap)} points; of the validation after 12 epochs that "
                f"they see, {spread(by_valid)}",
                above(gap),
            )
        )
    return listed


def _rows(table: Table, accuracies: Mapping[str, Array]) -> pd.DataFrame:
    best = float(np.nanmax(accuracy(table, DATASET)))
    printed = _printed().to_dict("index")
    rows = []
    for label, values in accuracies.items():
        at_budgets = values[:, : len(BUDGETS)]
        theirs = printed.get(label, {})
        for at, (budget, mean, low, high) in enumerate(
            zip(BUDGETS, *mean_interval(at_budgets), strict=True)
        ):
            last = bool(theirs) and budget == BUDGETS[-1]
            rows.append(
                {
                    "search": label,
                    "simulated seconds": budget,
                    "n": int(np.isfinite(at_budgets[:, at]).sum()),
                    f"test {kind(table)}": mean,
                    "lo": low,
                    "hi": high,
                    derived(table, "regret"): best - mean,
                    "std": float(pd.Series(at_budgets[:, at]).std(skipna=False)),
                    "printed": float(theirs["test"]) if last else np.nan,
                    "printed std": float(theirs["std"]) if last else np.nan,
                    "printed seconds": float(theirs["seconds"]) if last else np.nan,
                }
            )
    return pd.DataFrame(rows)


def best_by_budget(
    accuracies: Mapping[str, Array], called: str, draws: Mapping[str, float]
) -> pd.DataFrame:
    """Return the search of the highest mean at each budget, and which are not told from it.

    accuracies: [S, budgets and more] by search; those of which a seed has no answer yet have none;
    draws: how far another draw of scores may move a search's mean.
    """
    rows = []
    for at, budget in enumerate(BUDGETS):
        every = {label: intervals.mean(values[:, at]) for label, values in accuracies.items()}
        known = {label: mean for label, mean in every.items() if np.isfinite(mean.value)}
        if not known:
            continue
        best = max(known, key=lambda label: float(known[label].value))
        near = [
            label for label in known if label != best and _alike(accuracies, best, label, at, draws)
        ]
        rows.append(
            {
                "simulated seconds": budget,
                "search": best,
                "n": int(known[best].n),
                **spelt(called, with_ends(known[best]), "lo", "hi"),
                "others": len(near),
                "not told from": enumeration([f"`{label}`" for label in near]) or "no other",
            }
        )
    return pd.DataFrame(rows)


def _alike(
    accuracies: Mapping[str, Array], one: str, other: str, at: int, draws: Mapping[str, float]
) -> bool:
    gap = intervals.difference(accuracies[one][:, at], accuracies[other][:, at])
    also = draws.get(one, 0.0), draws.get(other, 0.0)
    below, above = (np.hypot(abs(end - gap.value), np.hypot(*also)) for end in gap.interval())
    return not (gap.value - below > 0 or gap.value + above < 0)


def _printed() -> pd.DataFrame:
    """Return what papers print of searches on the data set, by search."""
    printed = published("searches")
    return printed[printed["dataset"] == DATASET].set_index("search")


def _figure(table: Table, outcome: Outcome, accuracies: Mapping[str, Array]) -> Figure:
    best = float(np.nanmax(accuracy(table, DATASET)))
    trained = [e.label for e in outcome.study.searches if e.strategy != "proxy_top"]
    figure = new_figure(PAGE_WIDTH, 3.6)
    left, right = panels(figure, 2, width_ratios=(1.2, 1))
    lowest = np.inf
    drawn = [label for label in outcome.fronts if label in trained]
    for label, colour, marker in zip(drawn, PALETTE, MARKERS + "P", strict=False):
        curve = mean_interval(accuracies[label][:, len(BUDGETS) :])
        _curve(left, curve, words.search(label), colour, marker)
        known = curve[0][np.isfinite(curve[0])]
        lowest = min(lowest, float(np.quantile(known, 0.3))) if len(known) else lowest
    mark(left, f"the best cell: {best:.2f} %", y=best)
    left.set_xscale("log")
    left.set_xlabel("simulated seconds")
    left.set_ylabel(f"CIFAR-10 test {kind(table)}\nof the pick [%]")
    left.set_ylim(lowest, best + 0.1 * (best - lowest))
    legend_above(figure, left, 3)
    _at_the_end(right, outcome, {label: accuracies[label] for label in outcome.fronts})
    mark(right, "the best cell", x=best)
    for axes in (left, right):
        tidy(axes)
    right.tick_params(axis="y", labelsize=SMALLEST)
    right.legend(loc="upper left", frameon=False, fontsize=SMALLEST)
    return figure


def _at_the_end(axes: Axes, outcome: Outcome, accuracies: Mapping[str, Array]) -> None:
    """Draw what each search answers at the last budget with its interval, and what is printed."""
    at = len(BUDGETS) - 1
    ends = {label: mean_interval(values[:, at]) for label, values in accuracies.items()}
    order = sorted(ends, key=lambda label: float(ends[label][0]))
    seconds = outcome.runs.groupby("search")["simulated_seconds"].mean()
    for row, label in enumerate(order):
        mean, low, high = ends[label]
        axes.plot([low, high], [row, row], color="k", linewidth=1.2)
        axes.plot([mean], [row], "o", color="k", markersize=4, label="" if row else "here")
    printed = _printed()["test"]
    known = [label for label in order if label in printed.index]
    axes.plot(
        printed[known],
        [order.index(label) for label in known],
        "D",
        color=PALETTE[1],
        markerfacecolor="none",
        markersize=5,
        label="printed",
    )
    texts = {
        label: f" ({seconds[label]:,.0f} s)" if seconds[label] < 0.9 * BUDGETS[-1] else ""
        for label in order
    }
    axes.set_yticks(range(len(order)), [words.search(label) + texts[label] for label in order])
    axes.set_title(f"at {BUDGETS[-1]:,.0f} s or its end")
    axes.set_xlabel("accuracy of the pick [%]")


def _curve(axes: Axes, curve: tuple[Array, ...], label: str, colour: str, marker: str) -> None:
    mean, low, high = curve
    axes.plot(
        CURVE,
        mean,
        color=colour,
        marker=marker,
        markersize=3,
        markevery=6,
        linewidth=1,
        label=label,
    )
    axes.fill_between(CURVE, low, high, color=colour, alpha=0.2, linewidth=0)


REPORT = Report(
    title="Strategies at equal budgets",
    answers="NAS-Bench-201 (2020), Table 5: what each search finds by a simulated time",
    make=_make,
    studies=(STUDY,),
)
