"""Sum over layers of the norm of the loss gradient."""

from benchsuite.api import Passes, Proxy


def _score(passes: Passes) -> dict[str, float]:
    return {"": sum(float(grad.norm()) for grad in passes.gradients().weights.values())}


PROXY = Proxy(
    version=1,
    direction="max",
    formula="sum_l ||dL/dw_l||_2, L mean cross-entropy, w_l convolutions and classifier; BN train",
    source="Abdelfattah et al., Zero-Cost Proxies for Lightweight NAS, ICLR 2021, section 3.1",
    cost="backward",
    score=_score,
)
