"""STM32L432: Cortex-M4 at 80 MHz, 64 KiB SRAM, 256 KiB flash.

MONAS small; the paper states 128 KB of flash.
"""

from benchsuite.api import Device

DEVICE = Device(
    core="cortex-m4",
    clock=80e6,
    sram=64 * 1024,
    flash=256 * 1024,
    runtimes=("own", "tflm_cmsis_nn", "x_cube_ai"),
    source="data sheet DS11451; MONAS section 4",
)
