"""Pareto fronts of int8 accuracy against latency and RAM, and what a front by float loses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchsuite.api import Report, Result
from benchsuite.reports._common.fronts import Cost, costs_of, front_of, title
from benchsuite.reports._common.quantised import (
    ABOUT,
    DATASET,
    FLOAT,
    INT8,
    Array,
    Training,
    training,
)
from benchsuite.reports._common.style import (
    PAGE_WIDTH,
    PALETTE,
    cloud,
    legend_above,
    new_figure,
    panels,
    tidy,
)
from benchsuite.reports._common.tables import DEAD
from benchsuite.space.cell import all_archs
from benchsuite.table.table import Table

SHOWN = ("stm32f746 tflm_cmsis_nn", "stm32l432 own", "riscv320 own", "RAM")
_METHOD = "PTQ"


def _make(table: Table) -> Result:
    of = training(table)
    costs = costs_of(table, DATASET)
    fronts = {label: front_of(cost, of.int8[_METHOD]) for label, cost in costs.items()}
    by_float = {label: front_of(cost, of.float32) for label, cost in costs.items()}
    choices = pd.DataFrame(_choices(of, costs, fronts, by_float))
    return Result(
        tables={
            "device_fronts_int8": pd.DataFrame(_rows(of, costs, fronts, by_float)),
            "device_fronts_int8_choice": choices,
        },
        figures={"device_fronts_int8": _figure(of, costs, fronts, by_float)},
        notes=(
            ABOUT,
            "Fronts over the cells that fit the part, official CIFAR-10 network: no cell is at "
            f"least as good in cost and int8 accuracy ({_METHOD}) and better in one. {DEAD}. Of "
            "cells with equal cost and accuracy the lowest index stands for all. RAM is "
            "`ram.tflm`, the same on every part.",
            "device_fronts_int8_choice: who picks by float, for each cell of the front by float, "
            "gets its int8 accuracy; who picks by int8 gets the best int8 accuracy that costs no "
            "more. lost: the difference, in points. Both fronts are of one training of every cell, "
            "and each picks among thousands by accuracies with noise: the front by int8 is "
            "flattered, and with it what picking by float loses. lost, mean of the others: without "
            "the cell that loses most.",
            *_about_most(table, of, choices),
            _below(of, costs, fronts, by_float),
        ),
    )


def _rows(
    of: Training,
    costs: dict[str, Cost],
    fronts: dict[str, NDArray[np.int64]],
    by_float: dict[str, NDArray[np.int64]],
) -> Iterator[dict[str, object]]:
    for label, front in fronts.items():
        for cell in front:
            yield {
                "front": label,
                "index": int(cell),
                "arch": all_archs()[cell],
                "cost": costs[label].values[cell],
                "unit": costs[label].unit,
                INT8: of.int8[_METHOD][cell],
                FLOAT: of.float32[cell],
                "on the front by float": "yes" if cell in by_float[label] else "no",
            }


def _choices(
    of: Training,
    costs: dict[str, Cost],
    fronts: dict[str, NDArray[np.int64]],
    by_float: dict[str, NDArray[np.int64]],
) -> Iterator[dict[str, object]]:
    for label, front in fronts.items():
        chosen = by_float[label]
        lost = _lost(costs[label].values, of.int8[_METHOD], chosen, front)
        others = np.delete(lost, lost.argmax()) if len(lost) > 1 else np.array([])
        yield {
            "front": label,
            "cells by int8": len(front),
            "cells by float": len(chosen),
            "on both": len(np.intersect1d(front, chosen)),
            "lost, median": float(np.median(lost)) if len(lost) else np.nan,
            "lost, mean": float(lost.mean()) if len(lost) else np.nan,
            "lost, most": float(lost.max()) if len(lost) else np.nan,
            "index that loses most": int(chosen[lost.argmax()]) if len(lost) else "-",
            "lost, mean of the others": float(others.mean()) if len(others) else np.nan,
            "best int8": float(of.int8[_METHOD][front].max()) if len(front) else np.nan,
            "int8 of the best by float": (
                float(of.int8[_METHOD][chosen[-1]]) if len(chosen) else np.nan
            ),
        }


def _about_most(table: Table, of: Training, choices: pd.DataFrame) -> Iterator[str]:
    """Yield a sentence per cell that loses most: what it has, and what its function's others."""
    int8, functions = of.int8[_METHOD], table.values("class.functional")
    known = choices[choices["cells by float"] > 0]
    for cell, rows in known.groupby("index that loses most"):
        index = int(str(cell))
        alike = np.flatnonzero(functions == functions[index])
        alike = alike[(alike != index) & np.isfinite(int8[alike])]
        kept = "no other cell computes its function"
        if len(alike):
            few = int((of.float32[alike] - int8[alike] < 1).sum())
            kept = (
                f"of the {len(alike)} other cells of its function, median in int8 "
                f"{np.median(int8[alike]):.2f} %, {few} lose less than a point"
            )
        yield (
            f"The most that is lost in {len(rows)} of {len(known)} fronts is that of cell {index}: "
            f"{of.float32[index]:.2f} % in float, {int8[index]:.2f} % in int8, which is one "
            f"training; {kept}."
        )
        several = rows["lost, mean of the others"].dropna()
        if len(several):
            yield (
                f"Without cell {index} the mean is {several.min():.2f} to {several.max():.2f} "
                "points in fronts by float of more than one cell."
            )


def _lost(
    cost: Array, int8: Array, chosen: NDArray[np.int64], front: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return, per cell chosen, how much more the front by int8 gives for at most its cost."""
    # A front is sorted by cost, and so by accuracy: the last that costs no more is the best.
    last = np.searchsorted(cost[front], cost[chosen], "right") - 1
    return np.asarray(int8[front[last]] - int8[chosen], dtype=np.float64)


def _figure(
    of: Training,
    costs: dict[str, Cost],
    fronts: dict[str, NDArray[np.int64]],
    by_float: dict[str, NDArray[np.int64]],
) -> Figure:
    shown = _shown(costs, fronts)
    figure = new_figure(PAGE_WIDTH, 2.6)
    all_axes = panels(figure, max(1, len(shown)), sharey="row")
    for axes, label in zip(all_axes, shown, strict=False):
        cost = costs[label]
        cloud(axes, cost.values[cost.fits], of.int8[_METHOD][cost.fits])
        _draw(axes, cost.values, of.int8[_METHOD], by_float[label], PALETTE[0], "picked by float")
        _draw(axes, cost.values, of.int8[_METHOD], fronts[label], PALETTE[1], "picked by int8")
        axes.set_title(title(label))
        axes.set_xlabel("RAM [KiB]" if cost.unit == "KiB" else "latency [ms]")
        tidy(axes)
    all_axes[0].set_ylim(_edge(of, shown, fronts), 95)
    all_axes[0].set_ylabel("int8 accuracy [%]")
    legend_above(figure, all_axes[0], 2)
    return figure


def _shown(costs: dict[str, Cost], fronts: dict[str, NDArray[np.int64]]) -> list[str]:
    return [label for label in SHOWN if label in costs and len(fronts[label])]


def _edge(of: Training, shown: list[str], fronts: dict[str, NDArray[np.int64]]) -> float:
    """Return the int8 accuracy [%] that the figure starts at: a little below every front."""
    return min((of.int8[_METHOD][fronts[label]].min() for label in shown), default=2.0) - 2


def _below(
    of: Training,
    costs: dict[str, Cost],
    fronts: dict[str, NDArray[np.int64]],
    by_float: dict[str, NDArray[np.int64]],
) -> str:
    """Return the sentence on the cells picked by float that the figure leaves out."""
    shown = _shown(costs, fronts)
    edge = _edge(of, shown, fronts)
    picked = {int(cell) for label in shown for cell in by_float[label]}
    below = sorted(cell for cell in picked if of.int8[_METHOD][cell] < edge)
    cells = ", ".join(map(str, below)) or "none"
    return f"The figure starts at {edge:.1f} %; cells picked by float that lie below it: {cells}."


def _draw(
    axes: Axes, cost: Array, int8: Array, front: NDArray[np.int64], colour: str, label: str
) -> None:
    axes.plot(
        cost[front],
        int8[front],
        marker="o",
        markersize=2.5,
        linewidth=1,
        drawstyle="steps-post",
        color=colour,
        label=label,
        zorder=3,
    )


REPORT = Report(
    title="Pareto fronts per device, int8",
    answers="what int8 accuracy each latency and RAM can buy, and what choosing by float loses",
    make=_make,
)
