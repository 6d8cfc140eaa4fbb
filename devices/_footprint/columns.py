"""Columns of the devices, of every dataset's two networks: time, energy, memories and what fits.

Names are those of `benchsuite.table.device_columns`, networks those of
`benchsuite.space.network.SKELETONS`. RAM and flash belong to the network and the convention, not to
the part. What fits is `_fits`. Energy is there for parts whose power was measured.

The latencies that MONAS printed are references beside them: of the CIFAR-10 network, and no runtime
of a part, so nothing fits by them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchsuite import plugins
from benchsuite.api import Device
from benchsuite.deployment.arena import SAVED
from benchsuite.deployment.flash import all_weights
from benchsuite.deployment.ram import CONVENTIONS, all_ram
from benchsuite.devices._energy import energy
from benchsuite.devices._footprint.code_size import code_size
from benchsuite.devices._footprint.fits import (
    X_CUBE_AI_OVER_BEST,
    Ram,
    all_fits,
    counts,
    ram_of,
)
from benchsuite.devices._latency import monas
from benchsuite.devices._latency.extrapolation import described, to_json
from benchsuite.devices._latency.latency import all_latencies
from benchsuite.devices._latency.operators import OPERATORS, Shape
from benchsuite.devices._latency.runtimes import runtime as runtime_of
from benchsuite.devices._latency.runtimes import shape_cycles
from benchsuite.errors import UserError
from benchsuite.space.cell import connected
from benchsuite.space.network import SKELETONS
from benchsuite.table.columns import Column, Direction, Kind
from benchsuite.table.device_columns import DeviceColumn
from benchsuite.table.table import Values

# Raised whenever a number of that kind changes.
VERSIONS = {"latency": "4", "energy": "1", "fits": "6", "ram": "3", "flash": "2"}
NETWORKS = tuple((dataset, label) for label, of in SKELETONS.items() for dataset in of)
_CONSTANT = "no input-output path: the network is a constant"


def columns(
    extra: Sequence[Path] = (), networks: Sequence[tuple[str, str]] = NETWORKS
) -> Iterator[Values]:
    """Yield the columns of every device and network.

    extra: folders with more devices; networks: pairs of a dataset and a skeleton's name.
    """
    devices = usable_devices(extra)
    for dataset, label in networks:
        skeleton = SKELETONS[label][dataset]
        for convention in CONVENTIONS:
            what = f"RAM of the deployed {dataset} network, {label}, convention {convention}"
            name = DeviceColumn(convention, "", "", dataset, label)
            yield Values(
                _column(name, what, "bytes", "min", "benchsuite/deployment/ram.py"),
                all_ram(convention, skeleton),
            )
        what = f"weights, biases and scales of the deployed {dataset} network, {label}"
        name = DeviceColumn("flash.weights", "", "", dataset, label)
        yield Values(
            _column(name, what, "bytes", "min", "benchsuite/deployment/flash.py"),
            all_weights(skeleton),
        )
        yield from of_devices(devices, [(dataset, label)])
        if (dataset, label) == ("cifar10", "official"):
            yield from _published()


def of_devices(
    devices: Mapping[str, Device],
    networks: Sequence[tuple[str, str]] = NETWORKS,
    ram_by: Ram = all_ram,
) -> Iterator[Values]:
    """Yield the columns of some devices: under every runtime, of every network.

    ram_by: where the RAM of all cells is known from.
    """
    for dataset, label in networks:
        for name, device in devices.items():
            for runtime in device.runtimes:
                yield from of_runtime(name, device, runtime, dataset, label, ram_by)


def of_runtime(
    name: str,
    device: Device,
    runtime: str,
    dataset: str,
    label: str,
    ram_by: Ram = all_ram,
) -> Iterator[Values]:
    """Yield what a device has of a network under one runtime.

    Latency; energy, where the power is known; what fits, where the memories are.
    """
    skeleton = SKELETONS[label][dataset]
    seconds = all_latencies(skeleton, device, runtime)
    about = runtime_of(device, runtime)
    what = (
        f"{about.origin} latency of one image on {name} under {runtime}, {dataset} "
        f"network, {label}; {described(skeleton, device, runtime)}"
    )
    full = DeviceColumn("latency", name, runtime, dataset, label)
    yield Values(_column(full, what, "s", "min", about.source), _of_paths(seconds), _CONSTANT)
    if device.power is not None:
        what = (
            f"joules of one image on {name} under {runtime}, {dataset} network, {label}: latency "
            f"times {device.power.watts * 1e3:.3g} mW, right to {device.power.error:.1%} for a "
            f"known latency ({device.power.source})"
        )
        full = DeviceColumn("energy", name, runtime, dataset, label)
        joules = energy.energies(device, _of_paths(seconds))
        yield Values(_column(full, what, "J", "min", device.power.source), joules, _CONSTANT)
    if device.sram is None or device.flash is None:
        return
    missing = code_size(runtime, device.core).missing
    unknown = f"; {missing}, so 0.5, maybe, at most" if missing else ""
    what = (
        f"1 if RAM ({ram_of(runtime)}{_ranged(runtime)} and the runtime's variables) and flash "
        f"(flash.weights and its code) of the {dataset} network, {label}, are within {name}"
        f"{unknown}"
    )
    full = DeviceColumn("fits", name, runtime, dataset, label)
    unit = "0, 0.5 or 1" if _ranged(runtime) or missing else "0 or 1"
    column = _column(
        full, what, unit, "none", "devices/_footprint/fits.py, devices/_footprint/code_size.py"
    )
    yield Values(column, all_fits(device, runtime, skeleton, ram_by=ram_by))


def _ranged(runtime: str) -> str:
    if ram_of(runtime) == "ram.tflm":
        return (
            f" with CMSIS-NN's largest scratch buffer; 0.5, maybe, if only without it and {SAVED} "
            "bytes of resource variables"
        )
    least, most = X_CUBE_AI_OVER_BEST
    return f" times {most}; 0.5, maybe, if only times {least}" if runtime == "x_cube_ai" else ""


def fit_counts(devices: Mapping[str, Device], ram_by: Ram = all_ram) -> list[dict[str, object]]:
    """Return how many cells fit, with and without the runtime's code, as records (`_fits.Fit`)."""
    return [asdict(fit) for fit in counts(devices, ram_by)]


def extrapolations(devices: Mapping[str, Device]) -> dict[str, list[dict[str, object]]]:
    """Return how the cycles of devices are known, as records (`_extrapolation.to_json`)."""
    return to_json(devices)


def _published() -> Iterator[Values]:
    for part in monas.PARTS:
        what = (
            f"latency that MONAS printed for {part}, a sum over a cell's operators: a published "
            "table, no runtime of the part, and a tenth of what the table itself adds up to"
        )
        name = DeviceColumn("latency", part, "monas2024", "cifar10", "official")
        source = "devices/_latency/monas.py (MONAS, Table 2; YeQiao/MicroNAS)"
        column = _column(name, what, "s", "min", source, "reference")
        yield Values(column, _of_paths(monas.seconds(part)), _CONSTANT)


def _of_paths(seconds: np.ndarray) -> np.ndarray:
    """Return latencies without those of cells that have no input-output path."""
    return np.where(connected(), seconds, np.nan)


def usable_devices(extra: Sequence[Path], shipped: bool = True) -> dict[str, Device]:
    """Return all devices by name; of a user's, one that cannot be used is left out with a warning.

    So is one that names a runtime without a table, or a table without an operator that cells hold.
    shipped: whether those of this project are, too.
    """
    devices: dict[str, Device] = {}
    for plugin, device in plugins.usable("devices", extra, lambda plugin: shipped):
        try:
            for name in device.runtimes:
                price = shape_cycles(device, name)
                for operator in OPERATORS:
                    price(Shape(operator, 8, 16, 16))
        except UserError as error:
            plugins.leave_out(f"{plugin.name} is left out of the devices: {error} ({plugin.path})")
        else:
            devices[plugin.name] = device
    return devices


def _column(
    name: DeviceColumn,
    what: str,
    unit: str,
    direction: Direction,
    source: str,
    kind: Kind = "device",
) -> Column:
    version = VERSIONS[name.what.partition(".")[0]]
    return Column(name.name, what, unit, direction, source, version, kind, dataset=name.dataset)
