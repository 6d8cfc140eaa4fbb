"""A Cortex-A53 at 1.2 GHz.

of EdgeNAS, which names no part), running plain C without NEON kernels.
"""

from benchsuite.api import Device

DEVICE = Device(
    core="cortex-a53",
    clock=1.2e9,
    sram=None,
    flash=None,
    runtimes=("own",),
    source="EdgeNAS section 3.2",
)
