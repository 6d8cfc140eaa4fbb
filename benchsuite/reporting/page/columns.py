"""The columns of the table that the explorer holds, packed for the page.

A column whose values repeat, as nearly all do, is a list of its distinct values and a code per
cell; columns that part the cells alike share their codes. Numbers are 32-bit floats, or 64-bit
where that would change a count, make two values one or lose one; what is missing is NaN. All of it
is one zlib stream in base64; the first bytes of all numbers of a column stand together, then the
second ones, which takes a quarter less.
"""

from __future__ import annotations

import base64
import re
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.space import equivalence
from benchsuite.space.cell import EDGES, OPS, all_ops
from benchsuite.table.columns import DATASETS, Column
from benchsuite.table.device_columns import parse
from benchsuite.table.table import Table

if TYPE_CHECKING:
    from zlib import _Compress

BUDGET = 5_000_000  # characters of base64
_SHOWN_UNITS = {
    "s": (1e3, "ms"),
    "J": (1e3, "mJ"),
    "bytes": (1 / 1024, "KiB"),
    "FLOPs": (1e-6, "MFLOPs"),
    "MACs": (1e-6, "M MACs"),
    "parameters": (1e-3, "k parameters"),
}


@dataclass
class Stream:
    """Arrays that are compressed as they come; `length` counts the bytes before, `size` after.

    codes: the codes there are, by their bytes; coded: the type and the place of each.
    """

    codes: dict[bytes, int] = field(default_factory=dict)
    coded: list[dict[str, Any]] = field(default_factory=list)
    parts: list[bytes] = field(default_factory=list)
    length: int = 0
    size: int = 0
    zlib: _Compress = field(default_factory=lambda: zlib.compressobj(9))

    def copy(self) -> Stream:
        """Return a stream that goes on from here and leaves this one as it is."""
        return Stream(
            dict(self.codes),
            list(self.coded),
            list(self.parts),
            self.length,
            self.size,
            self.zlib.copy(),
        )

    def add(self, values: NDArray[Any]) -> dict[str, Any]:
        """Append an array; return its type, how many numbers it has and where it begins."""
        raw = np.ascontiguousarray(values)
        planes = raw.view(np.uint8).reshape(len(raw), -1).T.tobytes()
        part = self.zlib.compress(planes) + self.zlib.flush(zlib.Z_SYNC_FLUSH)
        placed = {"type": raw.dtype.str[1:], "length": len(raw), "at": self.length}
        self.parts.append(part)
        self.length += len(planes)
        self.size += len(part)
        return placed

    def text(self) -> str:
        """Return the whole stream in base64."""
        return base64.b64encode(b"".join([*self.parts, self.zlib.flush()])).decode()


def pack(table: Table) -> dict[str, Any]:
    """Return columns, codes and operators as plain values, ready for JSON, and `packed`, a text.

    Columns come in order of use; those that no longer fit `BUDGET` characters are named in
    `left_out`.
    """
    stream = Stream()
    places = len(OPS) ** np.arange(len(EDGES))[::-1]
    cells = stream.add((all_ops() @ places).astype("<u2"))
    listed: list[dict[str, Any]] = []
    left_out: list[str] = []
    for column, values in _columns(table):
        trial = stream.copy()
        packed = _pack(values, trial)
        if trial.size * 4 / 3 > BUDGET:
            left_out.append(column["name"])
            continue
        stream = trial
        listed.append({**column, **packed})
    return {
        "columns": listed,
        "codes": stream.coded,
        "left_out": left_out,
        "cells": cells,
        "ops": OPS,
        "edges": EDGES,
        "estimated": table.estimated,
        "packed": stream.text(),
    }


def _columns(table: Table) -> list[tuple[dict[str, Any], NDArray[np.float64]]]:
    wanted = [(name, column) for name, column in table.columns.items() if _wanted(table, column)]
    groups = list(dict.fromkeys(map(_group, dict(wanted).values())))
    ordered = sorted(groups, key=_rank)
    described = [
        (_described(column, group), table.values(name) * _scale(column)[0])
        for group in ordered
        for name, column in wanted
        if _group(column) == group
    ]
    for name in equivalence.CLASSES:
        if f"class.{name}" in table.columns:
            numbers = table.values(f"class.{name}").astype(np.int64)
            about = {
                "name": f"class.{name}.size",
                "group": "Class",
                "unit": "cells",
                "direction": "none",
                "description": f"cells that are the same under the equivalence {name}",
                "source": "benchsuite.space.equivalence",
            }
            described.append((about, np.bincount(numbers)[numbers].astype(np.float64)))
    return sorted(described, key=lambda item: _rank(item[0]["group"]))


def _wanted(table: Table, column: Column) -> bool:
    if column.kind == "detail" or column.name == "class.connected":
        return column.name == "class.connected"
    if column.epochs is not None and column.aggregation not in (None, "mean"):
        return False  # One seed of several. Accuracies of a single training have no epochs.
    if _VARIANT.search(column.aggregation or ""):
        return False
    return column.release is None or table.resolve(column.stem) == column.name


# Analog accuracies without hardware-aware training or after a while: in the table alone.
_VARIANT = re.compile(r"_noisy|_\d+s$")
_ATTACKED = "Under attack"
# The first dataset's networks are looked at most; those of the others come late.
_ORDER = (
    *("Accuracy", "Cost", "Class", f"Device, {DATASETS[0]} ", "Proxy", "Device"),
    *("Measured elsewhere", _ATTACKED),
)


def _rank(group: str) -> int:
    return next(at for at, start in enumerate(_ORDER) if group.startswith(start))


def _group(column: Column) -> str:
    if column.kind == "device":
        parts = parse(column.name)
        return f"Device, {parts.dataset} {parts.skeleton} network" if parts else "Device"
    if (column.aggregation or "").startswith("robust."):
        return _ATTACKED
    other = {"proxy": "Proxy", "cost": "Cost", "class": "Class", "accuracy": "Accuracy"}
    return other.get(column.kind, "Measured elsewhere")


def _scale(column: Column) -> tuple[float, str]:
    """Return what to multiply by, and the unit that then holds, as a person reads it."""
    if column.unit == "s" and column.kind != "device":
        return 1.0, "s"
    return _SHOWN_UNITS.get(column.unit, (1.0, "" if column.unit == "1" else column.unit))


def _described(column: Column, group: str) -> dict[str, Any]:
    return {
        "name": column.name,
        "group": group,
        "unit": _scale(column)[1],
        "direction": column.direction,
        "description": column.description.replace("`", ""),
        "source": column.source,
        **({"estimated": True} if column.estimated else {}),
        **({"dataset": column.dataset} if column.kind == "accuracy" else {}),
    }


def _pack(values: NDArray[np.float64], stream: Stream) -> dict[str, Any]:
    distinct, first, code = np.unique(values, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.argsort(order, kind="stable")
    numbers = rank[code].astype("<u1" if len(distinct) <= 2**8 else "<u2")
    distinct = distinct[order]
    # 32 bits do where they hold all values, keep counts as they are and make no two values one.
    with np.errstate(over="ignore"):
        short = distinct.astype("<f4")
    held = np.allclose(short, distinct, rtol=1e-6, atol=0, equal_nan=True)
    counts = np.array_equal(distinct, np.floor(distinct), equal_nan=True)
    lossy = len(np.unique(short)) < len(distinct) or (counts and not _same(short, distinct))
    kind = "<f4" if held and not lossy else "<f8"
    key = numbers.tobytes()
    dictionary = distinct.astype(kind)
    fresh = 0 if key in stream.codes else len(key)
    if fresh + dictionary.nbytes >= dictionary.itemsize * len(values):
        return stream.add(values.astype(kind))
    if key not in stream.codes:
        stream.codes[key] = len(stream.coded)
        stream.coded.append(stream.add(numbers))
    return {**stream.add(dictionary), "codes": stream.codes[key]}


def _same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return np.array_equal(one.astype(np.float64), other, equal_nan=True)
