"""FLOPs of the network as trained, dead operators included."""

from benchsuite.api import Proxy
from benchsuite.space.cost import all_flops

PROXY = Proxy(
    version=1,
    direction="max",
    unit="FLOPs",
    formula="sum over convolutions and the classifier of k^2 C_in C_out H W, plus its bias",
    source="Dong & Yang, NAS-Bench-201, ICLR 2020, section 2.4",
    cost="analytic",
    all_cells=lambda skeleton: {"": all_flops(skeleton)},
)
