"""What fits a device: RAM and flash within the part, by the runtime's convention.

A cell fits a part under a runtime if its RAM, by the runtime's convention and with the runtime's
variables, is within the SRAM, and its constants (`flash.weights`) with the runtime's code are
within the flash (`_code_size`). Code, stack and variables of the application are in neither, so
what fits here may still be a little too large.

X-CUBE-AI publishes no planner. Over 12 published networks its activations take .62 to 1.87 times
`ram.best` (`X_CUBE_AI_OVER_BEST`): a cell fits if the most of that does, does not if the least does
not, and may fit in between. TensorFlow Lite Micro's arena is a range as well, a narrower one: an
application without resource variables needs less than `ram.tflm`, and CMSIS-NN's scratch buffers
lie in gaps or on top of it (see `benchsuite.deployment.arena`). Under a runtime whose code or
variables are not known (TinyEngine's variables are not) no cell fits for sure.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.api import Device
from benchsuite.deployment.arena import SAVED, scratch
from benchsuite.deployment.flash import all_total, all_weights
from benchsuite.deployment.ram import all_ram
from benchsuite.devices._footprint.code_size import all_code, all_static_ram, code_size
from benchsuite.errors import UserError
from benchsuite.space.cell import connected
from benchsuite.space.network import SKELETONS, Skeleton

# The own kernels take the two columns of 16 bits that `ram.tinyengine` counts.
_RAM_OF = {
    "tflm_cmsis_nn": "ram.tflm",
    "tflm_cmsis_nn_os": "ram.tflm",
    "tinyengine": "ram.tinyengine",
    "own": "ram.tinyengine",
}
_LEAST = "ram.best"
Ram = Callable[[str, Skeleton], NDArray[np.int64]]  # of a convention and a network, by cell
# The second 3x3 convolution of the second residual block reads four times the skeleton's channels.
_LARGEST_WINDOW = 3 * 3 * 4
# What X-CUBE-AI reported for activations over `ram.best`, least and most of 12 published networks.
X_CUBE_AI_OVER_BEST = (0.62, 1.87)


@dataclass(frozen=True)
class Fit:
    """How many of the 15,625 cells fit, and how many more may.

    without_code: how many would fit if the runtime needed nothing itself; code, variables: bytes of
    the runtime, of the cell that needs most.
    """

    device: str
    runtime: str
    dataset: str
    skeleton: str
    code: int
    variables: int
    cells: int
    maybe: int
    without_code: int


def ram_of(runtime: str) -> str:
    """Return the RAM convention of a runtime."""
    return _RAM_OF.get(runtime, _LEAST)


def all_fits(
    device: Device, runtime: str, skeleton: Skeleton, code: bool = True, ram_by: Ram = all_ram
) -> NDArray[np.float64]:
    """Return which cells [15625] fit a device under a runtime: 1 yes, 0.5 maybe, 0 no.

    code: whether the runtime's code and variables are counted; ram_by: where the RAM of all cells
    is known from. Raises UserError if the device's memories are not known.
    """
    if device.sram is None or device.flash is None:
        raise UserError("What fits cannot be said of a device whose SRAM or flash is not known.")
    ram, flash = ram_by(ram_of(runtime), skeleton), all_weights(skeleton)
    least, most = ram_range(runtime, ram, skeleton)
    if code:
        variables = all_static_ram(runtime, device.core, skeleton)
        flash = all_total(skeleton, all_code(runtime, device.core, skeleton))
        least, most = least + variables, most + variables
        if code_size(runtime, device.core).missing:
            most = np.full_like(most, np.inf)  # Nobody knows how much more the runtime takes.
    ends = [end <= device.sram for end in (least, most)]
    return np.asarray(np.mean(ends, axis=0) * (flash <= device.flash), dtype=np.float64)


def ram_range(
    runtime: str, ram: NDArray[np.int64] | NDArray[np.float64], skeleton: Skeleton
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the least and most RAM [15625, bytes] of a runtime, of what its convention says."""
    size = ram.astype(np.float64)
    if runtime == "x_cube_ai":
        least, most = X_CUBE_AI_OVER_BEST
        return np.floor(least * size), np.ceil(most * size)
    if ram_of(runtime) != "ram.tflm":
        return size, size
    runs = connected()  # The others are a constant, without an interpreter.
    return size - SAVED * runs, size + scratch(_LARGEST_WINDOW * skeleton.channels) * runs


def counts(devices: Mapping[str, Device], ram_by: Ram = all_ram) -> Iterator[Fit]:
    """Yield a `Fit` of every device with known memories, runtime and network."""
    networks = [(d, label, s) for label, of in SKELETONS.items() for d, s in of.items()]
    for name, device in devices.items():
        if device.sram is None or device.flash is None:
            continue
        for runtime, (dataset, label, skeleton) in itertools.product(device.runtimes, networks):
            code = int(all_code(runtime, device.core, skeleton).max())
            variables = int(all_static_ram(runtime, device.core, skeleton).max())
            fits, bare = (all_fits(device, runtime, skeleton, c, ram_by) for c in (True, False))
            numbers = ((fits == 1).sum(), (fits == 0.5).sum(), (bare == 1).sum())
            yield Fit(name, runtime, dataset, label, code, variables, *map(int, numbers))
