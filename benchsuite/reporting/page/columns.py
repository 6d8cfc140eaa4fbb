"""The columns of the table that the explorer holds, packed for the page.

A column whose values repeat, as nearly all do, is a list of its distinct values and a code per
cell; columns that part the cells alike share their codes. Numbers are 32-bit floats, or 64-bit
where that would change a count or make two values one. Everything is base64; what is missing is
NaN.
"""

from __future__ import annotations

import base64
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.space import equivalence
from benchsuite.space.cell import EDGES, OPS, all_ops
from benchsuite.table.columns import DATASETS, Column
from benchsuite.table.device_columns import parse
from benchsuite.table.table import Table

BUDGET = 8_000_000
_SHOWN_UNITS = {
    "s": (1e3, "ms"),
    "J": (1e3, "mJ"),
    "bytes": (1 / 1024, "KiB"),
    "FLOPs": (1e-6, "MFLOPs"),
    "MACs": (1e-6, "M MACs"),
    "parameters": (1e-3, "k parameters"),
}


def pack(table: Table) -> dict[str, Any]:
    """Return columns, codes and operators as plain values, ready for JSON.

    Columns come in order of use; those that no longer fit `BUDGET` characters are named in
    `left_out`.
    """
    codes: dict[bytes, int] = {}
    listed: list[dict[str, Any]] = []
    coded: list[dict[str, Any]] = []
    left_out: list[str] = []
    size = 0
    for column, values in _columns(table):
        kept = len(coded)
        packed = _pack(values, codes, coded)
        cost = len(packed["values"]) + sum(len(item["data"]) for item in coded[kept:])
        if size + cost > BUDGET:
            del coded[kept:]
            codes = {key: at for key, at in codes.items() if at < kept}
            left_out.append(column["name"])
            continue
        size += cost
        listed.append({**column, **packed})
    places = len(OPS) ** np.arange(len(EDGES))[::-1]
    return {
        "columns": listed,
        "codes": coded,
        "left_out": left_out,
        "cells": _base64((all_ops() @ places).astype("<u2")),
        "ops": OPS,
        "edges": EDGES,
        "estimated": table.estimated,
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
                "source": "benchsuite.equivalence",
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
    *("Accuracy", "Cost", "Class", f"Device, {DATASETS[0]} ", "Proxy", "Measured elsewhere"),
    *("Device", _ATTACKED),
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


def _pack(
    values: NDArray[np.float64], codes: dict[bytes, int], coded: list[dict[str, Any]]
) -> dict[str, Any]:
    distinct, first, code = np.unique(values, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.argsort(order, kind="stable")
    bits = 8 if len(distinct) <= 2**8 else 16
    numbers = rank[code].astype("<u1" if bits == 8 else "<u2").tobytes()
    distinct = distinct[order]
    # 32 bits do where they keep counts as they are and no two values become one.
    short = distinct.astype("<f4")
    counts = np.array_equal(distinct, np.floor(distinct), equal_nan=True)
    lossy = len(np.unique(short)) < len(distinct) or (counts and not _same(short, distinct))
    dictionary = distinct.astype("<f8").tobytes() if lossy else short.tobytes()
    fresh = 0 if numbers in codes else len(numbers)
    if fresh + len(dictionary) >= (8 if lossy else 4) * len(values):
        kind = "<f8" if lossy else "<f4"
        return {"values": _base64(values.astype(kind)), "type": kind[1:]}
    if numbers not in codes:
        codes[numbers] = len(coded)
        coded.append({"bits": bits, "data": base64.b64encode(numbers).decode()})
    return {
        "values": base64.b64encode(dictionary).decode(),
        "type": "f8" if lossy else "f4",
        "codes": codes[numbers],
    }


def _same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return np.array_equal(one.astype(np.float64), other, equal_nan=True)


def _base64(values: NDArray[Any]) -> str:
    return base64.b64encode(values.tobytes()).decode()
