"""Columns of a user's own devices, beside those that ship: latency, energy and what fits.

RAM and flash belong to the network, so those of the table are the device's too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchsuite import plugins
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
    table = table.with_columns(columns.of_devices(devices))
    joined = dict(table.provenance.get("joined", {}))
    about = dict(joined.get("devices", {}))
    about["fits"] = [*about.get("fits", ()), *columns.fit_counts(devices)]
    before = about.get("extrapolation", {})
    about["extrapolation"] = {
        part: [*before.get(part, ()), *(row for row in rows if row not in before.get(part, ()))]
        for part, rows in columns.extrapolations(devices).items()
    }
    sources = {name: device.source for name, device in devices.items()}
    return table.with_provenance(joined={**joined, "devices": about}, own_devices=sources)
