"""Norm of the loss gradient over all layers together."""

import math

from benchsuite.api import Passes, Proxy


def _score(passes: Passes) -> dict[str, float]:
    grads = passes.gradients().weights.values()
    return {"": math.sqrt(sum(float(grad.norm()) ** 2 for grad in grads))}


PROXY = Proxy(
    version=1,
    direction="max",
    formula="sqrt(sum_l ||dL/dw_l||_2^2), over convolutions and classifier; BN train",
    source="the global gradient norm of Tybl & Neumann, VKDNW, CVPR 2025, Table 1",
    cost="backward",
    score=_score,
)
