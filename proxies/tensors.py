"""Number of parameter tensors of the network as trained, dead operators included."""

from benchsuite.api import Proxy
from benchsuite.space.cost import all_tensors

PROXY = Proxy(
    version=1,
    direction="max",
    unit="tensors",
    formula="1 per convolution, 2 per BN, 2 for the classifier",
    source="Tybl & Neumann, VKDNW, CVPR 2025, Table 1 (#trainable layers)",
    cost="analytic",
    all_cells=lambda skeleton: {"": all_tensors(skeleton)},
)
