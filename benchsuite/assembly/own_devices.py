"""Columns of a user's own devices, beside those that ship: latency, energy and what fits.

RAM and flash belong to the network, so those of the table are the device's too. What fits is said
by the table's RAM: to compute it anew takes a minute.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchsuite import plugins
from benchsuite.deployment.ram import all_ram
from benchsuite.space.network import SKELETONS, Skeleton
from benchsuite.table.device_columns import DeviceColumn
from benchsuite.table.table import Table


def join(table: Table, plugin_folders: Sequence[Path]) -> Table:
    """Return a table with the columns of every device of some folders that can be used.

    What is said of the shipped ones' cycles and of what fits them is said of these as well, in the
    provenance. One that fails is left out, with a warning that names it.
    """
    if all(one.module for one in plugins.find("devices", plugin_folders).values()):
        return table
    from benchsuite.devices._footprint import columns

    devices = columns.usable_devices(plugin_folders, shipped=False)
    if not devices:
        return table
    ram_by = _ram_in(table)
    table = table.with_columns(columns.of_devices(devices, ram_by=ram_by))
    joined = dict(table.provenance.get("joined", {}))
    about = dict(joined.get("devices", {}))
    about["fits"] = [*about.get("fits", ()), *columns.fit_counts(devices, ram_by)]
    before = about.get("extrapolation", {})
    about["extrapolation"] = {
        part: [*before.get(part, ()), *(row for row in rows if row not in before.get(part, ()))]
        for part, rows in columns.extrapolations(devices).items()
    }
    sources = {name: device.source for name, device in devices.items()}
    return table.with_provenance(joined={**joined, "devices": about}, own_devices=sources)


def _ram_in(table: Table) -> Callable[[str, Skeleton], NDArray[np.int64]]:
    """Return RAM by convention and network: the table's column, computed where it has none."""
    of = {known: (data, label) for label, each in SKELETONS.items() for data, known in each.items()}

    def ram(convention: str, skeleton: Skeleton) -> NDArray[np.int64]:
        name = DeviceColumn(convention, "", "", *of[skeleton]).name
        if name not in table.columns:
            return all_ram(convention, skeleton)
        return table.values(name).astype(np.int64)

    return ram
