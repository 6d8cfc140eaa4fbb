"""A Cortex-A53 at 1.2 GHz, running plain C without NEON kernels.

It is that of EdgeNAS, which names no part.
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
