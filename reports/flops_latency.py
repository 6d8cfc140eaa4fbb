"""FLOPs against latency of all cells, and the cells where the two disagree most (MONAS Fig. 3)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import rankdata

from benchsuite import stats
from benchsuite.api import Report, Result
from benchsuite.reports._common.style import COLOURS, PAGE_WIDTH, new_figure
from benchsuite.space import cost
from benchsuite.table.device_columns import find, parse
from benchsuite.table.table import Table

SHOWN = (
    "latency.stm32f746.tflm_cmsis_nn.cifar10.official",
    "latency.stm32f746.monas2024.cifar10.official",
)
_WORST = 5


def _make(table: Table) -> Result:
    flops = table.values("cifar10.flops")
    return Result(
        tables={
            "flops_latency": _disagreements(table, flops),
            "flops_latency_devices": pd.DataFrame(_devices(table)),
        },
        figures={"flops_latency": _figure(table, flops)},
        notes=(
            "MONAS, section 3.2 and Fig. 3, says that FLOPs are no measure of latency on "
            "microcontrollers. FLOPs are the official ones, dead operators included; latency is "
            "that of the deployed network. Cells without an input-output path are left out.",
            f"rows: the {_WORST} cells per column whose rank by latency exceeds most, and least, "
            "their rank by FLOPs (ranks from 0 to 1, ties share the mean).",
            "flops_latency_devices: every column of latency, with FLOPs and MACs of its own "
            "network; macs: multiply-accumulates once deployed, dead operators gone. slowest, "
            "fastest: the cell whose rank by latency exceeds most, and least, its rank by MACs; of "
            "equal gaps the lowest index.",
        ),
    )


def _devices(table: Table) -> Iterator[dict[str, object]]:
    for parts in find(table.columns, "latency"):
        flops, macs = table.values(f"{parts.dataset}.flops"), cost.all_deployed_macs(parts.network)
        latency = table.values(parts.name)
        known, gap = _gaps(latency, macs)
        slow, fast = int(known[gap.argmax()]), int(known[gap.argmin()])
        yield {
            "device": parts.device,
            "runtime": parts.runtime,
            "dataset": parts.dataset,
            "network": parts.skeleton,
            "n": len(known),
            "spearman FLOPs": stats.spearman(flops, latency).value,
            "spearman MACs": stats.spearman(macs, latency).value,
            "slowest": slow,
            "gap": gap.max(),
            "fastest": fast,
            "gap of it": gap.min(),
        }


def _gaps(latency: np.ndarray, work: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the cells with a latency, and their rank by it less their rank by work (0 to 1)."""
    known = np.flatnonzero(np.isfinite(latency))
    return known, (rankdata(latency[known]) - rankdata(work[known])) / len(known)


def _disagreements(table: Table, flops: np.ndarray) -> pd.DataFrame:
    rows = []
    for name in SHOWN:
        latency = table.values(name)
        known, gap = _gaps(latency, flops)
        order = np.argsort(gap, kind="stable")
        for position in [*order[::-1][:_WORST], *order[:_WORST]]:
            index = int(known[position])
            rows.append(
                {
                    "latency column": name,
                    "index": index,
                    "arch": table.data.column("arch")[index].as_py(),
                    "MFLOPs": flops[index] / 1e6,
                    "latency [ms]": latency[index] * 1e3,
                    "rank by latency - by FLOPs": gap[position],
                }
            )
    return pd.DataFrame(rows)


def _figure(table: Table, flops: np.ndarray) -> Figure:
    figure = new_figure(PAGE_WIDTH, 2.8)
    for position, name in enumerate(SHOWN):
        axes = figure.add_subplot(1, len(SHOWN), position + 1)
        latency = table.values(name)
        axes.plot(
            flops / 1e6,
            latency * 1e3,
            ".",
            markersize=2,
            color=COLOURS["cifar10"],
            alpha=0.3,
            rasterized=True,
        )
        parts = parse(name)
        assert parts is not None
        rho = stats.spearman(flops, latency)
        tau = stats.kendall(flops, latency)
        axes.set_title(f"{parts.device}, {parts.runtime}", fontsize=9)
        axes.text(
            0.03,
            0.97,
            f"Spearman {rho.value:.3f}\nKendall {tau.value:.3f}\nn = {rho.n:,}",
            transform=axes.transAxes,
            va="top",
            fontsize=8,
        )
        axes.set_xlabel("FLOPs [M]")
        axes.set_ylabel("latency [ms]")
        axes.grid(linewidth=0.3)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    return figure


REPORT = Report(
    title="Fig. 3: FLOPs and latency",
    answers="MONAS (2024), Fig. 3: FLOPs against latency of all cells",
    make=_make,
    group="MONAS",
)
