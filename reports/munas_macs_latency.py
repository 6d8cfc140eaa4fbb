"""Multiply-accumulates against latency: how far a line goes on each device (muNAS Fig. 2)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchsuite import cost, stats
from benchsuite.api import Report, Result
from benchsuite.network import OFFICIAL, Skeleton
from benchsuite.table import Table
from reports._style import COLOURS, PAGE_WIDTH, SMALL, cloud, new_figure, panels, tidy
from reports._tables import DEAD, milliseconds

SKELETONS = {"mcu": Skeleton(cells_per_stage=1), "official": OFFICIAL["cifar10"]}
SHOWN = (
    ("stm32h743", "tflm_cmsis_nn", "mcu"),
    ("stm32h743", "x_cube_ai", "mcu"),
    ("riscv320", "own", "mcu"),
    ("stm32f746", "monas2024", "official"),
)
_PRINTED = 0.975


def _make(table: Table) -> Result:
    macs = {name: cost.all_deployed_macs(skeleton) for name, skeleton in SKELETONS.items()}
    rows = [
        _row(table, *name.split(".")[1:], macs)
        for name in table.columns
        if name.startswith("latency.")
    ]
    return Result(
        tables={"munas_macs_latency": pd.DataFrame(rows)},
        figures={"munas_macs_latency": _figure(table, macs)},
        notes=(
            f"r2: of a straight line through latency over deployed MACs, all cells. {DEAD}. muNAS "
            f"prints R2 = {_PRINTED} for 1,000 random networks of its own space, measured on "
            "an H743 "
            "with TFLM; there chain networks of convolutions, here cells whose poolings and "
            "additions cost time but no MACs. ms per MMAC is the line's slope, offset its start.",
            "mcu: one cell per stage; official: five. Latencies are simulated or published per "
            "operator (see `benchsuite ls columns`), not measured cell by cell. No accuracy "
            "enters.",
        ),
    )


def _row(
    table: Table,
    device: str,
    runtime: str,
    skeleton: str,
    macs: dict[str, NDArray[np.int64]],
) -> dict[str, object]:
    latency = milliseconds(table, device, runtime, skeleton)
    known = np.isfinite(latency)
    x, y = macs[skeleton][known] / 1e6, latency[known]
    slope, offset = np.polyfit(x, y, 1)
    return {
        "device": device,
        "runtime": runtime,
        "skeleton": skeleton,
        "n": int(known.sum()),
        "r2": _r2(x, y),
        "tau": stats.kendall(x, y).value,
        "ms per MMAC": slope,
        "offset [ms]": offset,
        "median error of the line [%]": float(np.median(np.abs(slope * x + offset - y) / y)) * 100,
    }


def _r2(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    return float(np.corrcoef(x, y)[0, 1]) ** 2


def _figure(table: Table, macs: dict[str, NDArray[np.int64]]) -> Figure:
    figure = new_figure(PAGE_WIDTH, 2.3)
    all_axes = panels(figure, len(SHOWN))
    for axes, (device, runtime, skeleton) in zip(all_axes, SHOWN, strict=True):
        latency = milliseconds(table, device, runtime, skeleton)
        known = np.isfinite(latency)
        x, y = macs[skeleton][known] / 1e6, latency[known]
        cloud(axes, x, y, COLOURS["cifar10"])
        ends = np.array([x.min(), x.max()])
        axes.plot(ends, np.polyval(np.polyfit(x, y, 1), ends), color="k", linewidth=0.9)
        axes.set_title(f"{device}\n{runtime}, {skeleton}")
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
