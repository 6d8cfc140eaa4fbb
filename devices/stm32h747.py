"""STM32H747: Cortex-M7 at 400 MHz, 512 KiB AXI SRAM, 2 MiB flash (ST model zoo).

The part allows 480 MHz; the board of the model zoo ran at 400.
"""

from benchsuite.api import Device

DEVICE = Device(
    core="cortex-m7",
    clock=400e6,
    sram=512 * 1024,
    flash=2 * 1024 * 1024,
    runtimes=("tflm_cmsis_nn", "x_cube_ai"),
    source="data sheet DS12930 (AXI SRAM); ST model zoo, STM32H747I-DISCO",
)
