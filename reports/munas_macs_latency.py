"""Multiply-accumulates against latency: how far a line goes on each device (muNAS Fig. 2)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchsuite import stats
from benchsuite.api import Report, Result
from benchsuite.deployment.graph import pattern_graphs, patterns
from benchsuite.notations import enumeration
from benchsuite.reports._common import words
from benchsuite.reports._common.searches import Claim
from benchsuite.reports._common.style import (
    COLOURS,
    PAGE_WIDTH,
    SMALL,
    cloud,
    new_figure,
    panels,
    tidy,
)
from benchsuite.reports._common.tables import DEAD
from benchsuite.reports._common.verdicts import not_here
from benchsuite.space import cost
from benchsuite.space.network import Skeleton
from benchsuite.table.device_columns import DeviceColumn, find
from benchsuite.table.table import Table

SHOWN = (
    DeviceColumn("latency", "stm32h743", "tflm_cmsis_nn", "cifar10", "mcu"),
    DeviceColumn("latency", "stm32h743", "x_cube_ai", "cifar10", "mcu"),
    DeviceColumn("latency", "riscv320", "own", "cifar10", "mcu"),
    DeviceColumn("latency", "stm32f746", "monas2024", "cifar10", "official"),
)
_PRINTED = 0.975
Array = NDArray[np.float64]


def claims(table: Table) -> list[Claim]:
    """Return what muNAS says of MACs and latency, and what the simulated part says."""
    x, y = _points(table, SHOWN[0])
    counted = _others(SHOWN[0].network)
    others = [
        f"{_r2(*_points(table, column)):.3f} under {words.runtime(column.runtime)}"
        for column in find(table.columns, "latency")
        if replace(column, runtime=SHOWN[0].runtime) == SHOWN[0] and column != SHOWN[0]
    ]
    also = f"; {enumeration(others)}" if others else ""
    return [
        Claim(
            "muNAS",
            "Fig. 2",
            f"MACs are a good predictor of latency on an H743 under TFLM (R2 = {_PRINTED})",
            f"R2 of a line is {_r2(x, y):.3f} over {len(x):,} cells, "
            f"{abs(_PRINTED - _r2(x, y)):.3f} {'less' if _r2(x, y) < _PRINTED else 'more'} than "
            f"printed, latency simulated{also}; under TFLM with poolings and additions counted "
            f"too, as muNAS' code does, {_r2(*_points(table, SHOWN[0], counted)):.3f}",
            not_here(
                "the paper names no R2 below which MACs are a bad predictor, and measures another "
                "space, where latency here is simulated"
            ),
        )
    ]


def _make(table: Table) -> Result:
    rows = [_row(table, parts) for parts in find(table.columns, "latency")]
    return Result(
        tables={"munas_macs_latency": pd.DataFrame(rows)},
        figures={"munas_macs_latency": _figure(table)},
        notes=(
            f"r2: of a straight line through latency over deployed MACs, all cells. {DEAD}. muNAS "
            f"prints R2 = {_PRINTED} for 1,000 random networks of its own space, measured on "
            "an H743 with TFLM, whose poolings and additions its code counts too (eliberis/uNAS, "
            "resource_models: an operation for each input of a window and each sum); MACs here are "
            "of convolutions and the classifier alone. ms per MMAC is the line's slope, offset its "
            "start.",
            "Every row is of the dataset's own network; mcu: one cell per stage, official: five. "
            "Latencies are simulated or published per "
            "operator (see `benchsuite ls columns`), not measured cell by cell. No accuracy "
            "enters.",
            *(claim.sentence for claim in claims(table)),
        ),
    )


def _points(
    table: Table, column: DeviceColumn, others: NDArray[np.int64] | None = None
) -> tuple[Array, Array]:
    """Return MACs [M] and latency [ms] of the cells that have one; others: counted as MACs."""
    latency = table.values(column.name) * 1e3
    known = np.isfinite(latency)
    counts = cost.all_deployed_macs(column.network) + (0 if others is None else others)
    return counts[known] / 1e6, latency[known]


def _others(network: Skeleton) -> NDArray[np.int64]:
    """Return the operations [15625] of local poolings and additions, live ones as deployed."""
    _, of_cell = patterns()
    per_output = {"avg_pool": 9, "add": 1}
    each = [
        sum(per_output.get(kind, 0) * size for kind, size in zip(g.kinds, g.sizes, strict=True))
        for g in pattern_graphs(network)
    ]
    return np.array(each, dtype=np.int64)[of_cell]


def _row(table: Table, column: DeviceColumn) -> dict[str, object]:
    x, y = _points(table, column)
    slope, offset = np.polyfit(x, y, 1)
    return {
        "device": column.device,
        "runtime": column.runtime,
        "dataset": column.dataset,
        "skeleton": column.skeleton,
        "n": len(x),
        "r2": _r2(x, y),
        "tau": stats.kendall(x, y).value,
        "ms per MMAC": slope,
        "offset [ms]": offset,
        "median error of the line [%]": float(np.median(np.abs(slope * x + offset - y) / y)) * 100,
    }


def _r2(x: Array, y: Array) -> float:
    return float(np.corrcoef(x, y)[0, 1]) ** 2


def _figure(table: Table) -> Figure:
    figure = new_figure(PAGE_WIDTH, 2.5)
    all_axes = panels(figure, len(SHOWN))
    for axes, column in zip(all_axes, SHOWN, strict=True):
        x, y = _points(table, column)
        cloud(axes, x, y, COLOURS["cifar10"])
        ends = np.array([x.min(), x.max()])
        axes.plot(ends, np.polyval(np.polyfit(x, y, 1), ends), color="k", linewidth=0.9)
        axes.set_title(
            f"{words.part(column.device)}\n{words.runtime(column.runtime)}\n"
            f"{words.network(column.skeleton)}"
        )
        axes.set_xlabel("MACs [M]")
        axes.set_ylim(bottom=0, top=1.15 * y.max())
        tidy(axes)
        axes.text(
            0.04, 0.98, f"R² = {_r2(x, y):.3f}", transform=axes.transAxes, va="top", fontsize=SMALL
        )
    all_axes[0].set_ylabel("latency [ms]")
    return figure


REPORT = Report(
    title="Fig. 2: MACs and latency",
    answers="muNAS (2021), Fig. 2: MACs as a stand-in for latency, R2 per device",
    make=_make,
    group="muNAS",
)
