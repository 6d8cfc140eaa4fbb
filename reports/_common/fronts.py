"""Costs that fronts of accuracy are drawn against, and the fronts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchsuite.reports._common import words
from benchsuite.space.cell import connected
from benchsuite.stats.pareto import sorted_front
from benchsuite.table.device_columns import DeviceColumn, find
from benchsuite.table.table import Table


@dataclass(frozen=True)
class Cost:
    """A cost [15625] in a unit, and which cells may be chosen [15625]."""

    values: NDArray[np.float64]
    fits: NDArray[np.bool_]
    unit: str


def costs_of(table: Table, dataset: str) -> dict[str, Cost]:
    """Return, by name, the costs of a dataset's official network: each part's latency, and RAM."""
    costs = {}
    for parts in find(table.columns, "latency", dataset=dataset, skeleton="official"):
        if table.columns[parts.name].kind != "device":
            continue  # what a paper printed of a part is no runtime on it
        seconds = table.values(parts.name)
        fits = np.isfinite(seconds)
        if (name := replace(parts, what="fits").name) in table.columns:
            fits &= table.values(name) == 1
        costs[f"{parts.device} {parts.runtime}"] = Cost(seconds * 1e3, fits, "ms")
    ram = DeviceColumn("ram.tflm", "", "", dataset, "official").name
    costs["RAM"] = Cost(table.values(ram) / 1024, connected(), "KiB")
    return costs


def title(label: str) -> str:
    """Return the name of a cost as a panel's title: part and runtime, or the convention of RAM."""
    device, _, runtime = label.partition(" ")
    return (
        f"{words.part(device)}\n{words.runtime(runtime)}" if runtime else "every part\nTFLM's RAM"
    )


def front_of(cost: Cost, truth: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the cells on the front by cost, of equal points the lowest index."""
    chosen = np.flatnonzero(cost.fits & np.isfinite(truth))
    return chosen[sorted_front(np.column_stack([cost.values, -truth])[chosen])]


def equal_cells(cost: Cost, truth: NDArray[np.float64], cell: int) -> int:
    """Return how many of the cells that fit have the cost and the accuracy of one of them."""
    same = (cost.values == cost.values[cell]) & (truth == truth[cell])
    return int((same & cost.fits).sum())
