"""Sample-wise activation patterns: how many different sign columns 16 images make.

A neuron's column is the sign of its ReLU input on each image, so at most 2^16 = 65,536 columns
differ. BN in train mode. The authors draw weights N(0, 1), which BN makes equivalent up to the
shortcuts of residual blocks, and average 32 draws. Their size-regularised form has constants that
are not public for this space.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchsuite.api import Passes, Proxy
from benchsuite.proxies._scoring.net import Net, as_net, outputs, unchanged

IMAGES = 16


def distinct_columns(net: Net, images: Tensor) -> int:
    """Return how many sign patterns [B] the neurons of all ReLUs show on images [B, 3, H, W]."""
    place = 2.0 ** torch.arange(len(images), dtype=torch.float64)
    with unchanged(net), torch.no_grad(), outputs(net, ["relu"]) as seen:
        net(images)
    codes = [torch.unique(place @ (value.flatten(1) > 0).double()) for value in seen.values()]
    return len(torch.unique(torch.cat(codes)))


def _score(passes: Passes) -> dict[str, float]:
    images = passes.images[:IMAGES]
    return {"": float(distinct_columns(as_net(passes.module()), images))}


PROXY = Proxy(
    version=1,
    direction="max",
    unit="patterns",
    formula="number of distinct columns of A [16, neurons], A = [ReLU input > 0]",
    source="Peng et al., SWAP-NAS, ICLR 2024, Definition 3.2",
    cost="forward",
    score=_score,
)
