"""NEAR: effective ranks of the layers' outputs before and after their activations.

Of every convolution, BN, ReLU and of the classifier, one square matrix [C, C] is taken: a row per
image and pixel (image by image, column of pixels by column), as many rows as channels from a random
start that is a multiple of the width. A start near the end leaves fewer rows, as in the authors'
code: of 32 images of 16x16 pixels one draw in nine in the last stage, down to 8 of 64. Layers
with fewer rows than channels give all they have; the authors' code would draw another batch. Dead
operators are left out here; their code sees layers in dead ends too.
"""

from __future__ import annotations

import math
from collections import defaultdict

import torch
from torch import Tensor

from benchsuite.api import Passes, Proxy
from benchsuite.proxies._engine.wide import wide
from benchsuite.proxies._scoring.net import Net, as_net, outputs, unchanged

KINDS = ("conv", "bn", "relu", "linear")


def effective_ranks(matrices: Tensor) -> Tensor:
    """Return exp(-sum p log p) of each matrix [N, R, C], p = s / sum s its singular values' shares.

    A matrix of zeros has the rank 0.
    """
    values = torch.linalg.svdvals(matrices)
    total = values.sum(1, keepdim=True)
    shares = values / total
    ranks = torch.special.entr(shares).sum(1).exp()
    return torch.where(total[:, 0] > 0, ranks, torch.zeros_like(ranks))


def rows(output: Tensor, source: torch.Generator) -> Tensor:
    """Return the consecutive rows [min(R, C), C] that stand for an output [B, C, (H, W)]."""
    width = output.shape[-1]
    if output.dim() > 2:
        output = output.transpose(1, 3).flatten(0, 2)
    starts = len(output) // width - 1
    start = int(torch.randint(starts, (), generator=source)) * width if starts > 0 else 0
    return output[start : start + output.shape[1]]


def score(net: Net, images: Tensor, source: torch.Generator) -> float:
    """Return the sum of the effective ranks on images [B, 3, H, W]."""
    with unchanged(net), torch.no_grad(), outputs(net, KINDS) as seen:
        net(images)
    by_shape: dict[tuple[int, ...], list[Tensor]] = defaultdict(list)
    for output in seen.values():
        matrix = wide(rows(output, source))
        by_shape[tuple(matrix.shape)].append(matrix)
    ranks = (float(effective_ranks(torch.stack(of)).sum()) for of in by_shape.values())
    return math.fsum(ranks)


def _score(passes: Passes) -> dict[str, float]:
    return {"": score(as_net(passes.module()), passes.images, passes.generator("near"))}


PROXY = Proxy(
    version=1,
    direction="max",
    formula="sum over layers of exp(entropy(s / sum s)), s the singular values of C rows of the "
    "output of every convolution, BN, ReLU and the classifier; BN train",
    source="Husistein et al., NEAR, ICLR 2025; released code, `near_score.py`",
    cost="forward",
    score=_score,
)
