"""STM32F765: Cortex-M7 at 216 MHz, 512 KiB SRAM, 2 MiB flash.

MCUNet, which states 1 MB of flash.
"""

from benchsuite.api import Device

DEVICE = Device(
    core="cortex-m7",
    clock=216e6,
    sram=512 * 1024,
    flash=2 * 1024 * 1024,
    runtimes=("own", "tflm_cmsis_nn", "x_cube_ai", "tinyengine"),
    source="data sheet DS11532; MCUNet section 4",
)
