"""STM32H743: Cortex-M7 at 480 MHz, 512 KiB of one piece of SRAM, 2 MiB flash (MCUNet, µNAS)."""

from benchsuite.api import Device

DEVICE = Device(
    core="cortex-m7",
    clock=480e6,
    sram=512 * 1024,
    flash=2 * 1024 * 1024,
    runtimes=("own", "tflm_cmsis_nn", "x_cube_ai", "tinyengine"),
    source="data sheet DS12110; MCUNet section 4; µNAS section 5",
)
