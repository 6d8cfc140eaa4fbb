"""What the networks of all cells need on a part under a runtime, as `fits` compares them with it.

RAM   = the runtime's convention + its variables; a range of some (`ram_range`)
flash = weights, biases and scales + the runtime's code
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchsuite.api import Device
from benchsuite.deployment.flash import all_total
from benchsuite.devices._footprint.code_size import all_code, all_static_ram, code_size
from benchsuite.devices._footprint.fits import ram_of, ram_range
from benchsuite.errors import UserError
from benchsuite.table.device_columns import DeviceColumn
from benchsuite.table.table import Table

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Needs:
    """What each of the 15,625 cells needs; [15625] each.

    latency: seconds, NaN without a path; energy: joules, NaN where the part's power is not known;
    ram: bytes by the convention, ram_least and ram_most what it may really be; flash: bytes;
    unknown: what of the runtime's code nobody measured, empty where all is known: where it is not,
    ram and flash are at least so much, and no cell keeps to limits for sure.
    """

    latency: Array
    energy: Array
    ram: Array
    ram_least: Array
    ram_most: Array
    flash: Array
    unknown: str

    def within(
        self, latency: float, energy: float, ram: float, flash: float
    ) -> NDArray[np.float64]:
        """Return which cells [15625] keep to limits: 1 yes, 0.5 maybe, 0 no."""
        spent = (self.latency <= latency) & ((self.energy <= energy) | np.isinf(energy))
        ends = [self.ram_least <= ram, (self.ram_most <= ram) & (not self.unknown)]
        return np.asarray(np.mean(ends, axis=0) * (spent & (self.flash <= flash)))


def needs(
    table: Table, name: str, device: Device, runtime: str, dataset: str, skeleton: str
) -> Needs:
    """Return what the cells' networks need; UserError for a table without the device's columns."""
    of = DeviceColumn("latency", name, runtime, dataset, skeleton)
    convention = DeviceColumn(ram_of(runtime), "", "", dataset, skeleton).name
    for column in (of.name, convention):
        if column not in table:
            raise UserError(f"The table has no column {column}: `benchsuite table` makes one.")
    latency, tensors = table.values(of.name), table.values(convention)
    joules = replace(of, what="energy").name
    least, most = ram_range(runtime, tensors, of.network)
    variables = all_static_ram(runtime, device.core, of.network)
    return Needs(
        latency,
        table.values(joules) if joules in table else np.full(len(table), np.nan),
        tensors + variables,
        least + variables,
        most + variables,
        all_total(of.network, all_code(runtime, device.core, of.network)).astype(np.float64),
        code_size(runtime, device.core).missing,
    )
