"""STM32U585: Cortex-M33 at 160 MHz, 768 KiB SRAM, 2 MiB flash (ST model zoo)."""

from benchsuite.api import Device

DEVICE = Device(
    core="cortex-m33",
    clock=160e6,
    sram=768 * 1024,
    flash=2 * 1024 * 1024,
    runtimes=("x_cube_ai",),
    source="data sheet DS13086 (SRAM1 to SRAM3); ST model zoo, B-U585I-IOT02A",
)
