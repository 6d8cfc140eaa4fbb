"""Columns of the devices: latency, RAM, flash and what fits, for two skeletons.

`official` is the CIFAR-10 network of NAS-Bench-201 with five cells per stage, `mcu` the same with
one. RAM and flash belong to the network and the convention, not to the part.

A cell fits a part under a runtime if its RAM, by the runtime's convention, is within the SRAM and
its constants (`flash.weights`) within the flash. The code of the runtime and of the application
is in neither, so what fits here may still be a little too large.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchsuite import plugins
from benchsuite.api import Device
from benchsuite.cell import all_ops, live_edges
from benchsuite.columns import Column, Direction
from benchsuite.network import OFFICIAL, Skeleton
from benchsuite.table import Values
from devices._flash import all_weights
from devices._latency import all_latencies, interpolated_share
from devices._memory import CONVENTIONS, all_ram
from devices._runtimes import RUNTIMES

VERSION = "1"
SKELETONS = {"official": OFFICIAL["cifar10"], "mcu": Skeleton(cells_per_stage=1)}
# MONAS, X-CUBE-AI and the own kernels publish no planner: the least any of them could need.
RAM_OF = {"tflm_cmsis_nn": "ram.tflm", "tinyengine": "ram.tinyengine"}
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
        if device.sram is None or device.flash is None:
            continue
        ram = RAM_OF.get(runtime, _LEAST)
        fits = (all_ram(ram, skeleton) <= device.sram) & (all_weights(skeleton) <= device.flash)
        what = f"1 if {ram} and flash.weights of the {label} network are within {name}"
        yield Values(_column(f"fits.{end}", what, "0 or 1", "none", "devices._columns"), fits * 1)


def _column(name: str, what: str, unit: str, direction: Direction, source: str) -> Column:
    return Column(name, what, unit, direction, source, VERSION, "device")
