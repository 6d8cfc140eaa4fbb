"""Which deployments the absolute latencies printed by MONAS are compatible with.

The paper prints milliseconds, but neither cells per stage nor channels nor resolution of what ran.
Every deployment of a grid is predicted under every runtime and set beside the printed rows whose
operators are known:

- scope `network`: the whole deployed network; `cells`: its cells alone, as the printed figures are
  sums over a cell's operators without stem, residual blocks and classifier;
- times 1: as printed; 10: the sum over the authors' own table, of which the printed is a tenth.

A row stands for all cells with its operators; predicted is the first in official order whose
operators are all live. Others with the same operators differ in ReLUs and additions only.

Source: MONAS, sections 3.2.2 and 4.1, Table 2; `_monas` for what is known of the rows.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite import plugins
from benchsuite.api import Device
from benchsuite.devices._latency.counts import shapes_of
from benchsuite.devices._latency.monas import PARTS, Printed, printed
from benchsuite.devices._latency.operators import Shape
from benchsuite.devices._latency.runtimes import shape_cycles
from benchsuite.numerics.ties import argmin
from benchsuite.space.cell import CONV1, CONV3, POOL, SKIP, Cell, all_ops, prune
from benchsuite.space.deploy import deploy
from benchsuite.space.network import Skeleton

Key = tuple[int, int, int]  # cells per stage, channels, resolution

GRID = tuple(itertools.product((1, 2, 3, 4, 5), (2, 4, 6, 8, 12, 16), (8, 16, 24, 32)))
SKELETONS: dict[str, Key] = {"official": (5, 16, 32), "mcu": (1, 16, 32)}
SCOPES = ("network", "cells")
TIMES = (1, 10)
TOLERANCE = 0.1
# A Cortex-M multiplies and adds two pairs of 16-bit numbers in a cycle at the very most.
MACS_PER_CYCLE = 2


@dataclass(frozen=True)
class Nearest:
    """The deployment of the grid that is nearest to all known rows of a part under one runtime.

    compatible: how many of `GRID` are within `TOLERANCE` of every row; worst: the largest factor
    between predicted and times * printed; ratio_min, ratio_max: predicted over that.
    """

    part: str
    runtime: str
    scope: str
    times: int
    compatible: int
    cells_per_stage: int
    channels: int
    resolution: int
    worst: float
    ratio_min: float
    ratio_max: float


def cell_of(counts: tuple[int, int, int, int]) -> Cell:
    """Return the first cell in official order with these operators, all of them live."""
    ops = all_ops()
    held = np.stack([(ops == op).sum(axis=1) for op in (CONV3, CONV1, POOL, SKIP)], axis=1)
    live = (prune(ops) == ops).all(axis=1)
    return Cell.from_index(int(np.flatnonzero((held == counts).all(axis=1) & live)[0]))


def predict(part: str, runtime: str, scope: str, key: Key, cell: Cell) -> float:
    """Return the milliseconds of a cell in one deployment."""
    cycles = _cycles(part, runtime)
    spent = sum(n * cycles(shape) for shape, n in work(cell, scope, key).items())
    return 1e3 * spent / _device(part).clock


def work(cell: Cell, scope: str, key: Key) -> Mapping[Shape, int]:
    """Return how often each shape runs. Every cell of a stage after the first adds the same."""
    cells, channels, resolution = key
    one, two = (_shapes(cell, n, channels, resolution) for n in (1, 2))
    if scope == "cells":
        return {shape: cells * (two[shape] - one[shape]) for shape in two}
    return {shape: one[shape] + (cells - 1) * (two[shape] - one[shape]) for shape in two}


def nearest(part: str, runtime: str, scope: str, times: int) -> Nearest:
    """Return the deployment of `GRID` with the smallest worst factor over the known rows."""
    rows = [row for row in printed() if row.part == part and row.known]
    target = times * np.array([row.milliseconds for row in rows])
    ratios = _grid(part, runtime, scope) / target
    worst = np.exp(np.abs(np.log(ratios)).max(axis=1))
    best = argmin(worst)
    compatible = int((np.abs(ratios - 1) <= TOLERANCE).all(axis=1).sum())
    found = ratios[best]
    return Nearest(
        *(part, runtime, scope, times, compatible),
        *GRID[best],
        *(float(worst[best]), float(found.min()), float(found.max())),
    )


def analysis() -> dict[str, object]:
    """Return `nearest` of every part, modelled runtime, scope and factor, and `rows`, as records.

    deployments: how many are in the grid; tolerance: what is called compatible; rows: every printed
    row with its cell, multiply-accumulates and the least milliseconds that `MACS_PER_CYCLE` allow
    in the skeletons of the table, and what is predicted there and nearest.
    """
    found = [
        nearest(part, runtime, scope, times)
        for part in PARTS
        for runtime in _device(part).runtimes
        for scope, times in itertools.product(SCOPES, TIMES)
    ]
    return {
        "deployments": len(GRID),
        "tolerance": TOLERANCE,
        "nearest": [asdict(one) for one in found],
        "rows": [_row(row, found) for row in printed()],
    }


def _row(row: Printed, found: list[Nearest]) -> dict[str, object]:
    cell, clock = cell_of(row.counts), _device(row.part).clock
    record: dict[str, object] = {**asdict(row), "counts": list(row.counts), "index": cell.index}
    for label, key in SKELETONS.items():
        macs = _macs(work(cell, "network", key))
        record[f"{label}_mmacs"] = macs / 1e6
        record[f"{label}_least"] = macs / MACS_PER_CYCLE / clock * 1e3
        record[f"{label}_predicted"] = predict(row.part, "tflm_cmsis_nn", "network", key, cell)
    for times in TIMES:
        best = min(
            (one for one in found if (one.part, one.times) == (row.part, times)),
            key=lambda one: one.worst,
        )
        key = (best.cells_per_stage, best.channels, best.resolution)
        record[f"nearest_{times}"] = predict(row.part, best.runtime, best.scope, key, cell)
    return record


def _macs(runs: Mapping[Shape, int]) -> float:
    return sum(n * shape.macs for shape, n in runs.items())


@functools.cache
def _grid(part: str, runtime: str, scope: str) -> NDArray[np.float64]:
    """Return the predicted milliseconds of every deployment and known row [deployments, rows]."""
    cells = [cell_of(row.counts) for row in printed() if row.part == part and row.known]
    return np.array([[predict(part, runtime, scope, key, cell) for cell in cells] for key in GRID])


@functools.cache
def _device(part: str) -> Device:
    device: Device = plugins.load("devices", part)
    return device


@functools.cache
def _cycles(part: str, runtime: str) -> Callable[[Shape], float]:
    find = shape_cycles(_device(part), runtime)
    return functools.cache(lambda shape: find(shape)[0])


@functools.cache
def _shapes(cell: Cell, cells: int, channels: int, resolution: int) -> Counter[Shape]:
    return Counter(shapes_of(deploy(cell, Skeleton(channels, cells, resolution))))
