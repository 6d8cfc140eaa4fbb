"""Columns of the devices: latency, RAM, flash and what fits, for two skeletons.

`official` is the CIFAR-10 network of NAS-Bench-201 with five cells per stage, `mcu` the same with
one. RAM and flash belong to the network and the convention, not to the part.

What fits is `_fits`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from benchsuite import plugins
from benchsuite.api import Device
from benchsuite.cell import all_ops, live_edges
from benchsuite.columns import Column, Direction
from benchsuite.errors import UserError
from benchsuite.network import OFFICIAL, Skeleton
from benchsuite.table import Values
from devices._code_size import code_size
from devices._fits import all_fits, counts, ram_of
from devices._flash import all_weights
from devices._latency import all_latencies, interpolated_share
from devices._memory import CONVENTIONS, all_ram
from devices._runtimes import RUNTIMES, shape_cycles

VERSION = "1"
FITS_VERSION = "2"
SKELETONS = {"official": OFFICIAL["cifar10"], "mcu": Skeleton(cells_per_stage=1)}
_CONSTANT = "no input-output path: the network is a constant"


def columns(extra: Sequence[Path] = ()) -> Iterator[Values]:
    """Yield the columns of every device and both skeletons; extra: folders with more devices."""
    devices = _devices(extra)
    for label, skeleton in SKELETONS.items():
        for convention in CONVENTIONS:
            what = f"RAM of the deployed {label} network, convention {convention}"
            column = _column(f"{convention}.{label}", what, "bytes", "min", "devices._memory")
            yield Values(column, all_ram(convention, skeleton))
        what = f"weights, biases and scales of the deployed {label} network"
        column = _column(f"flash.weights.{label}", what, "bytes", "min", "devices._flash")
        yield Values(column, all_weights(skeleton))
        for name, device in devices.items():
            yield from _of_device(name, device, label, skeleton)


def fit_counts(extra: Sequence[Path] = ()) -> list[dict[str, object]]:
    """Return how many cells fit, with and without the runtime's code, as records (`_fits.Fit`)."""
    return [asdict(fit) for fit in counts(_devices(extra), SKELETONS)]


def _devices(extra: Sequence[Path]) -> dict[str, Device]:
    """Return all devices by name; of a user's, one that cannot be used is left out with a warning.

    So is one that names a runtime without a table.
    """
    devices: dict[str, Device] = {}
    for plugin, device in plugins.usable("devices", extra):
        try:
            for name in device.runtimes:
                if name not in RUNTIMES or RUNTIMES[name].origin != "published":
                    shape_cycles(device, name)
        except UserError as error:
            plugins.leave_out(f"{plugin.name} is left out of the devices: {error} ({plugin.path})")
        else:
            devices[plugin.name] = device
    return devices


def _of_device(name: str, device: Device, label: str, skeleton: Skeleton) -> Iterator[Values]:
    connected = live_edges(all_ops()).any(axis=1)
    for runtime in device.runtimes:
        end = f"{name}.{runtime}.{label}"
        if not (runtime == "monas2024" and label != "official"):
            seconds = all_latencies(skeleton, device, runtime, name)
            share = interpolated_share(skeleton, device, runtime)
            what = (
                f"{RUNTIMES[runtime].origin} latency of one image on {name} under {runtime}, "
                f"{label} network; {share:.0%} of all cycles from interpolated shapes"
            )
            column = _column(f"latency.{end}", what, "s", "min", RUNTIMES[runtime].source)
            yield Values(column, np.where(connected, seconds, np.nan), _CONSTANT)
        if device.sram is not None and device.flash is not None:
            missing = code_size(runtime, device.core).missing
            unknown = f"; {missing}" if missing else ""
            what = (
                f"1 if RAM ({ram_of(runtime)} and the runtime's variables) and flash "
                f"(flash.weights and its code) of the {label} network are within {name}{unknown}"
            )
            source = "devices._fits, devices._code_size"
            column = _column(f"fits.{end}", what, "0 or 1", "none", source)
            column = replace(column, version=FITS_VERSION)
            yield Values(column, all_fits(device, runtime, skeleton) * 1)


def _column(name: str, what: str, unit: str, direction: Direction, source: str) -> Column:
    return Column(name, what, unit, direction, source, VERSION, "device")
