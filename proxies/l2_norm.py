"""Sum over layers of the norm of the weights.

Of the network without dead operators; the authors' code adds the norms of these too.
"""

from benchsuite.api import Passes, Proxy
from benchsuite.proxies._engine.weights import scored


def _score(passes: Passes) -> dict[str, float]:
    weights = passes.weights
    return {"": sum(float(weights[layer.name].norm()) for layer in scored(passes.network.layers))}


PROXY = Proxy(
    version=1,
    direction="max",
    formula="sum_l ||w_l||_2 over convolutions and classifier",
    source="Abdelfattah et al., ICLR 2021 (code); NAS-Bench-Suite-Zero, 2022",
    cost="forward",
    score=_score,
)
