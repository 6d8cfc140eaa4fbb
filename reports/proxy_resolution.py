"""What images of 32 instead of 16 pixels change in how well a proxy ranks cells."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchsuite.api import Report, Result
from benchsuite.reports._common import causes, effects, words
from benchsuite.reports._common.effects import BASE, RESAMPLES
from benchsuite.reports._common.style import COLOURS, COLUMN_WIDTH, new_figure, tidy
from benchsuite.reports._common.tables import about_accuracy, accuracy, kind
from benchsuite.table.columns import DATASETS
from benchsuite.table.table import Table

LARGER = "px32"
_SHOWN = {"ntk_cond.k0", "ntk_cond.k2", "linear_regions.n3000"}  # of proxies of many numbers


def _make(table: Table) -> Result:
    rows = pd.DataFrame(_rows(table))
    order = rows[rows["dataset"] == DATASETS[0]].sort_values("change", kind="stable")
    moved = order[(order["lo"] > 0) | (order["hi"] < 0)]
    least, most = int(rows["repeats"].min()), int(rows["repeats"].max())
    repeats = f"{most}" if least == most else f"{least} to {most}"
    return Result(
        tables={"proxy_resolution": rows},
        figures={"proxy_resolution": _figure(order, kind(table))},
        notes=(
            about_accuracy(table),
            "change: mean tau-b of single repeats at 32 px less that at 16 px, images scaled down "
            "by area; weights of a repeat are the same in both. n connected cells drawn at random, "
            f"one of a class; {repeats} repeats. lo, hi: 95 % of {RESAMPLES} resamples of cells "
            f"and repeats together. With test {kind(table)}.",
            f"On CIFAR-10 the interval excludes zero for {len(moved)} of {len(order)} proxies"
            + "".join(
                f"{'; ' if at else ': '}{row.proxy} {row.change:+.3f} "
                f"[{row.lo:+.3f}, {row.hi:+.3f}]"
                for at, row in enumerate(moved.itertuples())
            )
            + ". No correction for their number.",
        ),
    )


def _rows(table: Table) -> list[dict[str, object]]:
    runs = effects.runs("settings")
    rows: list[dict[str, object]] = []
    for setting, proxy in runs.scores:
        if setting != LARGER or (BASE, proxy) not in runs.scores or not _shown(proxy):
            continue
        here, there, cells = causes.pair(table, proxy, LARGER, proxy)
        for dataset in DATASETS:
            truth = accuracy(table, dataset)[cells]
            change = effects.effect(here, there, truth)
            rows.append(
                {
                    "proxy": proxy,
                    "dataset": dataset,
                    "n": change.n,
                    "repeats": min(change.repeats, len(here)),
                    "tau, 16 px": change.before,
                    "tau, 32 px": change.before + change.value,
                    "change": change.value,
                    "lo": change.low,
                    "hi": change.high,
                }
            )
    return rows


def _shown(proxy: str) -> bool:
    family, dot, _ = proxy.partition(".")
    return proxy in _SHOWN or not dot or family == "az_nas"


def _figure(rows: pd.DataFrame, what: str) -> Figure:
    figure = new_figure(COLUMN_WIDTH, 0.9 + 0.17 * len(rows))
    axes = figure.add_subplot()
    at = np.arange(len(rows))
    reach = [rows["change"] - rows["lo"], rows["hi"] - rows["change"]]
    axes.axvline(0, color="k", linewidth=0.8)
    axes.errorbar(
        rows["change"],
        at,
        xerr=reach,
        fmt="o",
        markersize=4,
        linewidth=1,
        capsize=2,
        color=COLOURS["cifar10"],
    )
    axes.set_yticks(at, [words.proxy(name) for name in rows["proxy"]])
    axes.set_xlabel(f"change of Kendall tau-b with\nCIFAR-10 {what},\n16 to 32 px")
    tidy(axes, "x")
    return figure


REPORT = Report(
    title="Proxies: resolution",
    answers="whether images of 32 pixels instead of 16 change how a proxy ranks cells",
    make=_make,
)
