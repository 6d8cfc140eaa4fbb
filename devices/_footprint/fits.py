"""What fits a device: RAM and flash within the part, by the runtime's convention.

A cell fits a part under a runtime if its RAM, by the runtime's convention and with the runtime's
variables, is within the SRAM, and its constants (`flash.weights`) with the runtime's code are
within the flash (`_code_size`). Code, stack and variables of the application are in neither, so
what fits here may still be a little too large.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.api import Device
from benchsuite.deployment.flash import all_total, all_weights
from benchsuite.deployment.ram import all_ram
from benchsuite.devices._footprint.code_size import all_code, all_static_ram
from benchsuite.errors import UserError
from benchsuite.space.network import SKELETONS, Skeleton

# The own kernels take the two columns of 16 bits that `ram.tinyengine` counts. X-CUBE-AI publishes
# no planner: the least that it could need.
_RAM_OF = {
    "tflm_cmsis_nn": "ram.tflm",
    "tflm_cmsis_nn_os": "ram.tflm",
    "tinyengine": "ram.tinyengine",
    "own": "ram.tinyengine",
}
_LEAST = "ram.best"
# What X-CUBE-AI reported for activations over `ram.best`, least and most of 12 published networks.
X_CUBE_AI_OVER_BEST = (0.62, 1.87)


@dataclass(frozen=True)
class Fit:
    """How many of the 15,625 cells fit; without_code: if the runtime needed nothing itself.

    code, variables: bytes of the runtime, of the cell that needs most.
    """

    device: str
    runtime: str
    dataset: str
    skeleton: str
    code: int
    variables: int
    cells: int
    without_code: int


def ram_of(runtime: str) -> str:
    """Return the RAM convention of a runtime."""
    return _RAM_OF.get(runtime, _LEAST)


def all_fits(
    device: Device, runtime: str, skeleton: Skeleton, code: bool = True
) -> NDArray[np.bool_]:
    """Return which cells [15625] fit a device under a runtime; code: whether it is counted.

    Raises UserError if the device's memories are not known.
    """
    if device.sram is None or device.flash is None:
        raise UserError("What fits cannot be said of a device whose SRAM or flash is not known.")
    ram, flash = all_ram(ram_of(runtime), skeleton), all_weights(skeleton)
    if code:
        ram = ram + all_static_ram(runtime, device.core, skeleton)
        flash = all_total(skeleton, all_code(runtime, device.core, skeleton))
    return np.asarray((ram <= device.sram) & (flash <= device.flash))


def counts(devices: Mapping[str, Device]) -> Iterator[Fit]:
    """Yield a `Fit` of every device with known memories, runtime and network."""
    networks = [(d, label, s) for label, of in SKELETONS.items() for d, s in of.items()]
    for name, device in devices.items():
        if device.sram is None or device.flash is None:
            continue
        for runtime, (dataset, label, skeleton) in itertools.product(device.runtimes, networks):
            code = int(all_code(runtime, device.core, skeleton).max())
            variables = int(all_static_ram(runtime, device.core, skeleton).max())
            fitting = [int(all_fits(device, runtime, skeleton, c).sum()) for c in (True, False)]
            yield Fit(name, runtime, dataset, label, code, variables, *fitting)
