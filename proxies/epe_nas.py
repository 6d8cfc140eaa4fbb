"""EPE-NAS: how correlated the input gradients of images of one class are."""

import torch

from benchsuite.api import Passes, Proxy
from benchsuite.proxies._engine.wide import wide

_K = 1e-5


def _score(passes: Passes) -> dict[str, float]:
    jacobian = wide(passes.jacobian)
    labels = passes.labels.to(jacobian.device)
    sums = []
    for label in torch.unique(labels):
        correlation = torch.corrcoef(jacobian[labels == label])
        total = (correlation.abs() + _K).log().sum()
        sums.append(total if passes.skeleton.classes <= 100 else total / correlation.numel() ** 0.5)
    per_class = torch.stack(sums)
    if passes.skeleton.classes <= 100:
        return {"": float(per_class.abs().sum())}
    return {"": float((per_class[:, None] - per_class).abs().sum() / len(per_class))}


PROXY = Proxy(
    version=1,
    direction="max",
    formula="sum over classes c of |s_c|, s_c = sum log(|corrcoef(J_c)| + k), J_c the rows "
    "d(sum f)/dx_b of class c, k = 1e-5; above 100 classes s_c over the class's size, and sum over "
    "pairs of |s_c - s_d| over the number of classes; BN train",
    source="Lopes et al., EPE-NAS, ICANN 2021, section 3 (and its code)",
    cost="backward",
    score=_score,
)
