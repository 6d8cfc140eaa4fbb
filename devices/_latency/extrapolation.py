"""Which part of a latency no table or fit has seen: shares of all cycles, and the operators.

How a price is known is its mark (`_range.MARKS`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchsuite.api import Device
from benchsuite.devices._latency.counts import all_counts
from benchsuite.devices._latency.operators import Shape
from benchsuite.devices._latency.range import MARKS, Mark
from benchsuite.devices._latency.runtimes import shape_cycles
from benchsuite.space.cell import Cell
from benchsuite.space.network import SKELETONS, Skeleton

EXACT = "exact"


def shares(
    skeleton: Skeleton, device: Device, runtime_name: str, cell: Cell | None = None
) -> Mapping[Mark, float]:
    """Return which share of the cycles, of one cell or of all together, is known how.

    By mark (`_range.MARKS`), those that occur. Empty for a cell without an input-output path.
    """
    cost = shape_cycles(device, runtime_name)
    shapes, counts = all_counts(skeleton)
    found = [cost(shape) for shape in shapes]
    times = counts.sum(axis=0) if cell is None else counts[cell.index]
    spent = times * np.array([cycles for cycles, _ in found])
    marks = np.array([mark for _, mark in found])
    total = spent.sum()
    each = {mark: float(spent[marks == mark].sum() / total) for mark in MARKS if total}
    return {mark: share for mark, share in each.items() if share}


def beyond(skeleton: Skeleton, device: Device, runtime_name: str) -> dict[Shape, Mark]:
    """Return the operators of all cells that no table or fit has seen."""
    cost = shape_cycles(device, runtime_name)
    marks = {shape: cost(shape)[1] for shape in all_counts(skeleton)[0]}
    return {s: mark for s, mark in marks.items() if mark in ("extrapolated", "not identified")}


def described(skeleton: Skeleton, device: Device, runtime_name: str) -> str:
    """Return a sentence on how the cycles of all cells are known, and of which operators not."""
    each = shares(skeleton, device, runtime_name)
    text = ", ".join(f"{share:.1%} {mark or EXACT}" for mark, share in each.items())
    unseen = beyond(skeleton, device, runtime_name)
    names = [f"{shape.name} {mark}" for shape, mark in unseen.items()]
    return f"of all cycles {text}" + (f" ({', '.join(dict.fromkeys(names))})" if names else "")


def to_json(devices: Mapping[str, Device]) -> dict[str, list[dict[str, object]]]:
    """Return `shares` per device, runtime and network, and `operators` per core and runtime.

    inputs: channels and size of what an operator outside the range of its runtime reads, in any of
    the networks.
    """
    listed = [
        (name, device, runtime, dataset, label, skeleton)
        for name, device in devices.items()
        for runtime in device.runtimes
        for label, of in SKELETONS.items()
        for dataset, skeleton in of.items()
    ]
    found = [
        {
            **{"device": name, "runtime": runtime, "dataset": dataset, "skeleton": label},
            **{mark or EXACT: shares(skeleton, device, runtime).get(mark, 0.0) for mark in MARKS},
        }
        for name, device, runtime, dataset, label, skeleton in listed
    ]
    operators: dict[tuple[str, str, str, Mark], list[str]] = {}
    for _, device, runtime, _, _, skeleton in listed:
        for shape, mark in beyond(skeleton, device, runtime).items():
            where = operators.setdefault((device.core, runtime, shape.name, mark), [])
            if (text := f"{shape.in_channels} x {shape.size}^2") not in where:
                where.append(text)
    records: list[dict[str, object]] = [
        {
            **dict(zip(("core", "runtime", "operator", "mark"), key, strict=True)),
            "inputs": "; ".join(of),
        }
        for key, of in operators.items()
    ]
    return {"shares": found, "operators": records}
