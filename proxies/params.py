"""Trainable parameters of the network as trained, dead operators included."""

from benchsuite.api import Proxy
from benchsuite.space.cost import all_params

PROXY = Proxy(
    version=1,
    direction="max",
    unit="parameters",
    formula="sum over layers of weights, biases, scales and offsets",
    source="Dong & Yang, NAS-Bench-201, ICLR 2020, section 2.4",
    cost="analytic",
    all_cells=lambda skeleton: {"": all_params(skeleton)},
)
