"""Smallest eigenvalues of the channel correlation of every feature map, for one image.

As in the authors' code the image is 64x64 and N(0, 1), whatever the network is trained on: with
32x32 images the last stage has as many channels as pixels, and its correlations are singular. A
channel that is constant correlates with nothing. Feature maps are the outputs of every
convolution, BN, ReLU, pooling and sum, once each; the authors' hooks also fire for the containers
of their code (an operator, a cell, a stage), so some of their maps count twice or more.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

import torch
from torch import Tensor

from benchsuite.api import Passes, Proxy
from benchsuite.proxies._engine.wide import wide

KINDS = ("conv", "bn", "relu", "avg_pool", "add")
SIZE = 64


def times(passes: Passes) -> Counter[int]:
    """Return how often the map at a position of the passes' network counts.

    BN scales and shifts channels, which correlate as before it: its map is that which it reads.
    """
    layers, counted = passes.network.layers, Counter[int]()
    for layer in passes.trained.layers:
        at = passes.places.get(layer.name)
        if at is not None and layer.kind in KINDS:
            counted[layers[at].inputs[0] if layers[at].kind == "bn" else at] += 1
    return counted


def smallest_eigenvalues(passes: Passes, image: Tensor) -> float:
    """Return the sum over feature maps of the smallest eigenvalue, image [1, 3, H, W]."""
    counted = times(passes)
    by_channels: Mapping[int, list[tuple[int, Tensor]]] = defaultdict(list)

    def see(at: int, output: Tensor) -> None:
        if at in counted:
            rows = wide(output[0].flatten(1))
            rows = rows - rows.mean(1, keepdim=True)
            rows = torch.nan_to_num(rows / rows.norm(dim=1, keepdim=True))
            by_channels[len(rows)].append((counted[at], rows @ rows.T))

    passes.forward(image, see=see)
    total = 0.0
    for found in by_channels.values():
        counts, matrices = zip(*found, strict=True)
        smallest = torch.linalg.eigvalsh(torch.stack(matrices))[:, 0]
        total += float(smallest @ torch.tensor(counts, dtype=smallest.dtype).to(smallest.device))
    return total


def _score(passes: Passes) -> dict[str, float]:
    source = passes.generator("meco")
    image = torch.randn((1, 3, SIZE, SIZE), generator=source)
    return {"": smallest_eigenvalues(passes, image)}


PROXY = Proxy(
    version=1,
    direction="max",
    formula="sum over feature maps of the smallest eigenvalue of corr [C, C]",
    source="Jiang et al., MeCo, NeurIPS 2023, section 4.2; released code, `meco.py`",
    cost="forward",
    own_setting="one 64x64 image of N(0, 1) noise",
    score=_score,
    unpruned=True,
)
