"""Latency of deployed networks: cycles per layer, added up, over the clock.

    latency = sum over layers of cycles(layer | core, runtime) / clock

Nothing else is added: a runtime's own constant cost is some thousand cycles. The layers are those
of `benchsuite.deploy`, so additions and ReLUs that the pattern of a cell makes necessary count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.api import Device
from benchsuite.cell import N_CELLS, Cell, all_ops
from benchsuite.deploy import deploy
from benchsuite.errors import UserError
from benchsuite.network import OFFICIAL, Network, Skeleton
from devices import _monas
from devices._counts import all_counts, shapes_of
from devices._operators import Shape
from devices._runtimes import runtime, shape_cycles


@dataclass(frozen=True)
class Cost:
    """Cycles of one operator of a network, and whether they are interpolated."""

    shape: Shape
    cycles: float
    interpolated: bool


def layer_costs(network: Network, device: Device, runtime_name: str) -> list[Cost]:
    """Return the cost of every layer of a deployed network that costs something, in order.

    Raises UserError if the device lacks the runtime, or a layer has no kernel.
    """
    cycles = shape_cycles(device, runtime_name)
    return [Cost(shape, *cycles(shape)) for shape in shapes_of(network)]


def cycles(network: Network, device: Device, runtime_name: str) -> float:
    """Return the clock cycles of a deployed network for one image."""
    return sum(cost.cycles for cost in layer_costs(network, device, runtime_name))


def latency(
    cell: Cell, skeleton: Skeleton, device: Device, runtime_name: str, name: str = ""
) -> float:
    """Return the seconds that one cell's deployed network takes for one image.

    name: the id of the device, which the runtime `monas2024` needs.
    """
    if runtime(device, runtime_name).origin == "published":
        return float(_published(skeleton, name)[cell.index])
    return cycles(deploy(cell, skeleton), device, runtime_name) / device.clock


def all_latencies(
    skeleton: Skeleton, device: Device, runtime_name: str, name: str = ""
) -> NDArray[np.float64]:
    """Return the seconds of every cell [15625], equal to `latency` of each.

    name: the id of the device, which the runtime `monas2024` needs.
    """
    if runtime(device, runtime_name).origin == "published":
        return _published(skeleton, name)
    cost = shape_cycles(device, runtime_name)
    shapes, counts = all_counts(skeleton)
    per_shape = np.array([cost(shape)[0] for shape in shapes])
    total: NDArray[np.float64] = (counts * per_shape).sum(axis=1) / device.clock
    return total


def interpolated_share(skeleton: Skeleton, device: Device, runtime_name: str) -> float:
    """Return which share of the cycles of all cells together comes from interpolated shapes."""
    if runtime(device, runtime_name).origin == "published":
        return 0.0
    cost = shape_cycles(device, runtime_name)
    shapes, counts = all_counts(skeleton)
    found = [cost(shape) for shape in shapes]
    spent = counts.sum(axis=0) * np.array([one for one, _ in found])
    marked = np.array([interpolated for _, interpolated in found])
    return float(spent[marked].sum() / spent.sum())


def _published(skeleton: Skeleton, name: str) -> NDArray[np.float64]:
    if name not in ("stm32f746", "stm32l432"):
        raise UserError(
            f"The MONAS paper prints latencies of stm32f746 and stm32l432, not of {name!r}."
        )
    if skeleton != OFFICIAL["cifar10"]:
        raise UserError(
            "The MONAS paper's latencies are those of one deployment, set beside the CIFAR-10 "
            "network; they cannot be converted to another skeleton. Choose another runtime."
        )
    seconds: NDArray[np.float64] = _monas.per_operator(name)[all_ops()].sum(axis=1) / 1e3
    assert seconds.shape == (N_CELLS,)
    return seconds
