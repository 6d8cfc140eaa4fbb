"""MONAS by weight: accuracy against latency and FLOPs, and on the other part (Fig. 5 and 6)."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchsuite.api import Entry, Outcome, Report, Result
from benchsuite.reports._common.quantised import ABOUT_DEPLOYED, SKELETON, Deployed
from benchsuite.reports._common.searches import Claim
from benchsuite.reports._common.style import (
    NAMES,
    PAGE_WIDTH,
    PALETTE,
    cloud,
    label_points,
    legend_above,
    new_figure,
    panels,
    tidy,
)
from benchsuite.reports._common.tables import (
    DEAD,
    about_accuracy,
    accuracy,
    kind,
    milliseconds,
    published,
)
from benchsuite.reports._common.verdicts import not_here
from benchsuite.space.cell import all_archs, connected
from benchsuite.stats.pareto import dominated
from benchsuite.table.columns import DATASETS
from benchsuite.table.table import Table

F746, L432, RUNTIME = "stm32f746", "stm32l432", "monas2024"
_FLOPS = "MFLOPs"
ONE_RUN = "one run a weight on the table's scores, n = 1; the paper's search draws its networks"
_MS = {F746: "ms STM32F746", L432: "ms STM32L432"}


def _make(table: Table, outcomes: Mapping[str, Outcome]) -> Result:
    rows = _rows(table, outcomes)
    return Result(
        tables={"monas_search": rows},
        figures={"monas_fig5": _fig5(table, rows), "monas_fig6": _fig6(table, rows)},
        notes=(
            about_accuracy(table),
            ABOUT_DEPLOYED,
            "MONAS' algorithm 2 on the table's NTK condition numbers and linear regions (means "
            "over the cells left, where the paper measures the pruned supernet). On a table it is "
            f"deterministic: one run per weight, n is 1, so no claim is judged by it. {DEAD}.",
            "keeps a path: an operator without which no path would be left is passed over; not the "
            "paper's rule. Printed: the row of the paper's Table 2 of that part and weight. Labels "
            "in the figures are weights; grey: all cells with a path.",
            f"Latency: {RUNTIME}, the authors' table per operator; of the STM32L4 a reading of the "
            "four rows they print.",
            *(claim.sentence for claim in claims(table, outcomes)),
        ),
    )


def claims(table: Table, outcomes: Mapping[str, Outcome]) -> list[Claim]:
    """Return what MONAS says of its searches, and what the replays say."""
    rows = _rows(table, outcomes)
    return [_has_path(rows), _degradation(rows, table), _portability(rows), _same_flops(table)]


def _rows(table: Table, outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    printed = published("monas")
    return pd.DataFrame(
        _row(table, entry, outcome.runs, printed)
        for outcome in (outcomes["monas_mu"], outcomes["monas_lambda"])
        for entry in outcome.study.searches
    )


def _row(
    table: Table, entry: Entry, runs: pd.DataFrame, printed: pd.DataFrame
) -> dict[str, object]:
    weighed = "lambda" if "lambda_" in entry.parameters else "mu"
    weight = float(entry.parameters.get("lambda_", entry.parameters.get("mu", 0)))
    cell = int(runs.loc[runs["search"] == entry.label, "cell"].iloc[0])
    theirs = [weighed in weights(m) and weight in weights(m)[weighed] for m in printed["method"]]
    of = printed[np.array(theirs) & (printed["device"] == entry.setting.device)]
    row: dict[str, object] = {
        "searched for": entry.setting.device,
        "weighs": weighed,
        "weight": weight,
        "keeps a path": "yes" if entry.parameters.get("keep_path") else "no",
        "index": cell,
        "arch": all_archs()[cell],
        "path": "yes" if connected()[cell] else "no",
        _FLOPS: table.values("cifar10.flops")[cell] / 1e6,
    }
    for device, name in _MS.items():
        row[name] = milliseconds(table, device, RUNTIME, "cifar10", "official")[cell]
    for dataset in DATASETS:
        row[f"{NAMES[dataset]} {kind(table)}"] = accuracy(table, dataset)[cell]
    row |= Deployed(table).row(cell, DATASETS[0], SKELETON)
    for name, column in {
        _FLOPS: "mflops",
        "ms": "latency_ms",
        **{NAMES[d]: d for d in DATASETS},
    }.items():
        row[f"{name} printed"] = float(of[column].iloc[0]) if len(of) else np.nan
    return row


def weights(method: str) -> dict[str, list[float]]:
    """Return the weights that a printed row is of: its name says `mu=0.5/0.6`, or `baseline`."""
    if method == "MONAS baseline":
        return {"mu": [0.0], "lambda": [0.0]}
    match = re.match(r"MONAS (mu|lambda)=([][\d./,]+)$", method)
    return {match[1]: [float(n) for n in re.findall(r"[\d.]+", match[2])]} if match else {}


def _accuracies(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the three columns of accuracies found, not printed."""
    return rows[[c for c in rows if str(c).endswith("accuracy")]]


def _has_path(rows: pd.DataFrame) -> Claim:
    plain = rows[rows["keeps a path"] == "no"]
    lost = int((plain["path"] == "no").sum())
    return Claim(
        "MONAS",
        "Algorithm 2",
        "the search ends in a cell that can be deployed",
        f"as printed, {lost} of {len(plain)} searches end in a cell without an input-output path",
        not_here(ONE_RUN),
    )


def _degradation(rows: pd.DataFrame, table: Table) -> Claim:
    """Weighing latency: what it costs in accuracy, beside the largest loss that Table 2 prints."""
    of = rows[
        (rows["searched for"] == F746) & (rows["weighs"] == "mu") & (rows["keeps a path"] == "yes")
    ]
    free, weighed = of[of["weight"] == 0].iloc[0], of[of["weight"] > 0]
    name = f"CIFAR-10 {kind(table)}"
    losses = free[name] - weighed[name]
    gains = free[_MS[F746]] / weighed[_MS[F746]]
    theirs = of["CIFAR-10 printed"]
    allowed = theirs.iloc[0] - theirs.min()
    faster = free["ms printed"] / of["ms printed"].min()
    return Claim(
        "MONAS",
        "Fig. 5",
        "weighing latency finds faster cells with minimal loss of accuracy (its largest on "
        f"CIFAR-10 is {allowed:.2f} points, {faster:.2f}x faster)",
        f"keeping a path, the cells are {gains.min():.2f}x to {gains.max():.2f}x faster than with "
        f"mu = 0 and lose {losses.min():.2f} to {losses.max():.2f} points",
        not_here(ONE_RUN),
    )


def _portability(rows: pd.DataFrame) -> Claim:
    """On the STM32L4: cells searched for it against those searched for the STM32F7."""
    mu = rows[(rows["weighs"] == "mu") & (rows["keeps a path"] == "yes")]
    own, other = (
        _points(mu[mu["searched for"] == device].drop_duplicates("index"))
        for device in (L432, F746)
    )
    beaten, beats = (int(one.sum()) for one in (dominated(other, own), dominated(own, other)))
    return Claim(
        "MONAS",
        "Fig. 6",
        "cells searched for the STM32F7 do well on the STM32L4; those searched for it do best",
        f"on the L4, {beaten} of {len(other)} cells searched for the F7 are dominated in latency "
        f"and mean accuracy by cells searched for the L4, {beats} of {len(own)} the other way "
        f"round; "
        f"{len({tuple(p) for p in own} & {tuple(p) for p in other})} cells are in both sets",
        not_here(ONE_RUN),
    )


def _points(rows: pd.DataFrame) -> np.ndarray:
    return np.column_stack([rows[_MS[L432]], -_accuracies(rows).mean(axis=1)])


def _same_flops(table: Table) -> Claim:
    """Cells of equal FLOPs and parameters: how far their latencies on the STM32L4 are apart."""
    groups = pd.DataFrame(
        {
            "flops": table.values("cifar10.flops"),
            "params": table.values("cifar10.params"),
            "ms": milliseconds(table, L432, RUNTIME, "cifar10", "official"),
        }
    ).groupby(["flops", "params"])["ms"]
    ratio = groups.max() / groups.min()
    printed = published("monas").set_index(["device", "method"])["latency_ms"]
    theirs = printed[L432, "MONAS mu=0.85"] / printed[L432, "MONAS mu=0.88"]
    return Claim(
        "MONAS",
        "section 4.2.2",
        f"cells with equal FLOPs and parameters differ in latency (mu = 0.85, 0.88: {theirs:.2f}x)",
        f"in {int((ratio > 1).sum())} of {len(ratio)} groups of cells with equal FLOPs and "
        f"parameters latencies on the L4 differ, the median group by {ratio.median():.2f}x",
        not_here("latencies of the L4 are read from the printed rows that the claim is of"),
    )


def _fig5(table: Table, rows: pd.DataFrame) -> Figure:
    of = rows[rows["searched for"] == F746]
    figure = new_figure(PAGE_WIDTH, 4.6)
    axes = panels(figure, 3, 2)
    costs = (
        (_MS[F746], "mu", "ms", "latency, STM32F746 [ms]"),
        (_FLOPS, "lambda", _FLOPS, "FLOPs [M]"),
    )
    drawn: list[tuple[Axes, Mapping[str, pd.DataFrame]]] = []
    for at, (cost, weighed, printed, label) in enumerate(costs):
        mine = of[of["weighs"] == weighed]
        series = {
            "as printed": _curve(mine[mine["keeps a path"] == "no"], cost),
            "keeping a path": _curve(mine[mine["keeps a path"] == "yes"], cost),
            "MONAS' Table 2": _printed(mine, printed),
        }
        drawn.append((axes[3 * at], series))
        _draw(axes[3 * at : 3 * at + 3], table, cost, label, series)
    return _labelled(figure, drawn)


def _fig6(table: Table, rows: pd.DataFrame) -> Figure:
    of = rows[(rows["weighs"] == "mu") & (rows["keeps a path"] == "yes")]
    figure = new_figure(PAGE_WIDTH, 2.5)
    axes = panels(figure, 3)
    series = {
        "searched for the F746": _curve(of[of["searched for"] == F746], _MS[L432]),
        "searched for the L4": _curve(of[of["searched for"] == L432], _MS[L432]),
        "MONAS' Table 2": _printed(of[of["searched for"] == L432], "ms"),
    }
    _draw(axes, table, _MS[L432], "latency, STM32L432 [ms]", series)
    return _labelled(figure, [(axes[0], series)])


def _curve(rows: pd.DataFrame, cost: str) -> pd.DataFrame:
    rows = rows[rows["path"] == "yes"]
    return pd.DataFrame(
        {"weight": rows["weight"], "x": rows[cost]}
        | {d: c for d, (_, c) in zip(DATASETS, _accuracies(rows).items(), strict=True)}
    )


def _printed(rows: pd.DataFrame, cost: str) -> pd.DataFrame:
    rows = rows.dropna(subset=f"{cost} printed").drop_duplicates("weight")
    return pd.DataFrame(
        {"weight": rows["weight"], "x": rows[f"{cost} printed"]}
        | {d: rows[f"{NAMES[d]} printed"] for d in DATASETS}
    )


def _draw(
    axes: list[Axes], table: Table, cost: str, label: str, series: Mapping[str, pd.DataFrame]
) -> None:
    costs = {
        _FLOPS: table.values("cifar10.flops") / 1e6,
        **{name: milliseconds(table, d, RUNTIME, "cifar10", "official") for d, name in _MS.items()},
    }[cost]
    for place, dataset in zip(axes, DATASETS, strict=True):
        truth = accuracy(table, dataset)
        cloud(place, costs[connected()], truth[connected()])
        for (name, points), marker, colour in zip(series.items(), "os^", PALETTE, strict=False):
            place.plot(
                points["x"],
                points[dataset],
                marker,
                markersize=7 if marker == "s" else 4,
                markerfacecolor="none" if marker == "s" else colour,
                markeredgecolor=colour,
                label=name,
                zorder=4 if marker == "o" else 3,
            )
        place.set_xlabel(label)
        place.set_ylabel(f"{NAMES[dataset]} test\n{kind(table)} [%]")
        tidy(place)
        every = pd.concat(series.values())
        low, high = every[dataset].min(), np.nanmax(truth)
        place.set_ylim(low - 0.12 * (high - low), high + 0.08 * (high - low))
        place.set_xlim(left=-0.03 * np.nanmax(costs))


def _labelled(figure: Figure, drawn: list[tuple[Axes, Mapping[str, pd.DataFrame]]]) -> Figure:
    """Add the legend, and weights beside the points of the first panel of each row."""
    legend_above(figure, drawn[0][0], 3)
    for axes, series in drawn:
        of = pd.concat(series.values()).drop_duplicates()
        label_points(axes, of["x"], of[DATASETS[0]], [f"{weight:g}" for weight in of["weight"]])
    return figure


REPORT = Report(
    title="Fig. 5 and 6: searches by weight",
    answers="MONAS (2024), Fig. 5 and 6: accuracy against latency and FLOPs, and portability",
    make=_make,
    group="MONAS",
    studies=("monas_mu", "monas_lambda"),
)
