"""Peak memory by the order of operators and by additions in place (muNAS Fig. 1)."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchsuite.api import Report, Result
from benchsuite.deployment.graph import pattern_graphs, patterns
from benchsuite.deployment.liveness import best_peak
from benchsuite.reports._common.style import PAGE_WIDTH, PALETTE, legend_above, new_figure, tidy
from benchsuite.space.cell import Cell, connected
from benchsuite.space.network import Skeleton
from benchsuite.table.table import Table

WRITTEN, ORDERED, IN_PLACE = RULES = (
    "order as written",
    "best order",
    "best order, additions in place",
)
Bytes = NDArray[np.int64]


@functools.cache
def _ordered() -> Bytes:
    """Return the least peak [15625, bytes] over all orders, nothing in place."""
    graphs = pattern_graphs(Skeleton(cells_per_stage=1))
    _, of_cell = patterns()
    peaks: Bytes = np.array([best_peak(graph, in_place=False) for graph in graphs])[of_cell]
    return peaks


def peaks(table: Table) -> dict[str, Bytes]:
    """Return the peak memory [15625, bytes] of every cell's small network under each rule."""
    written, in_place = (
        table.values(f"ram.{rule}.cifar10.mcu").astype(np.int64) for rule in ("order", "best")
    )
    return {WRITTEN: written, ORDERED: _ordered(), IN_PLACE: in_place}


def _make(table: Table) -> Result:
    of = peaks(table)
    return Result(
        tables={"munas_order": _rows(of)},
        figures={"munas_order": _figure(of)},
        notes=(
            f"The {int(connected().sum()):,} cells with an input-output path, one per stage, "
            "CIFAR-10, int8: peak of live tensors. As written: node after node, as NAS-Bench-201's "
            "code builds a cell. Best order: the least peak over all topological orders, exactly. "
            "In place: an addition writes into an operand that nobody else needs, as in muNAS' "
            "resource model (`ram.best`). less: against the row before; largest saving: of that "
            "row's peak. muNAS draws one example graph; the example here is the cell of lowest "
            "index with the largest saving by order. No accuracy enters.",
        ),
    )


def _rows(of: dict[str, Bytes]) -> pd.DataFrame:
    alive = connected()
    rows, before = [], of[WRITTEN]
    for name, peak in of.items():
        saving = np.where(alive, 1 - peak / before, -1.0)
        at = int(saving.argmax())
        rows.append(
            {
                "rule": name,
                "least [KiB]": peak[alive].min() / 1024,
                "mean [KiB]": peak[alive].mean() / 1024,
                "most [KiB]": peak[alive].max() / 1024,
                "cells with less": int((peak < before)[alive].sum()),
                "largest saving [%]": 100 * float(saving[at]),
                "index": at if saving[at] > 0 else "-",
                "example": Cell.from_index(at).arch if saving[at] > 0 else "",
            }
        )
        before = peak
    return pd.DataFrame(rows)


def _figure(of: dict[str, Bytes]) -> Figure:
    figure = new_figure(PAGE_WIDTH, 2.6)
    axes = figure.subplots()
    alive = connected()
    levels = np.unique(np.concatenate([peak[alive] for peak in of.values()]))
    places = np.arange(len(levels))
    for at, (name, peak) in enumerate(of.items()):
        counts = [int((peak[alive] == level).sum()) for level in levels]
        bars = axes.bar(places + (at - 1) * 0.27, counts, 0.26, color=PALETTE[at], label=name)
        axes.bar_label(bars, fontsize=6.5, fmt="{:,.0f}")
    axes.set_xticks(places, [f"{level / 1024:g}" for level in levels])
    axes.set_xlabel("peak memory [KiB]")
    axes.set_ylabel("cells")
    tidy(axes, "y")
    legend_above(figure, axes, 3)
    return figure


REPORT = Report(
    title="Fig. 1: order of operators",
    answers="muNAS (2021), Fig. 1: peak memory by the order in which operators are executed",
    make=_make,
    group="muNAS",
)
