"""What runtimes cost, and the best that fits a latency or a memory (MCUNet Fig. 4 and 9)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchsuite.api import Report, Result
from benchsuite.reports._common.style import (
    MARKERS,
    PAGE_WIDTH,
    PALETTE,
    legend_above,
    new_figure,
    panels,
    tidy,
)
from benchsuite.reports._common.tables import DEAD, about_accuracy, accuracy, kind
from benchsuite.space.cell import connected
from benchsuite.stats.pareto import sorted_front
from benchsuite.table.table import Table

DEVICE, DATASET = "stm32f746", "cifar10"
# Runtime: its column of latency, that of memory (none: not known).
RUNTIMES = {
    "TensorFlow Lite Micro": ("tflm_cmsis_nn", "tflm"),
    "TinyEngine": ("tinyengine", "tinyengine"),
    "X-CUBE-AI": ("x_cube_ai", ""),
    "own": ("own", "best"),
}
LATENCY, RAM = "latency [ms]", "RAM [KiB]"
# MCUNet, Fig. 4 and section 3.2: TF-Lite Micro or CMSIS-NN over TinyEngine, at most.
PRINTED = (
    ("Fig. 4", LATENCY, "TF-Lite Micro / TinyEngine", 3.0),
    ("Fig. 4", LATENCY, "CMSIS-NN / TinyEngine", 1.6),
    ("abstract", RAM, "TF-Lite Micro and CMSIS-NN / TinyEngine", 3.4),
    ("section 3.2", RAM, "CMSIS-NN / TinyEngine", 2.1),
)
Array = NDArray[np.float64]


def _make(table: Table) -> Result:
    of = costs(table)
    printed = pd.DataFrame(PRINTED, columns=["where", "what", "ratio", "printed"])
    return Result(
        tables={"mcunet_runtimes": _rows(of), "mcunet_runtimes_printed": printed},
        figures={"mcunet_tradeoffs": _figure(table, of)},
        notes=(
            about_accuracy(table),
            f"{DEVICE}, CIFAR-10, one cell per stage, cells with a path: median and ends over "
            "cells; ratio: to TinyEngine's of the same cell, median. Latency is simulated; "
            "TinyEngine's takes TFLM's price for dense convolutions, pooling and additions, so its "
            "printed speed is not tested here. RAM is a convention of each runtime (X-CUBE-AI's "
            "memory is not known). The printed figures are of MobileNets, whose depthwise "
            "convolutions TinyEngine computes in place; TFLM here has CMSIS-NN's kernels, and the "
            "interpreter without them is not in the table.",
            f"Figure: the highest {kind(table)} of cells that need at most so much, up to the best "
            f"cell of all; marks are the cells. {DEAD}.",
        ),
    )


def costs(table: Table) -> dict[str, dict[str, Array]]:
    """Return, by runtime, its known costs of every cell's small network, [15625] each."""
    found: dict[str, dict[str, Array]] = {}
    for name, (runtime, ram) in RUNTIMES.items():
        latency = table.values(f"latency.{DEVICE}.{runtime}.{DATASET}.mcu") * 1e3
        found[name] = {LATENCY: latency}
        if ram:
            found[name][RAM] = table.values(f"ram.{ram}.{DATASET}.mcu") / 1024
    return found


def _rows(of: dict[str, dict[str, Array]]) -> pd.DataFrame:
    alive = connected()
    rows = []
    for what in (LATENCY, RAM):
        for name, known in of.items():
            if what not in known:
                continue
            values, tiny = known[what][alive], of["TinyEngine"][what][alive]
            rows.append(
                {
                    "what": what,
                    "runtime": name,
                    "least": float(values.min()),
                    "median": float(np.median(values)),
                    "most": float(values.max()),
                    "ratio": float(np.median(values / tiny)),
                    "largest ratio": float((values / tiny).max()),
                }
            )
    return pd.DataFrame(rows)


def _figure(table: Table, of: dict[str, dict[str, Array]]) -> Figure:
    figure = new_figure(PAGE_WIDTH, 2.9)
    both = panels(figure, 2, sharey=True)
    error, alive = 100 - accuracy(table, DATASET), connected()
    for axes, what in zip(both, (LATENCY, RAM), strict=True):
        for at, (name, known) in enumerate(of.items()):
            if what not in known:
                axes.plot([], [], color=PALETTE[at], marker=MARKERS[at], markersize=3, label=name)
                continue
            points = np.column_stack([known[what], error])[alive]
            front = points[sorted_front(points)]
            axes.plot(
                front[:, 0],
                100 - front[:, 1],
                drawstyle="steps-post",
                color=PALETTE[at],
                marker=MARKERS[at],
                markersize=3,
                linewidth=1,
                label=name,
            )
        axes.set_xlabel(f"{what}, at most")
        tidy(axes)
    both[0].set_ylabel(f"CIFAR-10 test\n{kind(table)} [%]")
    legend_above(figure, both[0], 4)
    return figure


REPORT = Report(
    title="Fig. 4 and 9: runtimes",
    answers="MCUNet (2020), Fig. 4 and 9: latency and memory of runtimes, and what fits them",
    make=_make,
    group="MCUNet",
)
