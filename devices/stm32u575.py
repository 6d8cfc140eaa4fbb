"""STM32U575: Cortex-M33 at 160 MHz, 768 KiB SRAM, 2 MiB flash (MLPerf Tiny)."""

from benchsuite.api import Device, Power

DEVICE = Device(
    core="cortex-m33",
    clock=160e6,
    sram=768 * 1024,
    flash=2 * 1024 * 1024,
    runtimes=("x_cube_ai",),
    source="data sheet DS13737 (SRAM1 to SRAM3); MLPerf Tiny v1.3, systems/NUCLEO_U575ZI_Q.json",
    power=Power(
        0.0235464,
        0.0201815,
        "MLPerf Tiny v1.3, NUCLEO-U575ZI-Q, 1.8 V, SMPS, X-CUBE-AI 10.2 (tables/power.csv)",
    ),
)
