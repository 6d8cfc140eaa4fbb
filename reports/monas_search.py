"""MONAS by weight: accuracy against latency and FLOPs, and on the other part (Fig. 5 and 6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchsuite.api import Outcome, Report, Result
from benchsuite.reports._common import monas_claims
from benchsuite.reports._common.monas_searches import (
    ABOUT_TABULAR,
    F746,
    L432,
    LAMBDA,
    LIVE,
    MU,
    RUNTIME,
    STUDIES,
    TABULAR,
    about_live,
    live,
    main,
    of,
    printed,
    searched,
    tabular,
)
from benchsuite.reports._common.quantised import ABOUT_DEPLOYED, SKELETON, Deployed
from benchsuite.reports._common.searches import LEVEL, interval, spelt
from benchsuite.reports._common.style import (
    NAMES,
    PAGE_WIDTH,
    PALETTE,
    SMALL,
    cloud,
    label_points,
    legend_above,
    new_figure,
    panels,
    tidy,
)
from benchsuite.reports._common.tables import about_accuracy, accuracy, kind, milliseconds
from benchsuite.space.cell import all_archs, connected
from benchsuite.table.columns import DATASETS
from benchsuite.table.table import Table

_FLOPS = "MFLOPs"
_MS = {F746: "ms STM32F746", L432: "ms STM32L432"}
# A panel reaches twice as far below the least printed accuracy as the best cell lies above it.
_BELOW = 2.0
_SYMBOLS = {MU: "\N{GREEK SMALL LETTER MU}", LAMBDA: "\N{GREEK SMALL LETTER LAMDA}"}
_SWEEPS = ((F746, MU), (F746, LAMBDA), (L432, MU))


@dataclass(frozen=True)
class _Series:
    """Points of a figure: a weight each, its middle, and where there are seeds all of them.

    at: rows of (weight, x, and an accuracy per dataset); every: the same of all seeds; part: what
    it was searched for, in short.
    """

    name: str
    marker: str
    colour: str
    at: pd.DataFrame
    every: pd.DataFrame | None = None
    part: str = ""


def _make(table: Table, outcomes: Mapping[str, Outcome]) -> Result:
    found = pd.concat([tabular(outcomes), main(live())], ignore_index=True)
    costs, accuracies = zip(*_rows(table, found), strict=True)
    return Result(
        tables={
            "monas_search": pd.DataFrame(costs),
            "monas_search_accuracy": pd.DataFrame(accuracies),
        },
        figures={"monas_fig5": _fig5(table, found), "monas_fig6": _fig6(table, found)},
        notes=(
            about_accuracy(table),
            ABOUT_DEPLOYED,
            ABOUT_TABULAR,
            about_live(main(live())),
            f"The table has means over seeds; lo, hi: {LEVEL}. Printed: the row of the paper's "
            "Table 2 of that part and weight. `none` is pruned on all edges before the search, as "
            "in the authors' code, so every cell found has a path.",
            "In the figures a large dot is the mean of the seeds (small dots) at a weight, the "
            "line goes by weight; triangles that point up: the rows of the paper's Table 2; grey: "
            "all cells with a path. A triangle that points down on the lower "
            "edge of a panel is a point below it.",
            f"Latency: {RUNTIME}, the authors' table per operator; of the STM32L4 a reading of the "
            "four rows they print. The search for a part reads the latencies of that part."
            + f" {monas_claims.BY_FLOPS[0].upper()}{monas_claims.BY_FLOPS[1:]}: searches for it "
            "answer what those by FLOPs do, seed by seed." * monas_claims.by_flops(main(live())),
            *(claim.sentence for claim in claims(table, outcomes)),
        ),
    )


claims = monas_claims.claims


def _rows(table: Table, found: pd.DataFrame) -> Iterator[tuple[dict[str, object], ...]]:
    """Yield for each weight and search two rows: its cell and costs, and its accuracies."""
    theirs = {(one.device, one.weighs, one.weight): one.row for one in printed()}
    for device, weighs in _SWEEPS:
        for weight in searched(found, device, weighs):
            of_row = theirs.get((device, weighs, weight), pd.Series(dtype=float))
            for search, some in of(found, device, weighs, weight).groupby("search", sort=False):
                cells = some["cell"].to_numpy()
                start = {"searched for": device, "weighs": weighs, "weight": weight}
                start |= {"search": search, "n": len(cells)}
                costs = _mean_costs(table, cells, of_row)
                yield start | costs, start | _accuracies(table, cells, of_row)


def _mean_costs(table: Table, cells: np.ndarray, theirs: pd.Series) -> dict[str, object]:
    """Return the cell, if it is one, the costs, means over the cells, and what is printed."""
    alone = len(cells) == 1
    ours = {name: float(values[cells].mean()) for name, values in _costs(table).items()}
    return {
        "index": str(cells[0]) if alone else "-",
        "arch": all_archs()[cells[0]] if alone else "-",
        **ours,
        f"{_FLOPS} printed": theirs.get("mflops", np.nan),
        "ms printed": theirs.get("latency_ms", np.nan),
        **_deployed(table, cells),
    }


def _accuracies(table: Table, cells: np.ndarray, theirs: pd.Series) -> dict[str, object]:
    row: dict[str, object] = {}
    for dataset in DATASETS:
        name = NAMES[dataset]
        ends = interval(accuracy(table, dataset)[cells])
        row |= spelt(f"{name} {kind(table)}", ends, f"{name} lo", f"{name} hi")
        row[f"{name} printed"] = theirs.get(dataset, np.nan)
    return row


def _costs(table: Table) -> dict[str, np.ndarray]:
    return {
        _FLOPS: table.values("cifar10.flops") / 1e6,
        **{name: milliseconds(table, d, RUNTIME, "cifar10", "official") for d, name in _MS.items()},
    }


def _deployed(table: Table, cells: np.ndarray) -> dict[str, object]:
    """Return int8 and float of the same training, the mean over cells, as `Deployed` says them."""
    deployed = Deployed(table)
    rows = pd.DataFrame([deployed.row(int(cell), DATASETS[0], SKELETON) for cell in cells])
    return {
        str(name): float(of_it.mean()) if pd.api.types.is_numeric_dtype(of_it) else of_it.iloc[0]
        for name, of_it in rows.items()
    }


def _fig5(table: Table, found: pd.DataFrame) -> Figure:
    figure = new_figure(PAGE_WIDTH, 5.2)
    axes = panels(figure, 3, 2)
    sweeps = ((MU, _MS[F746], "latency, STM32F746 [ms]"), (LAMBDA, _FLOPS, "FLOPs [M]"))
    drawn = []
    for at, (weighs, cost, label) in enumerate(sweeps):
        series = [
            _searched(table, found, F746, weighs, cost, LIVE, PALETTE[0]),
            _searched(table, found, F746, weighs, cost, TABULAR, PALETTE[1]),
            _printed(table, F746, weighs, cost),
        ]
        _draw(axes[3 * at : 3 * at + 3], table, cost, label, series)
        drawn.append((axes[3 * at : 3 * at + 3], _SYMBOLS[weighs], series))
    return _labelled(figure, drawn)


def _fig6(table: Table, found: pd.DataFrame) -> Figure:
    figure = new_figure(PAGE_WIDTH, 2.9)
    axes, cost = panels(figure, 3), _MS[L432]
    series = [
        _searched(table, found, F746, MU, cost, LIVE, PALETTE[0]),
        _searched(table, found, L432, MU, cost, LIVE, PALETTE[1]),
        _printed(table, L432, MU, cost),
    ]
    _draw(axes, table, cost, "latency, STM32L432 [ms]", series)
    return _labelled(figure, [(axes, _SYMBOLS[MU], series)])


def _searched(
    table: Table,
    found: pd.DataFrame,
    device: str,
    weighs: str,
    cost: str,
    search: str,
    colour: str,
) -> _Series:
    """Return what searches for a part found, by weight."""
    some = found[found["search"] == search]
    by = searched(some, device, weighs)
    cells = pd.concat([of(some, device, weighs, at).assign(weight=at) for at in by])
    points = pd.DataFrame(
        {"weight": cells["weight"], "x": _costs(table)[cost][cells["cell"]]}
        | {d: accuracy(table, d)[cells["cell"]] for d in DATASETS}
    )
    middle = points.groupby("weight", as_index=False).mean()
    part = "F746" if device == F746 else "L4"
    name = f"{search}, searched for the {part}"
    if search == TABULAR:
        return _Series(name, "s", colour, middle)
    return _Series(name, "o", colour, middle, points, part)


def _printed(table: Table, device: str, weighs: str, cost: str) -> _Series:
    """Return the rows that the paper prints of a part."""
    column = "mflops" if cost == _FLOPS else "latency_ms"
    rows = [
        {"weight": one.weight, "x": one.row[column], **{d: one.row[d] for d in DATASETS}}
        for one in printed()
        if one.device == device and weighs in (one.weighs, LAMBDA * (one.weight == 0))
    ]
    return _Series("MONAS' Table 2", "^", PALETTE[2], pd.DataFrame(rows).astype(float))


def _draw(axes: list[Axes], table: Table, cost: str, label: str, series: list[_Series]) -> None:
    costs = _costs(table)[cost]
    for place, dataset in zip(axes, DATASETS, strict=True):
        truth = accuracy(table, dataset)
        cloud(place, costs[connected()], truth[connected()])
        high, least = float(np.nanmax(truth)), float(series[-1].at[dataset].min())
        lowest = min(float(one.at[dataset].min()) for one in series)
        bottom = max(lowest, least - _BELOW * (high - least)) - 0.06 * (high - least)
        for one in series:
            if one.every is not None:
                _points(place, one, one.every, dataset, bottom, dots=True)
            _points(place, one, one.at, dataset, bottom)
        place.set_xlabel(label)
        place.set_ylabel(f"{NAMES[dataset]} test\n{kind(table)} [%]")
        tidy(place)
        place.set_ylim(bottom, high + 0.06 * (high - bottom))
        place.set_xlim(left=-0.03 * np.nanmax(costs))


def _points(
    axes: Axes, one: _Series, at: pd.DataFrame, dataset: str, bottom: float, *, dots: bool = False
) -> None:
    """Draw the points of a series, those below the panel as triangles on its lower edge."""
    below = at[dataset] < bottom
    look: dict[str, Any] = {"color": one.colour, "zorder": 4}
    if dots:
        look |= {"markersize": 4.5, "alpha": 0.6, "zorder": 3}
    elif one.marker == "s":
        look |= {"markersize": 7, "markerfacecolor": "none"}
    else:
        look |= {"markersize": 5.5, "markeredgecolor": "k", "markeredgewidth": 0.5}
    if one.every is not None and not dots:
        axes.plot(at["x"], at[dataset].clip(bottom), "-", color=one.colour, linewidth=0.7, zorder=2)
    marker = "." if dots else one.marker
    label = None if dots else one.name
    axes.plot(at["x"][~below], at[dataset][~below], marker, label=label, **look)
    if below.any():
        edge = np.full(int(below.sum()), bottom)
        axes.plot(at["x"][below], edge, "v", clip_on=False, **look)


def _labelled(figure: Figure, drawn: list[tuple[list[Axes], str, list[_Series]]]) -> Figure:
    """Add the legend, and weights: the paper's in the first panel, ours in a panel per part."""
    legend_above(figure, drawn[0][0][0], 3)
    labelled = []
    for row, symbol, series in drawn:
        live = [one for one in series if one.every is not None]
        for axes, dataset, one in zip(row, DATASETS, (series[-1], *live), strict=False):
            whose = f"live means, {one.part}" if len(live) > 1 else "live means"
            whose = "the paper's points" if one is series[-1] else whose
            axes.set_title(f"labelled: {whose}", fontsize=SMALL)
            labelled.append((axes, dataset, symbol, one, series))
    for axes, dataset, symbol, one, series in labelled:
        points, low = one.at.drop_duplicates(), axes.get_ylim()[0]
        texts = [f"{symbol} = {weight:g}" for weight in points["weight"]]
        drawn_too = pd.concat([other.at for other in series if other is not one])
        others = [drawn_too["x"], drawn_too[dataset].clip(lower=low)]
        y = points[dataset].clip(lower=low)
        label_points(axes, points["x"], y, texts, np.transpose(others))
    return figure


REPORT = Report(
    title="Fig. 5 and 6: searches by weight",
    answers="MONAS (2024), Fig. 5 and 6: accuracy against latency and FLOPs, and portability",
    make=_make,
    group="MONAS",
    studies=(*STUDIES, monas_claims.RIVALS),
)
