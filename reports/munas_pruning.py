"""muNAS with and without pruning under four sizes: what its picks weigh and err (muNAS Fig. 3)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchsuite.api import Entry, Outcome, Report, Result
from benchsuite.deployment.response import without_each
from benchsuite.replays import compressed
from benchsuite.reports._common.pruned import fronts, reached, volumes
from benchsuite.reports._common.searches import (
    LEVEL,
    Claim,
    Interval,
    interval,
    spelt,
    spread,
    with_ends,
)
from benchsuite.reports._common.style import (
    COLUMN_WIDTH,
    MARKERS,
    PALETTE,
    legend_above,
    new_figure,
    tidy,
)
from benchsuite.reports._common.tables import about_accuracy, accuracy
from benchsuite.reports._common.udc import BOTH_ERRORS, COLUMN, OVER, runs_of, within
from benchsuite.reports._common.verdicts import Verdict, above, not_here
from benchsuite.simulation.problem import keeping
from benchsuite.space.cell import connected
from benchsuite.stats import intervals
from benchsuite.stats.intervals import Estimate
from benchsuite.stats.pareto import REFERENCE_RULE, attained
from benchsuite.table.table import Table

STUDY = "munas_pruning"
SIZE = "flash.weights.cifar10.mcu"
PLAIN, PRUNED = "evolution", "evolution with pruning"
Array = NDArray[np.float64]


def _make(table: Table, outcomes: Mapping[str, Outcome]) -> Result:
    outcome = outcomes[STUDY]
    return Result(
        tables={
            "munas_pruning": _rows(table, outcome),
            "munas_pruning_fronts": _volumes(table, outcome),
        },
        figures={"munas_pruning": _figure(table, outcome)},
        notes=(
            about_accuracy(table),
            "Pruned networks keep the same share of the channels of every stage; sizes and memory "
            "are exact, accuracies estimates through the "
            f"{' and '.join(outcome.runs['assumes'].dropna().unique())}. It was measured on narrow "
            "networks trained by themselves, and muNAS holds that pruning a larger one is better. "
            f"{BOTH_ERRORS}",
            f"{outcome.study.searches[0].budget.queries} trainings of 200 epochs, one cell per "
            f"stage; lo, hi: {LEVEL}. Means are over the seeds whose pick keeps all bounds. "
            "whole cells: of the 15,625, those with an input-output path that keep the bounds "
            "unpruned. As in muNAS at least 10 % of the channels are pruned away, also where the "
            "bounds do not ask for it. muNAS prints no numbers.",
            "volume: of the front of size and test error, chosen by what the search saw, in "
            "percent of that of all fronts of both searches under a bound; reference: "
            f"{REFERENCE_RULE}. Below the least size of whole cells within the bounds only pruned "
            "ones are, so that the front with pruning wins there by construction. Judged is the "
            "accuracy at shared sizes, those of whole cells within the bounds: of the best network "
            "in a seed's front of at most each size, the mean over the sizes. Figure: networks in "
            "the fronts of all seeds and bounds; the line is the lowest error of whole cells by "
            "size, whatever their memory and MACs.",
            *(claim.sentence for claim in claims(table, outcomes)),
        ),
    )


def claims(table: Table, outcomes: Mapping[str, Outcome]) -> list[Claim]:
    """Return what muNAS says of pruning, and what the searches say."""
    outcome = outcomes[STUDY]
    both = _bounds(outcome, PLAIN)
    sizes = {name: _sizes(table, outcome, name) for name in both}
    found = {name: _fronts(table, outcome, name) for name in both}
    shared = {name: _gap(found[name], of) for name, of in sizes.items()}
    wider = {name: _gap(every) for name, every in found.items()}
    rows = _rows(table, outcome).set_index("search").to_dict("index")
    tight = [rows[f"{PRUNED}, {name}"] for name in _bounds(outcome, PRUNED) if name not in both]
    reached = ", ".join(
        f"{row['feasible']} of {row['seeds']} seeds within {row['bound [KiB]']:.2f} KiB, "
        f"which {row['whole cells']} whole cells keep"
        for row in tight
    )
    return [
        Claim(
            "muNAS",
            "section 4.2",
            "aging evolution with pruning outperforms that without",
            "accuracy with pruning minus without, of the best networks of at most the sizes that "
            "whole cells have too: "
            + ", ".join(
                f"{spread(gap)} points at {name} ({len(of)} sizes, {of[0]:.0f} to {of[-1]:.0f} KiB)"
                for (name, gap), of in zip(shared.items(), sizes.values(), strict=True)
            )
            + "; volume of the fronts over all sizes, of which whole cells cannot have the smaller "
            "ones: "
            + ", ".join(f"{spread(gap)} points at {name}" for name, gap in wider.items())
            + "; accuracy of the picks: "
            + ", ".join(f"{spread(_gain(outcome, name))} points at {name}" for name in both),
            above(*shared.values(), over=OVER),
        ),
        Claim(
            "muNAS",
            "section 4.2",
            "pruning is essential for finding models with low resource usage",
            reached,
            _essential(tight),
        ),
    ]


def gained(outcome: Outcome, name: str) -> Interval:
    """Return the accuracy with pruning minus without [points] under the bounds of a name."""
    return with_ends(_gain(outcome, name))


def _gain(outcome: Outcome, name: str) -> Estimate:
    with_, without = (within(runs_of(outcome, entry.label)) for entry in _both(outcome, name))
    return compressed.difference(with_, without, COLUMN, "test.cifar10")


def _sizes(table: Table, outcome: Outcome, name: str) -> Array:
    """Return the sizes [KiB] of whole cells that keep the bounds of a name, the least first."""
    _, plain = _both(outcome, name)
    return np.unique(table.values(SIZE)[_whole(table, plain)]) / 1024


def _fronts(table: Table, outcome: Outcome, name: str) -> list[list[list[Array]]]:
    """Return the fronts of each seed with and without pruning under the bounds of a name.

    By the measured response, then by the response without each of its cells.
    """
    curves = (None, *without_each())
    return [
        [fronts(table, outcome, entry, curve=curve) for entry in _both(outcome, name)]
        for curve in curves
    ]


def _measured(every: list[list[list[Array]]], sizes: Array | None) -> tuple[list[Array], Array]:
    """Return values by seed with and without pruning, [2][S], and their means without each, [G, 2].

    every: as `_fronts`; sizes: what the accuracy is reached at; None: volumes [%] of fronts.
    """
    first, *without = (
        volumes(*both) if sizes is None else [reached(of, sizes) for of in both] for both in every
    )
    return first, np.array([[values.mean() for values in both] for both in without])


def _gap(every: list[list[list[Array]]], sizes: Array | None = None) -> Estimate:
    """Return what is measured with pruning minus without."""
    first, without = _measured(every, sizes)
    return compressed.on_response(intervals.difference(*first), without[:, 0] - without[:, 1])


def _means(every: list[list[list[Array]]], sizes: Array | None = None) -> list[Interval]:
    """Return the means of what is measured with and without pruning."""
    first, without = _measured(every, sizes)
    return [
        with_ends(compressed.on_response(intervals.mean(values), means))
        for values, means in zip(first, without.T, strict=True)
    ]


def _volumes(table: Table, outcome: Outcome) -> pd.DataFrame:
    """Return the volumes of fronts under bounds that both searches ran under."""
    rows = []
    for name in _bounds(outcome, PLAIN):
        sizes, every = _sizes(table, outcome, name), _fronts(table, outcome, name)
        for label, of, whole, shared in zip(
            (PRUNED, PLAIN), every[0], _means(every), _means(every, sizes), strict=True
        ):
            rows.append(
                {
                    "search": f"{label}, {name}",
                    "seeds": len(of),
                    **spelt("volume [%]", whole, "lo", "hi"),
                    "shared sizes": len(sizes),
                    "from [KiB]": sizes[0],
                    "to [KiB]": sizes[-1],
                    **spelt("accuracy at shared sizes", shared),
                    "networks in the front": float(np.mean([len(front) for front in of])),
                    "accuracy is": "ESTIMATED"
                    if label == PRUNED or table.estimated
                    else "measured",
                }
            )
    return pd.DataFrame(rows)


def _both(outcome: Outcome, name: str) -> list[Entry]:
    """Return the searches with and without pruning under the bounds of a name."""
    return [_entry(outcome, f"{label}, {name}") for label in (PRUNED, PLAIN)]


def _column(entry: Entry) -> str:
    """Return the column of the accuracy of a search's picks, as deployed."""
    return COLUMN if entry.strategy == "munas_pruned" else "test.cifar10"


def _essential(tight: Sequence[Mapping[Hashable, Any]]) -> Verdict:
    """Judge that pruning finds networks where no whole cell fits, under the bound it does least."""
    if any(row["whole cells"] for row in tight):
        return not_here("whole cells keep the bounds too")
    return not_here("true by construction: no cell has other channels unless pruned")


def picks(outcome: Outcome, entry: Entry) -> Array:
    """Return size [KiB] and accuracy [%] of each seed's pick, as deployed, [S, 2].

    Seeds whose pick breaks a bound, or that have none, are left out.
    """
    kept = within(runs_of(outcome, entry.label))
    prefix = compressed.PREFIX if entry.strategy == "munas_pruned" else ""
    values = kept[[f"{prefix}{SIZE}", _column(entry)]].to_numpy(dtype=np.float64)
    pairs: Array = values / [1024, 1]
    return pairs


def _bounds(outcome: Outcome, label: str) -> list[str]:
    """Return the names of the bounds a search ran under, as its labels say them."""
    split = [entry.label.rpartition(", ") for entry in outcome.study.searches]
    return [name for start, _, name in split if start == label]


def _entry(outcome: Outcome, label: str) -> Entry:
    (entry,) = (entry for entry in outcome.study.searches if entry.label == label)
    return entry


def _rows(table: Table, outcome: Outcome) -> pd.DataFrame:
    rows = []
    for entry in outcome.study.searches:
        pairs, runs = picks(outcome, entry), runs_of(outcome, entry.label)
        mean = compressed.mean(within(runs), _column(entry))
        widths = [w[0] for w in runs["widths"] if isinstance(w, list | tuple)]
        rows.append(
            {
                "search": entry.label,
                "bound [KiB]": entry.setting.bounds[SIZE] / 1024,
                "whole cells": int(_whole(table, entry).sum()),
                "seeds": len(runs),
                "feasible": len(pairs),
                **spelt("size [KiB]", interval(pairs[:, 0])),
                "channels left [%]": 100 * float(np.mean(widths)) if widths else 100.0,
                "accuracy is": "ESTIMATED" if _is_estimate(table, entry) else "measured",
                **spelt("test accuracy", with_ends(mean)),
            }
        )
    return pd.DataFrame(rows)


def _whole(table: Table, entry: Entry) -> NDArray[np.bool_]:
    """Tell which cells with a path keep the bounds of a search unpruned."""
    return np.asarray(keeping(table, entry.setting) & connected())


def _is_estimate(table: Table, entry: Entry) -> bool:
    return table.estimated or entry.strategy == "munas_pruned"


def whole_front(table: Table) -> Array:
    """Return size [KiB] and lowest error [%] of cells with a path, none pruned, [N, 2]."""
    size, error = table.values(SIZE) / 1024, 100 - accuracy(table, "cifar10")
    sizes = np.unique(size[connected()])
    points = np.column_stack([size, error])[connected()]
    return np.column_stack([sizes, attained(points, sizes)])


def _figure(table: Table, outcome: Outcome) -> Figure:
    figure = new_figure(COLUMN_WIDTH, 3.0)
    axes = figure.subplots()
    most = 0.0
    for label, colour, marker in zip((PRUNED, PLAIN), PALETTE, MARKERS, strict=False):
        entries = [_entry(outcome, f"{label}, {name}") for name in _bounds(outcome, label)]
        pairs = np.concatenate([of for e in entries for of in fronts(table, outcome, e)])
        most = max(most, float(pairs[:, 1].max(initial=0)))
        text = label + " (ESTIMATED)" * _is_estimate(table, entries[0])
        axes.plot(
            *pairs.T, marker, color=colour, markersize=3, alpha=0.6, markeredgewidth=0, label=text
        )
    front = whole_front(table)
    text = "lowest of whole cells" + " (ESTIMATED)" * table.estimated
    axes.plot(*front.T, "k--", drawstyle="steps-post", linewidth=0.9, label=text)
    axes.set_xlabel("model size [KiB]")
    axes.set_ylabel("test error [%]")
    axes.set_xscale("log")
    ticks = (1, 3, 10, 30, 100, 300)
    axes.set_xticks(ticks, list(map(str, ticks)))
    axes.minorticks_off()
    axes.set_ylim(0, 1.1 * most)
    tidy(axes)
    legend_above(figure, axes, 1)
    return figure


REPORT = Report(
    title="Fig. 3: pruning",
    answers="muNAS (2021), Fig. 3: error against model size, evolution with and without pruning",
    make=_make,
    group="muNAS",
    studies=(STUDY,),
)
