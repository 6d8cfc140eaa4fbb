"""EPE-NAS: how correlated the input gradients of images of one class are."""

import torch

from benchsuite.api import Proxy
from proxies._passes import Passes

_K = 1e-5


def _score(passes: Passes) -> dict[str, float]:
    jacobian, labels = passes.jacobian.double(), passes.batches[0].labels
    total = 0.0
    for label in labels.unique():
        correlation = torch.corrcoef(jacobian[labels == label])
        total += float((correlation.abs() + _K).log().sum().abs())
    return {"": total}


PROXY = Proxy(
    version=1,
    direction="max",
    formula="sum over classes c of |sum log(|corrcoef(J_c)| + k)|, J_c the rows d(sum f)/dx_b of "
    "class c, k = 1e-5 (the form for up to 100 classes); BN train",
    source="Lopes et al., EPE-NAS, ICANN 2021, eq. 6",
    cost="backward",
    score=_score,
)
