"""Latency of deployed networks: cycles per layer, added up, over the clock.

    latency = sum over layers of cycles(layer | core, runtime) / clock

Nothing else is added: a runtime's own constant cost is some thousand cycles. The layers are those
of `benchsuite.space.deploy`, so additions and ReLUs that the pattern of a cell makes necessary
count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.api import Device
from benchsuite.devices._latency.counts import all_counts, shapes_of
from benchsuite.devices._latency.operators import Shape
from benchsuite.devices._latency.range import Mark
from benchsuite.devices._latency.runtimes import shape_cycles
from benchsuite.space.cell import Cell
from benchsuite.space.deploy import deploy
from benchsuite.space.network import Network, Skeleton


@dataclass(frozen=True)
class Cost:
    """Cycles of one operator of a network; mark: how they are known, one of `_range.MARKS`."""

    shape: Shape
    cycles: float
    mark: Mark

    @property
    def interpolated(self) -> bool:
        """Whether the cycles are not those counted of this very shape."""
        return self.mark != ""


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
    total = np.zeros(len(counts))
    for shape, times in zip(shapes, counts.T, strict=True):  # in one order on every machine
        total += times * cost(shape)[0]
    return total / device.clock
