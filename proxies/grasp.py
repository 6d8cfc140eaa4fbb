"""GraSP: what removing single weights does to the norm of the gradient, summed."""

from benchsuite.api import Passes, Proxy


def _score(passes: Passes) -> dict[str, float]:
    return {"": -passes.grad_hessian_weights}


PROXY = Proxy(
    version=1,
    direction="max",
    formula="sum -w (H g) = -g^T H w, g and H of the mean cross-entropy with respect to "
    "convolutions and classifier, exact; BN train",
    source="Wang et al., GraSP, ICLR 2020, eq. 8; as a proxy Abdelfattah et al., ICLR 2021",
    cost="backward",
    score=_score,
    average="log",
    needs_double=True,
)
