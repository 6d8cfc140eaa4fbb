"""EPE-NAS: how correlated the input gradients of images of one class are.

A class of which the batch has one image tells nothing of a network: above 100 classes the authors'
code drops it, which is most of them in a batch of 32. The score is missing where it would be the
same for all networks: without a class of two images or more, and above 100 classes, which are
compared with each other, with only one.
"""

import torch

from benchsuite.api import Missing, Passes, Proxy
from benchsuite.proxies._engine.wide import wide

_K = 1e-5
_SINGLE = "no class has two images in the batch"
_ALONE = "above 100 classes these are compared, and only one has two images in the batch"


def _score(passes: Passes) -> dict[str, float]:
    jacobian = wide(passes.jacobian)
    labels = passes.labels.to(jacobian.device)
    many = passes.skeleton.classes > 100
    present, sizes = torch.unique(labels, return_counts=True)
    telling = int((sizes > 1).sum())
    if telling < 1 + many:
        return {"": Missing(_ALONE if telling else _SINGLE)}
    sums = []
    for label in present:
        rows = jacobian[labels == label]
        if many and len(rows) == 1:
            continue
        total = (torch.corrcoef(rows).abs() + _K).log().sum()
        sums.append(total / len(rows) if many else total)
    per_class = torch.stack(sums)
    if not many:
        return {"": float(per_class.abs().sum())}
    return {"": float((per_class[:, None] - per_class).abs().sum() / len(per_class))}


PROXY = Proxy(
    version=2,
    direction="max",
    formula="sum over classes c of |s_c|, s_c = sum log(|corrcoef(J_c)| + k), J_c the rows "
    "d(sum f)/dx_b of class c, k = 1e-5; above 100 classes s_c over the class's size, of classes "
    "of two images or more, and sum over pairs of |s_c - s_d| over their number; BN train",
    source="Lopes et al., EPE-NAS, ICANN 2021, section 3 (and its code)",
    cost="backward",
    score=_score,
    needs_double=True,
)
