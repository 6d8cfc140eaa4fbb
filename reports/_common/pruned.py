"""Fronts of size and error that muNAS finds with and without pruning, seed by seed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchsuite.api import Entry, Outcome
from benchsuite.deployment.compressed import Compressed, channels
from benchsuite.deployment.narrow import column
from benchsuite.deployment.response import Response, apply, response
from benchsuite.reports._common.tables import accuracy
from benchsuite.simulation.problem import keeping
from benchsuite.space.cell import connected
from benchsuite.space.network import OFFICIAL, STAGES
from benchsuite.stats.pareto import attained, hypervolume, non_dominated, reference
from benchsuite.table.table import Table

SIZE = "flash.weights.cifar10.mcu"
Array = NDArray[np.float64]


def fronts(
    table: Table,
    outcome: Outcome,
    entry: Entry,
    trainings: int | None = None,
    curve: Response | None = None,
) -> list[Array]:
    """Return, by seed, size [KiB] and test error [%] of the front by what the search saw, [N, 2].

    Of networks it trained, the first ones or all, that keep all bounds and have a path; seeds
    without any have none. Pruned ones are judged through `curve`, by default the measured response.
    """
    trace = outcome.trace(entry.label)
    by = (curve or response()) if entry.strategy == "munas_pruned" else None
    return [_front(table, entry, of, by, trainings) for _, of in trace.groupby("seed")]


def volumes(*searches: list[Array]) -> list[Array]:
    """Return the volume of each seed's front in % of that of all fronts together, by search."""
    every = [points for of in searches for points in of if len(points)]
    if not every:
        return [np.full(len(of), np.nan) for of in searches]
    worst = reference(*every)
    whole = hypervolume(np.concatenate(every), worst)
    return [
        np.array([100 * hypervolume(of, worst) / whole if len(of) else 0.0 for of in search])
        for search in searches
    ]


def reached(of: list[Array], sizes: Array) -> Array:
    """Return, by seed, the accuracy [%] of the best of at most each size [KiB], mean over sizes.

    NaN for a seed whose front has nothing as small as the least of them.
    """
    return np.array([100 - attained(front, sizes).mean() for front in of])


def _front(
    table: Table, entry: Entry, looks: pd.DataFrame, by: Response | None, trainings: int | None
) -> Array:
    names = looks["looked_at"].astype(str)
    queried = looks[names.str.startswith("valid.")][:trainings]
    cells = queried["cell"].to_numpy()
    test = accuracy(table, "cifar10")[cells]
    if by is not None:
        of = {name: looks.loc[names == name, "value"].to_numpy()[:trainings] for name in _STATED}
        size, kept = _narrowed(entry, cells, of["sparsity"], by)
        test = apply(test, kept, OFFICIAL["cifar10"].classes)
        seen, keeps = of["compressed.valid"], of["compressed.keeps"] == 1
    else:
        size, seen = table.values(SIZE)[cells], queried["value"].to_numpy()
        keeps = keeping(table, entry.setting)[cells]
    alive = keeps & connected()[cells]
    points = np.column_stack([size / 1024, 100 - test])[alive]
    by_seen = np.column_stack([size, -seen])[alive]
    found: Array = points[non_dominated(by_seen)] if alive.any() else points
    return found


_STATED = ("sparsity", "compressed.valid", "compressed.keeps")


def _narrowed(
    entry: Entry, cells: NDArray[np.int64], sparsity: Array, by: Response
) -> tuple[Array, Array]:
    """Return the size [bytes] of pruned cells and the fraction of the accuracy they keep."""
    assert entry.setting.skeleton is not None
    skeleton = entry.setting.skeleton
    size, kept = np.empty(len(cells)), np.empty(len(cells))
    widths = np.array([channels(1 - s, skeleton.channels) for s in sparsity])
    for width in np.unique(widths):
        at = widths == width
        form = Compressed(widths=(width / skeleton.channels,) * STAGES)
        size[at] = column(SIZE, skeleton, int(width))[cells[at]]
        kept[at] = by.fraction(form)
    return size, kept
