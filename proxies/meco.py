"""Smallest eigenvalues of the channel correlation of every feature map, for one image.

As in the authors' code the image is 64x64 and N(0, 1), whatever the network is trained on: with
32x32 images the last stage has as many channels as pixels, and its correlations are singular. A
channel that is constant correlates with nothing. Feature maps are the outputs of every
convolution, BN, ReLU, pooling and sum, once each; the authors' hooks also fire for the containers
of their code (an operator, a cell, a stage), so some of their maps count twice or more.
"""

from __future__ import annotations

from collections import defaultdict

import torch
from torch import Tensor

from benchsuite.api import Passes, Proxy
from benchsuite.proxies._scoring.net import Net, as_net, outputs, unchanged

KINDS = ("conv", "bn", "relu", "avg_pool", "add")
SIZE = 64


def smallest_eigenvalues(net: Net, image: Tensor) -> float:
    """Return the sum over feature maps of the smallest eigenvalue, image [1, 3, H, W]."""
    with unchanged(net), torch.no_grad(), outputs(net, KINDS) as seen:
        net(image)
    by_channels: dict[int, list[Tensor]] = defaultdict(list)
    for feature in seen.values():
        rows = feature[0].flatten(1).double()
        rows = rows - rows.mean(1, keepdim=True)
        rows = torch.nan_to_num(rows / rows.norm(dim=1, keepdim=True))
        by_channels[len(rows)].append(rows @ rows.T)
    return sum(
        float(torch.linalg.eigvalsh(torch.stack(matrices))[:, 0].sum())
        for matrices in by_channels.values()
    )


def _score(passes: Passes) -> dict[str, float]:
    source = passes.generator("meco")
    image = torch.randn((1, 3, SIZE, SIZE), generator=source).to(passes.dtype)
    return {"": smallest_eigenvalues(as_net(passes.module()), image)}


PROXY = Proxy(
    version=1,
    direction="max",
    formula="sum over feature maps of the smallest eigenvalue of corr [C, C]",
    source="Jiang et al., MeCo, NeurIPS 2023, section 4.2; released code, `meco.py`",
    cost="forward",
    score=_score,
)
