"""Which deployments MONAS' printed milliseconds are compatible with: cells, channels, pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchsuite.api import Report, Result
from benchsuite.errors import UserError
from benchsuite.reports._common import words
from benchsuite.reports._common.style import (
    MARKERS,
    PAGE_WIDTH,
    PALETTE,
    legend_above,
    new_figure,
    panels,
    tidy,
)
from benchsuite.table.table import Table

_SERIES = {
    "official_predicted": "5 cells, 16 channels, 32 px, TFLM",
    "official_least": "5 cells at 2 MACs a cycle",
    "mcu_predicted": "1 cell, 16 channels, 32 px, TFLM",
    "mcu_least": "1 cell at 2 MACs a cycle",
}
_NEAREST = (
    *("part", "runtime", "scope", "times", "compatible"),
    *("cells_per_stage", "channels", "resolution", "worst", "ratio_min", "ratio_max"),
)
_COLUMNS = {
    **{name: name for name in ("part", "row", "known", "3x3", "1x1", "pool", "skip", "index")},
    "milliseconds": "printed [ms]",
    "official_mmacs": "official MMACs",
    "official_least": "official least [ms]",
    "official_predicted": "official TFLM [ms]",
    "mcu_mmacs": "mcu MMACs",
    "mcu_least": "mcu least [ms]",
    "mcu_predicted": "mcu TFLM [ms]",
    "nearest_1": "nearest to printed [ms]",
    "nearest_10": "nearest to ten times [ms]",
}
_CLOCK = {"stm32f746": "216 MHz", "stm32l432": "80 MHz"}


def _make(table: Table) -> Result:
    about = table.provenance.get("joined", {}).get("devices", {}).get("monas_deployment")
    if about is None:
        raise UserError(
            "This table holds no analysis of MONAS' deployments; `benchsuite table` writes one "
            "that does."
        )
    rows = pd.DataFrame(about["rows"])
    return Result(
        tables={
            "monas_deployment": pd.DataFrame(about["nearest"])[list(_NEAREST)],
            "monas_deployment_rows": _shown(rows),
        },
        figures={"monas_deployment": _figure(rows)},
        notes=(
            f"{about['deployments']} deployments (cells per stage, channels, resolution) under "
            f"every modelled runtime; compatible: within {about['tolerance']:.0%} of every row "
            "whose operators are known; worst: the largest factor between predicted and printed. "
            "times 1: as printed; 10: the sum over the authors' own table, of which the printed "
            "is a tenth. scope cells: without stem, residual blocks and classifier.",
            "index: the first cell in official order with the row's operators, all of them live. "
            "The printed sums count operators, on no path too, so that a row stands for all cells "
            "with its operators; the cell that its accuracies and FLOPs name in monas_table2 may "
            "be another, with fewer of them live, and of another latency once deployed.",
            _bound(rows),
            "least [ms]: multiply-accumulates at two per cycle, more than a Cortex-M can do. "
            "Rows not known: operators without a convolution were read off the nearest accuracies. "
            "Of the STM32L432 two rows are known, which leaves more deployments open. No accuracy "
            "enters.",
        ),
    )


def _bound(rows: pd.DataFrame) -> str:
    """Say how often a printed latency is below what the part can do at the very most."""
    parts = []
    for label, cells in (("official", "five cells per stage"), ("mcu", "one")):
        for times, what in ((1, "as printed"), (10, "times ten")):
            below = int((times * rows["milliseconds"] < rows[f"{label}_least"]).sum())
            parts.append(f"{cells}, {what}: {below} of {len(rows)}")
    return "Rows faster than two multiply-accumulates per cycle allow: " + "; ".join(parts) + "."


def _shown(rows: pd.DataFrame) -> pd.DataFrame:
    counts = np.array(rows["counts"].tolist())
    operators = {op: counts[:, at] for at, op in enumerate(("3x3", "1x1", "pool", "skip"))}
    return rows.assign(**operators)[list(_COLUMNS)].rename(columns=_COLUMNS)


def _figure(rows: pd.DataFrame) -> Figure:
    figure = new_figure(PAGE_WIDTH, 3.2)
    parts = list(dict.fromkeys(rows["part"]))
    all_axes = panels(figure, len(parts))
    for axes, part in zip(all_axes, parts, strict=True):
        of = rows[(rows["part"] == part) & rows["known"]]
        printed = of["milliseconds"].to_numpy(dtype=float)
        ends = np.array([0.8 * printed.min(), 1.25 * printed.max()])
        axes.plot(ends, ends, "k-", linewidth=0.9, label="as printed")
        axes.plot(ends, 10 * ends, "k--", linewidth=0.9, label="the authors' sum (times 10)")
        for at, (column, label) in enumerate(_SERIES.items()):
            axes.plot(printed, of[column], **_look(at), label=label)
        axes.set_xscale("log")
        axes.set_yscale("log")
        shown = [tick for tick in (10, 20, 40, 80, 160) if ends[0] <= tick <= ends[1]]
        axes.set_xticks(shown, [str(tick) for tick in shown])
        axes.set_xticks([], minor=True)
        axes.set_title(f"{words.part(part)}, {_CLOCK[part]}")
        axes.set_xlabel("printed latency [ms]")
        tidy(axes)
    all_axes[0].set_ylabel("latency of the deployment [ms]")
    legend_above(figure, all_axes[0], 2)
    return figure


def _look(at: int) -> dict[str, Any]:
    """Return the style of a series: one colour per deployment, bounds hollow."""
    colour, bound = PALETTE[at // 2], at % 2 == 1
    return {
        "marker": MARKERS[at // 2],
        "linestyle": "none",
        "color": colour,
        "markerfacecolor": "none" if bound else colour,
        "markersize": 4,
    }


REPORT = Report(
    title="Table 2: which deployment its latencies allow",
    answers="MONAS (2024), Table 2: cells, channels and resolution its milliseconds allow",
    make=_make,
    group="MONAS",
)
