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
from benchsuite.cell import Cell
from benchsuite.deploy import deploy
from benchsuite.network import Network, Skeleton
from devices._counts import all_counts, shapes_of
from devices._operators import Shape
from devices._runtimes import shape_cycles


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


def latency(cell: Cell, skeleton: Skeleton, device: Device, runtime_name: str) -> float:
    """Return the seconds that one cell's deployed network takes for one image."""
    return cycles(deploy(cell, skeleton), device, runtime_name) / device.clock


def all_latencies(skeleton: Skeleton, device: Device, runtime_name: str) -> NDArray[np.float64]:
    """Return the seconds of every cell [15625], equal to `latency` of each."""
    cost = shape_cycles(device, runtime_name)
    shapes, counts = all_counts(skeleton)
    per_shape = np.array([cost(shape)[0] for shape in shapes])
    total: NDArray[np.float64] = counts @ per_shape / device.clock
    return total


def interpolated_share(skeleton: Skeleton, device: Device, runtime_name: str) -> float:
    """Return which share of the cycles of all cells together comes from interpolated shapes."""
    cost = shape_cycles(device, runtime_name)
    shapes, counts = all_counts(skeleton)
    found = [cost(shape) for shape in shapes]
    spent = counts.sum(axis=0) * np.array([one for one, _ in found])
    marked = np.array([interpolated for _, interpolated in found])
    return float(spent[marked].sum() / spent.sum())
