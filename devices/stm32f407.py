"""STM32F407: Cortex-M4 at 168 MHz, 192 KiB SRAM, 1 MiB flash (the Cortex-M4 clock of EdgeNAS).

64 KiB of the SRAM are core-coupled memory at another address: a single array has 128 KiB.
"""

from benchsuite.api import Device

DEVICE = Device(
    core="cortex-m4",
    clock=168e6,
    sram=192 * 1024,
    flash=1024 * 1024,
    runtimes=("own", "tflm_cmsis_nn", "x_cube_ai"),
    source="data sheet DS8626; EdgeNAS section 3.2",
)
