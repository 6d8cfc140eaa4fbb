"""STM32L4R5: Cortex-M4 at 120 MHz, 640 KiB SRAM, 2 MiB flash.

The reference board of MLPerf Tiny.
"""

from benchsuite.api import Device, Power

DEVICE = Device(
    core="cortex-m4",
    clock=120e6,
    sram=640 * 1024,
    flash=2 * 1024 * 1024,
    runtimes=("own", "tflm_cmsis_nn", "tflm_cmsis_nn_os", "x_cube_ai"),
    source="data sheet DS12023; MLPerf Tiny v0.5",
    power=Power(
        0.0416752,
        0.0479372,
        "MLPerf Tiny v1.2, NUCLEO-L4R5ZI, 1.8 V, single bank, X-CUBE-AI 9.0 (tables/power.csv)",
    ),
)
