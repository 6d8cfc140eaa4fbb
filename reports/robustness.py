"""Accuracy under attack against clean accuracy, size, FLOPs and latency; the best trade-offs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchsuite import stats
from benchsuite.api import Report, Result
from benchsuite.errors import UserError
from benchsuite.parallel.cores import cores
from benchsuite.ranking.correlations import functional_classes
from benchsuite.ranking.truths import about, column_of
from benchsuite.reports._common.attacked import DATASET, Attack, about_left_out, attacks
from benchsuite.reports._common.style import (
    COLUMN_WIDTH,
    PALETTE,
    cloud,
    legend_above,
    new_figure,
    panels,
    tidy,
)
from benchsuite.space.cell import all_archs, connected
from benchsuite.space.equivalence import classes
from benchsuite.stats.intervals import FEWEST_RESAMPLES
from benchsuite.stats.pareto import sorted_front
from benchsuite.table.device_columns import find
from benchsuite.table.table import Table

FRONTS = ("robust.fgsm.1", "robust.pgd.1")
_SAID = ("robust.fgsm.1", "robust.pgd.1", "robust.apgd.1", "robust.square.1")
_LATENCY, _CLEAN = "latency", "clean accuracy"
STRUCTURES = len(np.unique(classes("unique_string")))
Array = NDArray[np.float64]


def _make(table: Table) -> Result:
    given = attacks(table)
    if not given:
        raise UserError(
            "The table holds no accuracy under attack: `benchsuite fetch` brings the file "
            "robustness_targets.csv."
        )
    clean = table.values(column_of(table, "best", DATASET))
    what = about(table, "best", [DATASET])
    of = {attack.truth: attack for attack in given if attack.ranks}
    costs = dict(_costs(table))
    rows = pd.DataFrame(_taus(table, of, clean, costs))
    fronts = {truth: _front(clean, of[truth].accuracy) for truth in FRONTS if truth in of}
    return Result(
        tables={
            "robustness": rows,
            "robustness_fronts": pd.DataFrame(_front_rows(of, clean, costs, fronts)),
        },
        figures={"robustness": _figure(of, clean, fronts)},
        notes=(
            "CIFAR-10 test accuracy under attacks that change each pixel by at most so many 1/255 "
            f"(L-infinity), one training of each of the {STRUCTURES:,} structures that differ; "
            "cells alike in structure have copies of it. tau-b with clean accuracy, and among the "
            "cells with an input-output path with costs, of which more is more (latency: one part "
            f"per runtime); lo and hi hold 95 % of {FEWEST_RESAMPLES:,} resamples of functional "
            "classes, whose cells are drawn together, copies with them.",
            f"Clean accuracy: {what}; another training than the attacked one.",
            about_left_out(given),
            *_of_clean(rows),
            "robustness_fronts and figure: cells with an input-output path, of which none is at "
            "least as good in clean accuracy and under the attack and better in one; of equal "
            "cells the lowest index stands for all.",
        ),
    )


def _costs(table: Table) -> Iterator[tuple[str, Array]]:
    """Yield what robust accuracies are compared with besides clean accuracy [15625]."""
    for name in ("params", "flops"):
        yield name, table.values(f"{DATASET}.{name}")
    seen = set()
    for parts in find(table.columns, _LATENCY, dataset=DATASET, skeleton="official"):
        if table.columns[parts.name].kind == "device" and parts.runtime not in seen:
            seen.add(parts.runtime)
            yield f"{_LATENCY} {parts.device} {parts.runtime}", table.values(parts.name)


def _taus(
    table: Table, of: dict[str, Attack], clean: Array, costs: dict[str, Array]
) -> Iterator[dict[str, object]]:
    """Yield tau-b with every attack; over all cells with clean accuracy alone."""
    shown = {_CLEAN: clean, **costs}
    paths, of_class = connected(), functional_classes(table)
    for label, cells, names in (
        ("all", np.ones(len(paths), dtype=bool), [_CLEAN]),
        ("with a path", paths, list(shown)),
    ):
        resampled = stats.kendall_bootstrap(
            [shown[name][cells] for name in names],
            [attack.accuracy[cells] for attack in of.values()],
            np.random.default_rng(0),
            groups=of_class[cells],
            resamples=FEWEST_RESAMPLES,
            threads=cores(),
        )
        low, high = resampled.interval()
        for a, attack in enumerate(of.values()):
            for b, name in enumerate(names):
                yield {
                    "attack": attack.label,
                    "truth": attack.truth,
                    "cells": label,
                    "with": name,
                    "n": int(cells.sum()),
                    "classes": int(resampled.units[b, a]),
                    "mean under attack": float(attack.accuracy[cells].mean()),
                    "tau": float(resampled.value[b, a]),
                    "lo": float(low[b, a]),
                    "hi": float(high[b, a]),
                }


def _of_clean(rows: pd.DataFrame) -> Iterator[str]:
    for label, what in (("all", "all cells"), ("with a path", "cells with an input-output path")):
        of = rows[(rows["with"] == _CLEAN) & (rows["cells"] == label)]
        said = (
            f"{row['attack']} {row['tau']:.3f} [{row['lo']:.3f}, {row['hi']:.3f}]"
            for row in of.to_dict("records")
            if row["truth"] in _SAID
        )
        yield f"tau with clean accuracy over {what}: {', '.join(said) or 'none'}."


def _front(clean: Array, robust: Array) -> NDArray[np.int64]:
    """Return the cells [F] of which none is better in both, the most accurate first."""
    cells = np.flatnonzero(connected() & np.isfinite(clean) & np.isfinite(robust))
    return np.asarray(cells[sorted_front(-np.column_stack([clean, robust])[cells])])


def _front_rows(
    of: dict[str, Attack],
    clean: Array,
    costs: dict[str, Array],
    fronts: dict[str, NDArray[np.int64]],
) -> Iterator[dict[str, object]]:
    latency = next((name for name in costs if name.startswith(_LATENCY)), None)
    for truth, front in fronts.items():
        for cell in front:
            yield {
                "attack": of[truth].label,
                "index": int(cell),
                "arch": all_archs()[cell],
                "clean accuracy": clean[cell],
                "under attack": of[truth].accuracy[cell],
                "params": int(costs["params"][cell]),
                "flops": int(costs["flops"][cell]),
                **({f"{latency} [ms]": 1e3 * costs[latency][cell]} if latency else {}),
            }


def _figure(of: dict[str, Attack], clean: Array, fronts: dict[str, NDArray[np.int64]]) -> Figure:
    figure = new_figure(COLUMN_WIDTH, 2.0 * max(1, len(fronts)))
    all_axes = panels(figure, 1, max(1, len(fronts)), sharex=True)
    for axes, (truth, front) in zip(all_axes, fronts.items(), strict=False):
        robust = of[truth].accuracy
        cloud(axes, clean[connected()], robust[connected()], "#888888")
        axes.plot(
            clean[front],
            robust[front],
            marker="o",
            markersize=2.5,
            linewidth=1,
            drawstyle="steps-post",
            color=PALETTE[1],
            label="no cell is better in both",
            zorder=3,
        )
        axes.set_title(f"{of[truth].label}/255, CIFAR-10")
        axes.set_ylabel("under attack [%]")
        tidy(axes)
    all_axes[-1].set_xlabel("clean accuracy [%]")
    legend_above(figure, all_axes[0], 1)
    return figure


REPORT = Report(
    title="Robustness",
    answers="whether accuracy under attack follows clean accuracy, size, FLOPs or latency",
    make=_make,
)
