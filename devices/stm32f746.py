"""STM32F746: Cortex-M7 at 216 MHz, 320 KiB SRAM, 1 MiB flash (MONAS large, MCUNet)."""

from benchsuite.api import Device

DEVICE = Device(
    core="cortex-m7",
    clock=216e6,
    sram=320 * 1024,
    flash=1024 * 1024,
    runtimes=("own", "tflm_cmsis_nn", "tflm_cmsis_nn_os", "x_cube_ai", "tinyengine"),
    source="data sheet DS10916; MONAS section 4",
)
