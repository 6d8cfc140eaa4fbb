"""The simulated clock: how many seconds a training run would have taken on the benchmark's GPU.

Where the table holds training times they are used; other numbers of epochs are scaled in
proportion. The sentence says what was measured: what comes with the installation was timed on
CIFAR-10 and is that times a constant on the other data sets. Where the table holds none, a model
stands in: seconds per epoch as a base plus one term per operator, fitted by least squares to the
published 200-epoch times of all 15,625 cells (release NATS-tss-v1_0; R^2 0.993, median error 1.4 %,
largest 16 %). A line in FLOPs alone
reaches R^2 0.58: average pooling has no FLOPs but a third of a 3x3 convolution's time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.space.cell import all_ops
from benchsuite.table.columns import stem
from benchsuite.table.table import Table

# Seconds of 200 epochs: base, then one per operator in the order of `cell.OPS`.
_MODEL = {
    "cifar10": (709.80, (0.0, -37.78, 346.55, 456.64, 166.41)),
    "cifar100": (1419.59, (0.0, -75.55, 693.10, 913.28, 332.83)),
    "imagenet16-120": (4307.04, (0.0, -229.23, 2102.86, 2770.89, 1009.80)),
}


@dataclass(frozen=True)
class Clock:
    """Seconds [15625] to train each cell, and the sentence that says where they are from."""

    seconds: NDArray[np.float64]
    source: str


def training_clock(table: Table, dataset: str, epochs: int) -> Clock:
    """Return what training each cell for some epochs costs: measured, scaled, or modelled.

    Measured is a column that has seconds above 0 of every cell: under another clock a search might
    train without end.
    """
    start = f"{dataset}.train_seconds."
    timed = {
        column.epochs: table.resolve(stem(name))
        for name, column in table.columns.items()
        if name.startswith(start) and column.aggregation == "mean" and column.epochs
    }
    held = {of: name for of, name in timed.items() if (table.values(name) > 0).all()}
    if epochs in held:
        name = held[epochs]
        return Clock(table.values(name), f"{table.columns[name].description} ({name})")
    if held:
        nearest = min(held, key=lambda other: abs(other - epochs))
        name = held[nearest]
        said = f"{epochs}/{nearest} of the {table.columns[name].description} ({name})"
        return Clock(table.values(name) * (epochs / nearest), said)
    missing = "no measurement of all cells" if timed else "no measurement"
    return Clock(modelled_seconds(dataset, epochs), f"modelled by operator counts, {missing}")


def modelled_seconds(dataset: str, epochs: int) -> NDArray[np.float64]:
    """Return the modelled seconds [15625] of a training run: base + sum over the operators."""
    base, per_op = _MODEL[dataset]
    total: NDArray[np.float64] = base + np.array(per_op)[all_ops()].sum(axis=1)
    return total * (epochs / 200)
