"""Cycles on a part per cycle of a pipeline model: what flash wait states and buses cost.

The models of `benchsuite.devices._emulation.pipeline` let memory answer at once. STM32 parts with a
Cortex-M4 fetch through the same flash accelerator; the factor was measured on one of them. It is
the default of every device with that core, shipped or not; a device that knows better says so.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MemoryFactor:
    """A factor and where it comes from."""

    value: float
    source: str


CORTEX_M4 = MemoryFactor(
    1.363,
    "NUCLEO-F446RE at 180 MHz, TFLM + CMSIS-NN: measured over counted cycles, median 1.36 of 24 "
    "additions and 1.39 of 1,407 single convolutions (quartiles 1.38 and 1.41); on an nRF52832 at "
    "64 MHz convolutions take 1.28, additions 1.13",
)
CORTEX_M7 = MemoryFactor(
    CORTEX_M4.value,
    "that of the Cortex-M4: no single operators were measured on a Cortex-M7 (two networks on an "
    "STM32H743 agree within 9 %, if it ran at the 480 MHz that its source does not state)",
)
CALIBRATED = {"cortex-m4": CORTEX_M4, "cortex-m7": CORTEX_M7}
_NOT_CALIBRATED = MemoryFactor(1.0, "not calibrated: memory that answers at once")


def of_core(core: str) -> MemoryFactor:
    """Return the factor of a core, 1 for one on which nobody measured it."""
    return CALIBRATED.get(core, _NOT_CALIBRATED)
