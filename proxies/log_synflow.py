"""Synaptic flow with logarithms of the gradients in place of the gradients.

Unlike `synflow`, the sum is not homogeneous in a layer's weights, so it is computed as it stands:
the network of |w| without BN, in float64, on one image of ones.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchsuite.api import Passes, Proxy
from benchsuite.proxies._scoring.net import Net, as_net, scored, without_bn


def log_flow(net: Net, image: Tensor) -> float:
    """Return sum |w log(1 + dR/dw)| over convolutions and classifier, image [1, 3, H, W].

    R: the sum of the logits. The network's weights become positive, its BNs the identity.
    """
    without_bn(net)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.abs_()
    weights = [module.weight for module in scored(net)]
    grads = torch.autograd.grad(net(image).sum(), weights)
    terms = [w.detach() * torch.log1p(g) for w, g in zip(weights, grads, strict=True)]
    return sum(float(term.abs().sum()) for term in terms)


def _score(passes: Passes) -> dict[str, float]:
    net = as_net(passes.module().double())
    return {"": log_flow(net, torch.ones_like(passes.images[:1], dtype=torch.float64))}


PROXY = Proxy(
    version=1,
    direction="max",
    formula="sum |w log(1 + dR/dw)| over convolutions and classifier, R = sum of logits of the "
    "network of |w| without BN on one image of ones, float64",
    source="Cavagnero et al., FreeREA, WACV 2023; released code, `metrics/synflow.py`",
    cost="backward",
    runs_on=("cpu", "cuda"),
    score=_score,
)
