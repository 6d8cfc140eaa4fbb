"""Accuracy against the joules of one image, per part and over all parts of known power."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchsuite.api import Report, Result
from benchsuite.errors import UserError
from benchsuite.reports._common import words
from benchsuite.reports._common.fronts import Cost, front_of
from benchsuite.reports._common.style import (
    MARKERS,
    NAMES,
    PAGE_WIDTH,
    PALETTE,
    legend_above,
    new_figure,
    panels,
    tidy,
)
from benchsuite.reports._common.tables import (
    ABOUT_ALIKE,
    ALIKE,
    DEAD,
    about_accuracy,
    accuracy,
    alike,
    derived,
    kind,
)
from benchsuite.space.cell import all_archs
from benchsuite.stats.pareto import sorted_front
from benchsuite.table.columns import DATASETS
from benchsuite.table.device_columns import DeviceColumn, find
from benchsuite.table.table import Table

Array = NDArray[np.float64]
_SHOWN = "x_cube_ai"
_ERROR = "energy_error"


@dataclass(frozen=True)
class Part:
    """A part under one runtime, with the energy [mJ] of its cells and which of them fit.

    error: mean error of energies predicted so of the networks measured on that set-up, NaN of none.
    """

    device: str
    runtime: str
    cost: Cost
    source: str
    error: float


def _parts(table: Table, dataset: str) -> list[Part]:
    found = []
    for parts in find(table.columns, "energy", dataset=dataset, skeleton="official"):
        millijoules = table.values(parts.name) * 1e3
        fits = np.isfinite(millijoules)
        if (name := replace(parts, what="fits").name) in table.columns:
            fits &= table.values(name) == 1
        source = table.columns[parts.name].source
        cost = Cost(millijoules, fits, "mJ")
        found.append(Part(parts.device, parts.runtime, cost, source, _error(table, parts)))
    return found


def _error(table: Table, parts: DeviceColumn) -> float:
    """Return the error of energies on a part's set-up: that of the measured ones with its power."""
    joules, seconds = (
        table.values(replace(parts, what=what).name) for what in ("energy", "latency")
    )
    watts = float(np.nanmedian(joules / seconds))
    setups = table.provenance.get("joined", {}).get("devices", {}).get("power", [])
    same = [one["energy_error"] for one in setups if np.isclose(one["watts"], watts, rtol=1e-6)]
    return float("nan") if not same or same[0] is None else float(same[0])


def _make(table: Table) -> Result:
    parts = {dataset: _parts(table, dataset) for dataset in DATASETS}
    if not any(parts.values()):
        raise UserError("This table has no energy: no device of it names the power it draws.")
    what = kind(table)
    truths = {dataset: accuracy(table, dataset) for dataset in DATASETS}
    rows, shared = [], []
    for dataset, of in parts.items():
        for part in of:
            rows += [
                _row(table, part, dataset, int(cell), truths[dataset], what)
                for cell in front_of(part.cost, truths[dataset])
            ]
        shared += _over_parts(table, of, dataset, truths[dataset], what)
    powers = sorted({f"{part.device}: {part.source}" for of in parts.values() for part in of})
    return Result(
        tables={
            "device_energy": pd.DataFrame(shared),
            "device_energy_parts": pd.DataFrame(rows),
        },
        figures={"device_energy": _figure(parts, truths, what)},
        notes=(
            about_accuracy(table),
            f"Fronts of test {what} against the energy of one image, over the cells that fit; "
            "official network of each dataset. device_energy: over all parts and runtimes at once; "
            f"device_energy_parts: each by itself. {DEAD}. Of equal points the lowest index and "
            f"the first part. {ABOUT_ALIKE}",
            "Energy is predicted latency times the mean power of one set-up, so that on one part "
            "its front is that of latency; between parts it is not. How far power carries from "
            "model to model, and predicted latency times power from measured energy, is in "
            f"device_validation_energy; {_ERROR}: the latter of the part's own set-up, mean of "
            "|predicted - measured| / measured over the networks of which both are known. A part "
            "whose power nobody measured is not here.",
            f"Power: {'; '.join(powers)}.",
        ),
    )


def _over_parts(
    table: Table, of: list[Part], dataset: str, truth: Array, what: str
) -> list[dict[str, object]]:
    """Return the front over the cells of all parts together."""
    points, owners = [], []
    for at, part in enumerate(of):
        cells = front_of(part.cost, truth)
        points.append(np.column_stack([part.cost.values[cells], -truth[cells]]))
        owners += [(at, int(cell)) for cell in cells]
    if not owners:
        return []
    front = sorted_front(np.concatenate(points))
    return [_row(table, of[owners[i][0]], dataset, owners[i][1], truth, what) for i in front]


def _row(
    table: Table, part: Part, dataset: str, cell: int, truth: Array, what: str
) -> dict[str, object]:
    return {
        "dataset": dataset,
        "device": part.device,
        "runtime": part.runtime,
        "index": cell,
        "arch": all_archs()[cell],
        "mJ": part.cost.values[cell],
        _ERROR: part.error,
        f"test {what}": truth[cell],
        derived(table, ALIKE): alike(table, truth, cell),
    }


def _figure(parts: dict[str, list[Part]], truths: dict[str, Array], what: str) -> Figure:
    figure = new_figure(PAGE_WIDTH, 3.0)
    all_axes = panels(figure, len(DATASETS), 1)
    for axes, dataset in zip(all_axes, DATASETS, strict=True):
        shown = [part for part in parts[dataset] if part.runtime == _SHOWN] or parts[dataset]
        for part, colour, marker in zip(shown, PALETTE, MARKERS, strict=False):
            front = front_of(part.cost, truths[dataset])
            axes.plot(
                part.cost.values[front],
                truths[dataset][front],
                marker=marker,
                markersize=2.5,
                linewidth=1,
                drawstyle="steps-post",
                color=colour,
                label=f"{words.part(part.device)}, {words.runtime(part.runtime)}",
            )
        axes.set_xscale("log")
        axes.set_title(NAMES[dataset])
        axes.set_xlabel("energy [mJ]")
        tidy(axes)
    all_axes[0].set_ylabel(f"test {what} [%]")
    legend_above(figure, all_axes[0], 3)
    return figure


REPORT = Report(
    title="Accuracy against energy",
    answers="what accuracy a millijoule can buy, and on which part",
    make=_make,
)
