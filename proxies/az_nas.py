"""Expressivity, progressivity, trainability and complexity, the four parts of AZ-NAS.

Features f_0 ... f_m are the outputs of the stem, of every cell and of every residual block, in
train mode. Expressivity is the sum over features of the entropy of their principal components'
shares of the variance; progressivity the smallest increase of that entropy from one feature to the
next; trainability the mean over blocks of 2 - s - 1/(s + 1e-6), s the largest singular value of
the mean product of gradients entering and leaving the block, those leaving it random signs. Where
a block halves the resolution its gradient's 2x2 neighbours become channels.

A block that passes every gradient on unchanged is untrainable: the authors' score is minus
infinity, here trainability is missing. Complexity is the FLOPs of the network that is scored,
without dead operators. As in the authors' code weights are Kaiming (fan-in) and images are N(0, 1)
noise, here as many as the batch has (theirs: 64). Real images are another quantity: progressivity
above all ranks cells differently on them. `az_nas_rank` puts the parts together.
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor
from torch.nn.functional import pixel_unshuffle

from benchsuite.api import Passes, Proxy
from benchsuite.proxies._scoring.net import Net, as_net, blocks, outputs, unchanged
from benchsuite.space.cost import flops

OUTPUTS = {
    "expressivity": "sum over blocks of the entropy of principal components [nat]",
    "progressivity": "smallest gain of that entropy from block to block [nat]",
    "trainability": "mean over blocks of 2 - s - 1/s, s the block's gradient gain",
    "complexity": "FLOPs of the network without dead operators",
}


def entropy(feature: Tensor) -> float:
    """Return the entropy of the shares of variance of a feature's [B, C, H, W] components."""
    rows = feature.transpose(0, 1).flatten(1)
    rows = rows - rows.mean(1, keepdim=True)
    variances = torch.linalg.eigvalsh((rows @ rows.T).double()).clamp(min=0)
    share = variances / variances.sum()
    return -float((share * torch.log(share + 1e-8)).sum())


def trainability(before: Tensor, after: Tensor, signs: Tensor) -> float:
    """Return 2 - s - 1/(s + 1e-6) of the block from one feature to the next, NaN if an identity.

    before [B, C, H, W] and after share a graph; signs has the shape of `after`.
    """
    (entering,) = torch.autograd.grad(after, before, signs)
    if entering.shape == signs.shape and torch.equal(entering, signs):
        return math.nan
    if entering.shape[2:] != signs.shape[2:]:
        entering = pixel_unshuffle(entering, entering.shape[2] // signs.shape[2])
    inward, outward = (g.transpose(0, 1).flatten(1) for g in (entering, signs))
    product = (inward @ outward.T).double() / outward.shape[1]
    s = float(torch.linalg.matrix_norm(product, ord=2))
    return 2 - s - 1 / (s + 1e-6)


def parts(net: Net, images: Tensor, source: torch.Generator) -> tuple[float, float, float]:
    """Return expressivity, progressivity and trainability; signs are drawn block by block."""
    names = blocks(net.network)
    with unchanged(net), outputs(net, names) as features:
        net(images, stop=names[-1])
        entropies = [entropy(features[name].detach()) for name in names]
        trainable = [
            trainability(before, after, _random_signs(after, source))
            for before, after in itertools.pairwise(features[name] for name in names)
        ]
    gains = [after - before for before, after in itertools.pairwise(entropies)]
    return sum(entropies), min(gains), sum(trainable) / len(trainable)


def _random_signs(like: Tensor, source: torch.Generator) -> Tensor:
    signs = 2 * torch.randint(2, like.shape, generator=source) - 1
    return signs.to(like.dtype)


def _score(passes: Passes) -> dict[str, float]:
    net = as_net(passes.module("kaiming"))
    source = passes.generator("az_nas")
    numbers = (*parts(net, passes.noise("az_nas"), source), float(flops(net.network)))
    return dict(zip(OUTPUTS, numbers, strict=True))


PROXY = Proxy(
    version=1,
    direction="max",
    formula="E = sum_l H(f_l); P = min_l H(f_l) - H(f_l-1); T = mean_l 2 - s_l - 1/(s_l + 1e-6)",
    source="Lee & Ham, AZ-NAS, CVPR 2024, section 3.1; released code, NB201",
    cost="backward",
    outputs=OUTPUTS,
    score=_score,
)
