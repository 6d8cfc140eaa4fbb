"""Accuracy on CIFAR-100 by compressed size: UDC, random search, dense networks (UDC Fig. 4b)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchsuite.api import Outcome, Report, Result
from benchsuite.deployment.compressed import all_bytes
from benchsuite.reports._common.searches import LEVEL, Claim, interval, spelt
from benchsuite.reports._common.style import (
    COLUMN_WIDTH,
    MARKERS,
    PALETTE,
    legend_above,
    new_figure,
    tidy,
)
from benchsuite.reports._common.tables import about_accuracy, accuracy, kind
from benchsuite.reports._common.udc import (
    Array,
    about_compression,
    bound,
    counted,
    mean_ends,
    points,
    runs_of,
    within,
)
from benchsuite.reports._common.verdicts import not_here
from benchsuite.space.cell import connected
from benchsuite.space.network import Skeleton
from benchsuite.stats.pareto import attained
from benchsuite.table.table import Table

STUDY, DATASET = "udc_cifar100", "cifar100"
MOST = 160  # kB, where the figure ends
COLUMN = f"compressed.test.{DATASET}"
UDC, RANDOM, DENSE = "full UDC", "random, 30 trainings", "whole cells, 8 bits, dense"


def _make(table: Table, outcomes: Mapping[str, Outcome]) -> Result:
    outcome = outcomes[STUDY]
    return Result(
        tables={"udc_cifar100": _rows(table, outcome)},
        figures={"udc_cifar100": _figure(table, outcome)},
        notes=(
            about_accuracy(table),
            "Bounds: kB (1,000 bytes) of compressed weights, one cell per stage, 100 classes. "
            f"{about_compression(outcome)} The response was measured on CIFAR-10 and is taken over "
            f"to 100 classes. lo, hi: {LEVEL}. dense: the best whole cell within the bound, 8 "
            "bits, nothing pruned, with its accuracy in the table, of which the response takes "
            "nothing. UDC prints a wide residual network at 550 and 700 kB against "
            f"other methods, which are not run here. {_edge(table)}",
            *(claim.sentence for claim in claims(table, outcomes)),
        ),
    )


def claims(table: Table, outcomes: Mapping[str, Outcome]) -> list[Claim]:
    """Return what UDC says of CIFAR-100, and what the searches say."""
    outcome = outcomes[STUDY]

    def ahead(size: str) -> str:
        ours, drawn = (runs_of(outcome, f"{name}, {size}") for name in (UDC, RANDOM))
        return f"{points(ours, drawn, COLUMN)} at {size}"

    return [
        Claim(
            "UDC",
            "Fig. 4b",
            "on CIFAR-100 it finds networks that no other method's network beats in size and error",
            f"ahead of random search with 30 trainings by {', '.join(map(ahead, _sizes(outcome)))}",
            not_here("other methods are not run here"),
        )
    ]


def _sizes(outcome: Outcome) -> list[str]:
    return list(dict.fromkeys(e.label.rpartition(", ")[2] for e in outcome.study.searches))


def _dense(table: Table) -> Array:
    """Return size [kB] and lowest error [%] of whole cells at 8 bits, [N, 2]."""
    size = all_bytes(Skeleton(cells_per_stage=1, classes=100)) / 1e3
    each = np.column_stack([size, 100 - accuracy(table, DATASET)])[connected()]
    at = np.unique(each[:, 0])
    return np.column_stack([at, attained(each, at)])


def _edge(table: Table) -> str:
    size, error = _dense(table)[-1]
    return (
        f"The figure ends at {MOST} kB; dense cells go on to {100 - error:.2f} % at {size:.0f} kB."
    )


def _rows(table: Table, outcome: Outcome) -> pd.DataFrame:
    rows, dense = [], _dense(table)
    for entry in outcome.study.searches:
        runs = runs_of(outcome, entry.label)
        fits = dense[dense[:, 0] <= bound(entry) / 1e3]
        rows.append(
            {
                "search": entry.label,
                **counted(runs),
                **spelt("size [kB]", interval(runs["bytes"].to_numpy(dtype=float) / 1e3)),
                **spelt(
                    "compressed: ESTIMATED accuracy",
                    mean_ends(within(runs), COLUMN, "test.cifar100"),
                ),
                f"dense: {kind(table)}": float(100 - fits[-1, 1]) if len(fits) else np.nan,
            }
        )
    return pd.DataFrame(rows)


def _figure(table: Table, outcome: Outcome) -> Figure:
    figure = new_figure(COLUMN_WIDTH, 3.0)
    axes = figure.subplots()
    for at, name in enumerate((UDC, RANDOM)):
        labels = [f"{name}, {size}" for size in _sizes(outcome)]
        runs = pd.concat([runs_of(outcome, label) for label in labels])
        kept = within(runs)
        axes.plot(
            kept["bytes"] / 1e3,
            kept[COLUMN],
            MARKERS[at],
            color=PALETTE[at],
            markersize=4,
            alpha=0.7,
            markeredgewidth=0,
            label=f"{name} (ESTIMATED)",
        )
    size, error = _dense(table).T
    axes.plot(
        size,
        100 - error,
        "k--",
        drawstyle="steps-post",
        linewidth=0.9,
        label=DENSE + " (ESTIMATED)" * table.estimated,
    )
    axes.set_xlim(0, MOST)
    axes.set_xlabel("compressed size [kB]")
    axes.set_ylabel("CIFAR-100 test accuracy [%]")
    tidy(axes)
    legend_above(figure, axes, 1)
    return figure


REPORT = Report(
    title="Fig. 4b: CIFAR-100",
    answers="UDC (2022), Fig. 4b: accuracy on CIFAR-100 by compressed size",
    make=_make,
    group="UDC",
    studies=(STUDY,),
)
