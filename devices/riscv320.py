"""A generic RV32IMC at 320 MHz (the RISC-V of EdgeNAS, which names no part and no memories)."""

from benchsuite.api import Device

DEVICE = Device(
    core="rv32imc",
    clock=320e6,
    sram=None,
    flash=None,
    runtimes=("own",),
    source="EdgeNAS section 3.2",
)
