"""A small synthetic table for tests of searches: the shape of the real one, made-up numbers."""

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.space import cost
from benchsuite.space.cell import N_CELLS, all_ops
from benchsuite.space.network import OFFICIAL
from benchsuite.table.columns import (
    DATASETS,
    Column,
    Direction,
    Kind,
    accuracy_column,
    training_time_column,
)
from benchsuite.table.table import Table, Values

RELEASE = "nb201-v1_0"
TEST_SHIFT = 1.2345678


def column(name: str, kind: Kind, direction: Direction = "none", **more: Any) -> Column:
    return Column(name, "made up", "1", direction, "tests", "1", kind, **more)


def accuracies() -> dict[str, NDArray[np.float64]]:
    """Validation accuracies that grow with convolutions and are rough as the real ones."""
    rng = np.random.default_rng(7)
    worth = np.array([-2.0, 0.5, 1.5, 2.5, 0.0])
    smooth = worth[all_ops()].sum(axis=1) + rng.normal(0, 0.7, N_CELLS)
    return {ds: 60 + 25 * np.tanh((smooth - i) / 8) for i, ds in enumerate(DATASETS)}


@functools.cache
def table(
    epochs: tuple[int, ...] = (12, 200), clock: bool = True, missing_ntk: bool = True
) -> Table:
    """Validation, test, clock, costs, a device and MONAS' proxies."""
    values = []
    for dataset, valid in accuracies().items():
        for e in epochs:
            shift = 0 if e == 200 else -8
            c = accuracy_column(dataset, "valid", e, "mean", RELEASE, "tests")
            values.append(Values(c, valid + shift))
        test = accuracy_column(dataset, "test", 200, "mean", RELEASE, "tests")
        noise = np.random.default_rng(3).normal(0, 0.2, N_CELLS)
        values.append(Values(test, valid + TEST_SHIFT + noise))
        for name, counts in (("flops", cost.all_flops), ("params", cost.all_params)):
            values.append(Values(column(f"{dataset}.{name}", "cost"), counts(OFFICIAL[dataset])))
        if clock:
            time = training_time_column(dataset, 12, "mean", RELEASE, "tests")
            values.append(Values(time, 50 + cost.all_flops(OFFICIAL[dataset]) / 1e6))
    rng = np.random.default_rng(5)
    ntk = 10 ** (3 - 0.2 * (all_ops() == 3).sum(axis=1) + rng.normal(0, 0.3, N_CELLS))
    if missing_ntk:
        ntk[(all_ops() == 0).all(axis=1)] = np.nan
    values += [
        *(
            Values(column(f"ntk_cond.k{order}@1", "proxy", "min"), times * ntk, "no path")
            for order, times in ((0, 1.5), (2, 1.0))
        ),
        Values(
            column("linear_regions.n1000@1", "proxy", "max"),
            100 * (all_ops() == 3).sum(axis=1) + rng.random(N_CELLS),
        ),
        Values(column("flops@1", "proxy", "max"), cost.all_flops(OFFICIAL["cifar10"])),
        *(
            Values(
                column(f"latency.board.tflm.cifar10.{skeleton}", "device", "min"),
                start + slope * (np.array([0, 1.0, 4, 12, 3])[all_ops()]).sum(axis=1),
            )
            for skeleton, start, slope in (("official", 5, 1), ("mcu", 3, 0.2))
        ),
        Values(column("others.score", "reference", "max", split="test"), np.arange(N_CELLS)),
    ]
    return Table.empty({"accuracy": "made up for tests"}).with_columns(values)
