"""STM32F412: Cortex-M4 at 100 MHz, 256 KiB SRAM, 1 MiB flash (MCUNet)."""

from benchsuite.api import Device

DEVICE = Device(
    core="cortex-m4",
    clock=100e6,
    sram=256 * 1024,
    flash=1024 * 1024,
    runtimes=("own", "tflm_cmsis_nn", "x_cube_ai"),
    source="data sheet DS11139; MCUNet section 4",
)
