"""Cycles on a part per cycle of a pipeline model: what flash wait states and buses cost.

The models of `_pipeline` let memory answer at once. For STM32 parts with a Cortex-M4, which fetch
through the same flash accelerator, the factor was measured on one: see CORTEX_M4.
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
    "NUCLEO-F446RE at 180 MHz, TFLM + CMSIS-NN: median of measured over counted cycles of 1,384 "
    "single convolutions (quartiles 1.29 and 1.40); the same for 24 additions",
)
CORTEX_M7 = MemoryFactor(
    CORTEX_M4.value,
    "that of the Cortex-M4, for want of measurements of single operators on a Cortex-M7",
)
