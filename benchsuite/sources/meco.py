"""CIFAR-10 test accuracy after 200 epochs, per seed, of NAS-Bench-201 v1.1 (MeCo).

7,961 cells have three seeds, 5,439 two and 2,225 one, as the release states. The file keeps the
runs in ascending order of their seeds but does not name them, and a run of one or two may have any
of 777, 888 and 999. Only the runs of a cell with three are therefore given to a seed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchsuite.sources._source import (
    Folder,
    Imported,
    Source,
    accuracies,
    expect,
    github,
    indices,
    read_pickle,
)
from benchsuite.space.cell import N_CELLS
from benchsuite.table.columns import accuracy_column

ID = "meco"
_SEEDS = (777, 888, 999)

_FILES = github(
    "HamsterMimi/MeCo",
    "0d830dd2f639f9d1ba3b5831a65df768d70fc93b",
    {
        "notebooks_201/nb2_test_acc_cf10.p": (
            751797,
            "6d48694bf618ea6c38b57ed09d79209ab2de9b6f7090fbfc9a10d864fa691e4f",
        ),
    },
)


def read(folder: Folder) -> Iterator[Imported]:
    """Yield the columns of this source."""
    path = folder / _FILES[0].path
    runs = read_pickle(path)
    expect(isinstance(runs, dict) and len(runs) == N_CELLS, path, f"{N_CELLS} cells expected")
    plain = all(isinstance(key, tuple) and len(key) == 6 for key in runs)
    expect(plain and all(type(op) is int for key in runs for op in key), path, "a key is no cell")
    official = indices(np.array(list(runs)), "official", path)
    expect(np.array_equal(official, np.arange(N_CELLS)), path, "cells are not in official order")
    values, mean = np.full((N_CELLS, 3), np.nan), np.empty(N_CELLS)
    for cell, trained in enumerate(runs.values()):
        run = accuracies(trained, len(_SEEDS), path)
        mean[cell] = np.mean(run)
        if len(run) == len(_SEEDS):
            values[cell] = run
    for seed, column in zip(_SEEDS, values.T, strict=True):
        yield Imported(
            accuracy_column("cifar10", "test", 200, f"seed{seed}", "nb201-v1_1", ID),
            column.copy(),
            "the file does not say which seeds a cell with one or two runs has",
        )
    said = "cifar10 test accuracy after 200 epochs, mean over the 1 to 3 seeds of the release"
    yield Imported(
        accuracy_column("cifar10", "test", 200, "mean", "nb201-v1_1", ID, description=said), mean
    )


SOURCE = Source(
    id=ID,
    citation="Jiang et al., MeCo, NeurIPS 2023; data of Dong & Yang, NAS-Bench-201, ICLR 2020",
    licence="MIT",
    files=_FILES,
    read=read,
)
