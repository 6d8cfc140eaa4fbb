"""SNIP: how much the loss changes to first order if single weights are removed, summed."""

from benchsuite.api import Passes, Proxy


def _score(passes: Passes) -> dict[str, float]:
    weights = passes.weights
    grads = passes.gradients().weights
    return {"": sum(float((weights[name] * grad).abs().sum()) for name, grad in grads.items())}


PROXY = Proxy(
    version=1,
    direction="max",
    formula="sum |w dL/dw| over convolutions and classifier; BN train",
    source="Lee et al., SNIP, ICLR 2019, eq. 6; as a proxy Abdelfattah et al., ICLR 2021",
    cost="backward",
    score=_score,
)
