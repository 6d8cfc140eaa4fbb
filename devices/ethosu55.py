"""Ethos-U55 NPU with 128 MACs per cycle at 500 MHz, as Arm's compiler Vela estimates it (UDC).

The NPU is a block that chip makers build in: memories are those of the chip, so none are named.
Clock and memory speeds are those of the system `Ethos_U55_High_End_Embedded` in Vela's
`Arm/vela.ini`; UDC names neither a system nor a size of the NPU.
"""

from benchsuite.api import Device

DEVICE = Device(
    core="ethosu55-128",
    clock=500e6,
    sram=None,
    flash=None,
    runtimes=("vela",),
    source="UDC section 1; Arm/vela.ini of ethos-u-vela 5.2.0, Ethos_U55_High_End_Embedded",
    memory_factor=1.0,
    memory_factor_source="none: SRAM and flash traffic are in Vela's estimate",
)
