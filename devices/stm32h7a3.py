"""STM32H7A3: Cortex-M7 at 280 MHz, 1 MiB AXI SRAM, 2 MiB flash (MLPerf Tiny)."""

from benchsuite.api import Device, Power

DEVICE = Device(
    core="cortex-m7",
    clock=280e6,
    sram=1024 * 1024,
    flash=2 * 1024 * 1024,
    runtimes=("tflm_cmsis_nn", "x_cube_ai"),
    source="data sheet DS13195 (AXI SRAM); MLPerf Tiny v1.2, systems/NUCLEO_H7A3ZI_Q.json",
    power=Power(
        0.12686,
        0.045239,
        "MLPerf Tiny v1.2, NUCLEO-H7A3ZI-Q, 3 V, SMPS, X-CUBE-AI 9.0 (tables/power.csv)",
    ),
)
