"""Whether proxies still rank what fits a device: tau among the cells that each part can hold."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchsuite import stats
from benchsuite.api import Report, Result
from benchsuite.errors import UserError
from benchsuite.ranking.correlations import functional_classes
from benchsuite.reports._common import words
from benchsuite.reports._common.style import (
    NAMES,
    PAGE_WIDTH,
    SMALL,
    SMALLEST,
    colour_bar,
    heatmap,
    new_figure,
)
from benchsuite.reports._common.tables import (
    FEWER,
    about_accuracy,
    accuracy,
    headline_proxies,
    kind,
    not_shared,
    partial,
    upward,
)
from benchsuite.space.cell import connected
from benchsuite.table.columns import DATASETS, stem
from benchsuite.table.device_columns import DeviceColumn, find
from benchsuite.table.table import Table

SHOWN = "cifar10"


def _make(table: Table) -> Result:
    subsets = {dataset: list(_subsets(table, dataset)) for dataset in DATASETS}
    if not any(subsets.values()):
        raise UserError("The table does not say what fits a device: it has no column `fits.*`.")
    scores = {name: upward(table, name) for name in headline_proxies(table)}
    truths = {dataset: accuracy(table, dataset) for dataset in DATASETS}
    rows = pd.DataFrame(
        {
            "subset": label,
            "cells": int(fits.sum()),
            "functions": _functions(table, fits),
            "proxy": stem(name),
            "dataset": dataset,
            "distinct scores": len(np.unique(score[fits][np.isfinite(score[fits])])),
            "n": (correlation := stats.kendall(score[fits], truth[fits])).n,
            "tau": correlation.value,
        }
        for dataset, truth in truths.items()
        for label, fits, *_ in subsets[dataset]
        for name, score in scores.items()
    )
    return Result(
        tables={
            "proxy_feasible": rows,
            "proxy_feasible_subsets": pd.DataFrame(
                {
                    "dataset": dataset,
                    "subset": label,
                    "cells": int(fits.sum()),
                    "functions": _functions(table, fits),
                    "devices": devices,
                }
                for dataset, of in subsets.items()
                for label, fits, _, devices in of
            ),
        },
        figures={"proxy_feasible": _figure(rows, subsets[SHOWN], kind(table))},
        notes=(
            about_accuracy(table),
            f"tau-b with test {kind(table)} among the connected cells that fit by RAM and flash "
            "(columns `fits.*` of the dataset's own network: official = five cells per stage, mcu "
            f"= one); n: those with a score. {FEWER} "
            "Accuracies are always the official network's. Devices and runtimes that hold the same "
            "cells share a column (+N: so many more, listed in proxy_feasible_subsets). functions: "
            "the different networks among those cells; cells of one network have one score"
            f"{not_shared(table, scores)}, so a tau of few functions rests on as few points. "
            f"The figure shows {NAMES[SHOWN]}, the table all datasets; beside a proxy is how many "
            "distinct scores it has on all connected cells; where those that fit have only one, "
            "none is ranked. Above: cells a stage, how many fit, and of how many functions.",
            "A smaller subset has less spread in accuracy, so a lower tau there need not be the "
            "proxy's fault: compare with `flops` and `params` in the same column.",
        ),
    )


def _subsets(
    table: Table, dataset: str
) -> Iterator[tuple[str, NDArray[np.bool_], DeviceColumn, str]]:
    """Yield label, mask, first and all devices of every different set of cells that fits."""
    by_mask: dict[bytes, tuple[NDArray[np.bool_], list[DeviceColumn]]] = {}
    for parts in find(table.columns, "fits", dataset=dataset):
        mask = (table.values(parts.name) == 1) & connected()
        if not mask.any():
            continue  # none fits for sure
        by_mask.setdefault(mask.tobytes(), (mask, []))[1].append(parts)
    for mask, of in sorted(by_mask.values(), key=lambda entry: -int(entry[0].sum())):
        several = f" +{len(of) - 1}" if len(of) > 1 else ""
        label = f"{of[0].device} {of[0].skeleton}, {of[0].runtime}{several}"
        if mask.sum() == connected().sum():
            label = "all connected cells"
        yield label, mask, of[0], ", ".join(f"{p.device}.{p.runtime}.{p.skeleton}" for p in of)


def _functions(table: Table, fits: NDArray[np.bool_]) -> int:
    return len(np.unique(functional_classes(table)[fits]))


def _figure(
    rows: pd.DataFrame, subsets: list[tuple[str, NDArray[np.bool_], DeviceColumn, str]], what: str
) -> Figure:
    of = rows[rows["dataset"] == SHOWN]
    wide, distinct = (
        of.pivot_table(index="proxy", columns="subset", values=name, sort=False, dropna=False)
        for name in ("tau", "distinct scores")
    )
    order = wide.mean(axis=1).sort_values(ascending=False, kind="stable").index
    labels = [label for label, *_ in subsets]
    figure = new_figure(PAGE_WIDTH, 1.8 + 0.17 * len(order))
    axes = figure.add_subplot()
    of_all = distinct.loc[order].max(axis=1)
    names = words.starred(of_all.index, partial(of.groupby("proxy")["n"].max()))
    rows_shown = [f"{name} ({n:,.0f})" for name, n in zip(names, of_all, strict=True)]
    functions = of.drop_duplicates("subset").set_index("subset")["functions"]
    texts = [_short(fits, part, functions[label]) for label, fits, part, _ in subsets]
    values = wide.loc[order, labels].to_numpy()
    image = heatmap(axes, values, rows_shown, texts)
    axes.xaxis.tick_top()
    axes.tick_params(axis="x", labelrotation=0, labelsize=SMALLEST, length=0)
    for i, j in np.argwhere(~np.isfinite(values)):
        note = axes.text(j, i, "one score", ha="center", va="center", fontsize=6)
        note.set_in_layout(False)
    axes.set_ylabel("proxy (distinct scores)", fontsize=SMALL)
    text = f"Kendall tau-b with {NAMES[SHOWN]} test {what}"
    colour_bar(figure, image, axes, text, location="bottom")
    return figure


def _short(fits: NDArray[np.bool_], of: DeviceColumn, functions: int) -> str:
    """Return part, runtime, network and number of cells and functions, a line each."""
    cells = f"{int(fits.sum()):,}\n({functions:,})"
    if fits.sum() == connected().sum():
        return f"all cells\nwith a path\n{cells}"
    runtime = words.runtime(of.runtime).replace(", ", "\n").replace(" ", "\n")
    each = f"{of.network.cells_per_stage} a stage"
    return f"{words.part(of.device)}\n{runtime}\n{each}\n{cells}"


REPORT = Report(
    title="Proxies: what fits a device",
    answers="whether a proxy still ranks the cells that a part can hold",
    make=_make,
)
