"""Signed sum of weight times loss gradient."""

from benchsuite.api import Passes, Proxy


def _score(passes: Passes) -> dict[str, float]:
    weights = passes.weights
    grads = passes.gradients().weights
    return {"": sum(float((weights[name] * grad).sum()) for name, grad in grads.items())}


PROXY = Proxy(
    version=1,
    direction="max",
    formula="sum w dL/dw over convolutions and classifier, with sign; BN train. A convolution "
    "before BN is scale invariant and adds nothing: shortcuts and classifier decide",
    source="`plain` of Abdelfattah et al., ICLR 2021 (code); NAS-Bench-Suite-Zero, 2022",
    cost="backward",
    score=_score,
    average="log",
    needs_double=True,
)
