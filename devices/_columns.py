"""Columns of the devices: latency, RAM, flash and what fits, for two skeletons.

`official` is the CIFAR-10 network of NAS-Bench-201 with five cells per stage, `mcu` the same with
one. RAM and flash belong to the network and the convention, not to the part.

A cell fits a part under a runtime if its RAM, by the runtime's convention and with the runtime's
variables, is within the SRAM, and its constants (`flash.weights`) with the runtime's code are
within the flash (`_code_size`). Code, stack and variables of the application are in neither, so
what fits here may still be a little too large.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchsuite import plugins
from benchsuite.api import Device
from benchsuite.cell import all_ops, live_edges
from benchsuite.columns import Column, Direction
from benchsuite.errors import UserError
from benchsuite.network import OFFICIAL, Skeleton
from benchsuite.table import Values
from devices._code_size import all_code, all_static_ram, code_size
from devices._flash import all_total, all_weights
from devices._latency import all_latencies, interpolated_share
from devices._memory import CONVENTIONS, all_ram
from devices._runtimes import RUNTIMES

VERSION = "1"
SKELETONS = {"official": OFFICIAL["cifar10"], "mcu": Skeleton(cells_per_stage=1)}
FITS_VERSION = "2"
# The own kernels take the two columns of 16 bits that `ram.tinyengine` counts. MONAS and X-CUBE-AI
# publish no planner: the least any of them could need.
RAM_OF = {"tflm_cmsis_nn": "ram.tflm", "tinyengine": "ram.tinyengine", "own": "ram.tinyengine"}
_LEAST = "ram.best"
_CONSTANT = "no input-output path: the network is a constant"


def columns(extra: Sequence[Path] = ()) -> Iterator[Values]:
    """Yield the columns of every device and both skeletons; extra: folders with more devices."""
    found = plugins.find("devices", extra)
    devices = {name: plugins.load("devices", name, extra) for name in found}
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
            what = (
                f"1 if RAM ({RAM_OF.get(runtime, _LEAST)} and the runtime's variables) and flash "
                f"(flash.weights and its code) of the {label} network are within {name}"
                + f"; {missing}" * bool(missing)
            )
            column = _column(f"fits.{end}", what, "0 or 1", "none", "devices._columns, _code_size")
            column = replace(column, version=FITS_VERSION)
            yield Values(column, all_fits(device, runtime, skeleton) * 1)


def all_fits(
    device: Device, runtime: str, skeleton: Skeleton, code: bool = True
) -> NDArray[np.bool_]:
    """Return which cells [15625] fit a device under a runtime; code: whether it is counted.

    Raises UserError if the device's memories are not known.
    """
    if device.sram is None or device.flash is None:
        raise UserError("What fits cannot be said of a device whose SRAM or flash is not known.")
    ram, flash = all_ram(RAM_OF.get(runtime, _LEAST), skeleton), all_weights(skeleton)
    if code:
        ram = ram + all_static_ram(runtime, device.core, skeleton)
        flash = all_total(skeleton, all_code(runtime, device.core, skeleton))
    return np.asarray((ram <= device.sram) & (flash <= device.flash))


@dataclass(frozen=True)
class Fit:
    """How many of the 15,625 cells fit; without_code: if the runtime needed nothing itself.

    code, variables: bytes of the runtime, of the cell that needs most.
    """

    device: str
    runtime: str
    network: str
    code: int
    variables: int
    cells: int
    without_code: int


def fit_counts() -> list[dict[str, object]]:
    """Return a `Fit` of every device with known memories, runtime and skeleton, as records."""
    found = []
    for name in plugins.find("devices"):
        device = plugins.load("devices", name)
        if device.sram is None or device.flash is None:
            continue
        for runtime in device.runtimes:
            for label, skeleton in SKELETONS.items():
                code = int(all_code(runtime, device.core, skeleton).max())
                variables = int(all_static_ram(runtime, device.core, skeleton).max())
                counts = [int(all_fits(device, runtime, skeleton, c).sum()) for c in (True, False)]
                found.append(asdict(Fit(name, runtime, label, code, variables, *counts)))
    return found


def _column(name: str, what: str, unit: str, direction: Direction, source: str) -> Column:
    return Column(name, what, unit, direction, source, VERSION, "device")
