"""FLOPs against latency of all cells, and the cells where the two disagree most (MONAS Fig. 3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from scipy.stats import rankdata

from benchsuite import stats
from benchsuite.api import Report, Result
from benchsuite.reports._common import words
from benchsuite.reports._common.style import (
    PAGE_WIDTH,
    SMALL,
    colour_bar,
    new_figure,
    panels,
    tidy,
)
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
            "In the figure a square's colour is the number of cells there, and the bar the widest "
            "range of latency that cells of one FLOPs have, at these FLOPs.",
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
            "index of the slowest": slow,
            "gap": gap.max(),
            "index of the fastest": fast,
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
    figure = new_figure(PAGE_WIDTH, 3.0)
    both = panels(figure, len(SHOWN))
    for axes, name in zip(both, SHOWN, strict=True):
        image = _density(axes, flops / 1e6, table.values(name) * 1e3)
        parts = parse(name)
        assert parts is not None
        rho, tau = (of(flops, table.values(name)) for of in (stats.spearman, stats.kendall))
        title = f"{words.part(parts.device)}, {words.runtime(parts.runtime)}"
        axes.set_title(f"{title}\nSpearman {rho.value:.3f}, Kendall {tau.value:.3f}, n = {rho.n:,}")
        axes.set_xlabel("FLOPs [M]")
        axes.set_ylabel("latency [ms]")
        tidy(axes)
        colour_bar(figure, image, axes, "cells")
    return figure


def _density(axes: Axes, flops: np.ndarray, latency: np.ndarray) -> Any:
    """Draw how many cells are at each FLOPs and latency, and the widest range of one FLOPs."""
    known = np.isfinite(latency)
    image = axes.hist2d(
        flops[known], latency[known], bins=(64, 48), norm=LogNorm(), cmap="cividis_r", cmin=1
    )[3]
    image.set_rasterized(True)
    by = pd.Series(latency[known]).groupby(flops[known]).agg(["min", "max"])
    widest = int((by["max"] - by["min"]).to_numpy().argmax())
    at, low, high = (float(of[widest]) for of in (by.index, *by.to_numpy().T))
    axes.annotate(
        "",
        (at, low),
        (at, high),
        arrowprops={
            "arrowstyle": "|-|,widthA=.2,widthB=.2",
            "shrinkA": 0,
            "shrinkB": 0,
            "path_effects": [withStroke(linewidth=2.5, foreground="w")],
        },
    )
    text = f"{at:.0f} MFLOPs take\n{_digits(low)} to {_digits(high)} ms"
    few = at < 0.5 * flops.max()  # there is room high above cells of few FLOPs, and beside others
    y = 0.62 * latency[known].max() if few else low
    axes.text(at + 0.04 * flops.max(), y, text, fontsize=SMALL, va="bottom")
    axes.set_xlim(left=-0.03 * flops.max())
    axes.set_ylim(bottom=-0.04 * latency[known].max())
    return image


def _digits(value: float) -> str:
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"


REPORT = Report(
    title="Fig. 3: FLOPs and latency",
    answers="MONAS (2024), Fig. 3: FLOPs against latency of all cells",
    make=_make,
    group="MONAS",
)
