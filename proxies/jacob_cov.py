"""Jacobian covariance: how uncorrelated the images' input gradients are."""

import torch

from benchsuite.api import Missing, Passes, Proxy
from benchsuite.proxies._engine.wide import wide

_K = 1e-5


def _score(passes: Passes) -> dict[str, float]:
    correlation = torch.corrcoef(wide(passes.jacobian))
    if not torch.isfinite(correlation).all():
        return {"": Missing("an image's input gradient is constant or not finite")}
    values = torch.linalg.eigvalsh(correlation) + _K
    return {"": float(-(values.log() + 1 / values).sum())}


PROXY = Proxy(
    version=1,
    direction="max",
    formula="-sum(log(v + k) + 1/(v + k)), v eigenvalues of corrcoef(J), J_b = d(sum f)/dx_b, "
    "k = 1e-5; BN train",
    source="Mellor et al., arXiv:2006.04647v1, 2020; Abdelfattah et al., ICLR 2021",
    cost="backward",
    score=_score,
)
