"""Epsilon: how far the outputs under two constant weights differ, relative to their mean.

All weights of convolutions and BN are one constant, biases 0. The pooled features of all images are
scaled to [0, 1] under each of the two; what is 0 there (the least) counts as missing. Constants and
their powers underflow in float32, as in the authors' code: a network whose features are all equal
then has no score, four of ten. In float64 most have one; where both do, they are the same to 1e-5.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from benchsuite.api import Missing, Passes, Proxy
from benchsuite.proxies._engine.wide import wide
from benchsuite.proxies._scoring.net import Net, as_net, unchanged

WEIGHTS = (1e-7, 1.0)


def features(net: Net, images: Tensor, weight: float) -> Tensor:
    """Return the pooled features under a constant weight, scaled to [0, 1], flat [B * C]."""
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.Conv2d | nn.BatchNorm2d | nn.Linear):
                module.weight.fill_(weight)
                if module.bias is not None:
                    module.bias.zero_()
        found: Tensor = wide(net(images, stop="pool").flatten())
    least, most = found.min(), found.max()
    scaled: Tensor = (found - least) / (most - least)
    return scaled


def epsilon(net: Net, images: Tensor) -> float:
    """Return mean |p_1 - p_2| / mean of both, of `features` p under the two weights."""
    with unchanged(net):
        both = torch.stack([features(net, images, weight) for weight in WEIGHTS])
    both[both == 0] = torch.nan
    return float((both[0] - both[1]).abs().nanmean() / both.nanmean())


def _score(passes: Passes) -> dict[str, float]:
    found = epsilon(as_net(passes.module()), passes.images)
    return {"": found if math.isfinite(found) else Missing(_ALIKE)}


_ALIKE = "all features are equal under one of the two constant weights, so none can be scaled"


PROXY = Proxy(
    version=1,
    direction="max",
    formula="mean |p - q| / mean(p, q), p and q the pooled features with all weights 1e-7 and 1, "
    "each scaled to [0, 1] over images and channels, without zeros; BN train",
    source="Gracheva, Trainless model performance estimation, Array 12, 2021; epsinas, released "
    "code, `NAS-Bench-201/epsinas_utils.py`",
    cost="forward",
    score=_score,
)
