"""STM32U385: Cortex-M33 at 96 MHz, 256 KiB SRAM, 1 MiB flash (MLPerf Tiny)."""

from benchsuite.api import Device, Power

DEVICE = Device(
    core="cortex-m33",
    clock=96e6,
    sram=256 * 1024,
    flash=1024 * 1024,
    runtimes=("x_cube_ai",),
    source="MLPerf Tiny v1.3, closed/STMicroelectronics/systems/NUCLEO_U385RG_Q.json",
    power=Power(
        0.00538672,
        0.0617074,
        "MLPerf Tiny v1.3, NUCLEO-U385RG-Q, 1.8 V, SMPS, X-CUBE-AI 10.2 (tables/power.csv)",
    ),
)
