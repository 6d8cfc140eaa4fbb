"""Pareto fronts of accuracy against latency and RAM, per device and runtime."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchsuite.api import Report, Result
from benchsuite.reports._common.fronts import Cost, costs_of, equal_cells, front_of, title
from benchsuite.reports._common.quantised import ABOUT_DEPLOYED, SKELETON, Deployed
from benchsuite.reports._common.style import (
    COLOURS,
    NAMES,
    PAGE_WIDTH,
    SMALL,
    cloud,
    new_figure,
    panels,
    tidy,
)
from benchsuite.reports._common.tables import DEAD, about_accuracy, accuracy, kind
from benchsuite.space.cell import all_archs, connected
from benchsuite.table.columns import DATASETS
from benchsuite.table.table import Table

SHOWN = ("stm32f746 tflm_cmsis_nn", "stm32l432 own", "riscv320 own", "RAM")


def _make(table: Table) -> Result:
    costs = {d: costs_of(table, d) for d in DATASETS}
    what = kind(table)
    deployed = Deployed(table)
    truths = {dataset: accuracy(table, dataset) for dataset in DATASETS}
    fronts = {
        (label, dataset): front_of(cost, truths[dataset])
        for dataset, of in costs.items()
        for label, cost in of.items()
    }
    rows = [
        {
            "front": label,
            "dataset": dataset,
            "index": int(cell),
            "arch": all_archs()[cell],
            "cost": costs[dataset][label].values[cell],
            "unit": costs[dataset][label].unit,
            f"test {what}": truths[dataset][cell],
            "equal cells": equal_cells(costs[dataset][label], truths[dataset], int(cell)),
            **deployed.row(int(cell), dataset, SKELETON),
        }
        for (label, dataset), front in fronts.items()
        for cell in front
    ]
    return Result(
        tables={"device_fronts": pd.DataFrame(rows)},
        figures={"device_fronts": _figure(truths, costs, fronts, what)},
        notes=(
            about_accuracy(table),
            "Fronts over the cells that fit the part, official network of each dataset: no cell "
            f"is at least as good in cost and test {what} and better in one. {DEAD}. Latency as "
            "the column `latency.<front>.<dataset>.official` says; RAM is `ram.tflm`, the same on "
            "every part. Of cells with equal cost and accuracy the lowest index stands for all "
            "(equal cells).",
            ABOUT_DEPLOYED,
            "The figure starts at the least accurate cell of each front: most cells lie below it. "
            f"{_about_ram(table)}",
        ),
    )


def _about_ram(table: Table) -> str:
    arena, tensors = (
        [table.values(f"ram.{rule}.{dataset}.official")[connected()] / 1024 for dataset in DATASETS]
        for rule in ("tflm", "best")
    )
    beside = np.subtract(arena, tensors)
    return (
        f"RAM of TFLM is {beside.min():.0f} to {beside.max():.0f} KiB more than the tensors alone "
        "need in their best order (36, 48 or 64 KiB, of ImageNet16-120 a quarter): its interpreter "
        "keeps something of every operator."
    )


def _figure(
    truths: dict[str, NDArray[np.float64]],
    costs: dict[str, dict[str, Cost]],
    fronts: dict[tuple[str, str], NDArray[np.int64]],
    what: str,
) -> Figure:
    figure = new_figure(PAGE_WIDTH, 5.4)
    figure.suptitle("cells that fit, official network: five cells a stage", fontsize=SMALL + 1)
    figure.supylabel(f"test {what}", fontsize=SMALL + 1)
    all_axes = panels(figure, len(SHOWN), len(DATASETS), sharey="row")
    for row, dataset in enumerate(DATASETS):
        for column, label in enumerate(SHOWN):
            axes = all_axes[row * len(SHOWN) + column]
            _draw(axes, costs[dataset][label], truths[dataset], fronts[label, dataset], dataset)
            if row == 0:
                axes.set_title(title(label))
            if row == len(DATASETS) - 1:
                unit = costs[dataset][label].unit
                axes.set_xlabel("RAM [KiB]" if unit == "KiB" else "latency [ms]")
            if column == 0:
                axes.set_ylabel(f"{NAMES[dataset]} [%]")
            tidy(axes)
    for row, dataset in enumerate(DATASETS):
        ends = [truths[dataset][fronts[label, dataset]] for label in SHOWN]
        low, high = min(map(np.min, ends)), max(map(np.max, ends))
        all_axes[row * len(SHOWN)].set_ylim(low - 0.04 * (high - low), high + 0.06 * (high - low))
    return figure


def _draw(
    axes: Axes,
    cost: Cost,
    truth: NDArray[np.float64],
    front: NDArray[np.int64],
    dataset: str,
) -> None:
    cloud(axes, cost.values[cost.fits], truth[cost.fits])
    axes.plot(
        cost.values[front],
        truth[front],
        marker="o",
        markersize=2.5,
        linewidth=1,
        drawstyle="steps-post",
        color=COLOURS[dataset],
        zorder=3,
    )


REPORT = Report(
    title="Pareto fronts per device",
    answers="what accuracy each latency and each amount of RAM can buy",
    make=_make,
)
