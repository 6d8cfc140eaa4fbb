"""Joules of one inference on a device, with an interval, or the reason why they are not known.

    energy = power * latency,    error^2 = power error^2 + latency error^2

The power of a device is that of one set-up (`Device.power`), measured under X-CUBE-AI. It stands
for every runtime: two libraries of kernels on one board and set-up (microTVM with CMSIS-NN and its
own) drew 51.9 and 53.7 mW, so that a runtime moves it by 3 %, within the power's error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.api import Device
from benchsuite.devices._latency.runtimes import runtime

UNKNOWN = (
    "no mean power of this device was measured: a device names one as power=Power(watts, error, "
    "source)"
)


@dataclass(frozen=True)
class Energy:
    """Joules of one inference; least, most: the ends of the interval; why_not: empty if known."""

    joules: float
    least: float
    most: float
    why_not: str = ""


def energy(device: Device, runtime_name: str, seconds: float, error: float = 0.0) -> Energy:
    """Return the joules that a device takes for so many seconds of inference under a runtime.

    seconds: latency [s]; error: of the latency, as a fraction. Where no power of the device is
    known all three numbers are NaN and `why_not` says so. Raises UserError if the device lacks the
    runtime.

    >>> from benchsuite import plugins
    >>> part = plugins.load("devices", "stm32l4r5")
    >>> f"{energy(part, 'x_cube_ai', 0.1).joules * 1e3:.2f} mJ"
    '4.17 mJ'
    >>> energy(plugins.load("devices", "stm32f746"), "own", 0.1).why_not[:28]
    'no mean power of this device'
    """
    runtime(device, runtime_name)
    if device.power is None:
        return Energy(math.nan, math.nan, math.nan, UNKNOWN)
    joules = float(energies(device, np.array(seconds)))
    off = math.hypot(device.power.error, error)
    return Energy(joules, joules * max(1 - off, 0.0), joules * (1 + off))


def energies(device: Device, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the joules [N] of latencies [N, s]; NaN where the power of the device is not known."""
    return seconds * (math.nan if device.power is None else device.power.watts)
