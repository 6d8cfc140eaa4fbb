"""Linear regions of a thin network: distinct ReLU sign patterns over random 3x3 patches.

3,000 patches of one channel, cut at random from the batch's images, run in three batches of 1,000
through a network of 1 channel with one cell per stage and no stem, BN in train mode, Kaiming
weights; every patch gives the signs of all ReLUs up to the last. Two patches with the same signs
are taken to lie in one region. On 3x3 inputs the first residual block's shortcut is 1x1 and
broadcast over the 2x2 main branch, as in the authors' code.

The counts saturate: they cannot pass 1,000 and 3,000, and cells with many convolutions reach the
first. The authors' released code keeps only the first cell (`cell3000`), its paper speaks of the
thin network (`n3000`).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import batch_norm

from benchsuite.api import Passes, Proxy
from benchsuite.proxies._scoring.net import Net, as_net, outputs, unchanged
from benchsuite.space.network import Skeleton

BATCHES, SIZE = 3, 1000
_THIN = Skeleton(channels=1, cells_per_stage=1, resolution=4)
_CELL = "stage0.cell0.node3"


def patches(images: Tensor, count: int, source: torch.Generator) -> Tensor:
    """Return random crops [count, 1, 3, 3] of random channels of images [B, C, H, W]."""

    def pick(below: int) -> Tensor:
        return torch.randint(below, (count, 1, 1), generator=source).to(images.device)

    batch, channels, height, width = images.shape
    near = torch.arange(3, device=images.device)
    crops = images[
        pick(batch), pick(channels), pick(height - 2) + near[:, None], pick(width - 2) + near
    ]
    return crops[:, None]


def signs(net: Net, inputs: Tensor) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the signs [B, neurons] of all ReLUs, and of those of the first cell alone.

    inputs [B, 1, 3, 3] stand for the stem's output. The first cell alone ends, as the whole
    network does, in BN and ReLU.
    """
    with unchanged(net), torch.no_grad(), outputs(net, ["relu", _CELL]) as seen:
        net(inputs, start="stem.bn", stop="last.relu")
    end = batch_norm(seen.pop(_CELL), None, None, training=True)
    inside = [value for name, value in seen.items() if name.startswith("stage0.")]

    def positive(values: list[Tensor]) -> NDArray[np.bool_]:
        # Counted by the processor, on every device.
        return (torch.cat([value.flatten(1) for value in values], 1) > 0).cpu().numpy()

    return positive(list(seen.values())), positive([*inside, end])


def distinct(rows: NDArray[np.bool_]) -> int:
    """Return how many different rows a table [B, neurons] has."""
    packed = np.ascontiguousarray(np.packbits(rows, axis=1))
    return len(np.unique(packed.view(f"V{packed.shape[1]}")))


def _score(passes: Passes) -> dict[str, float]:
    net = as_net(passes.module("kaiming", _THIN))
    source = passes.generator("linear_regions")
    inputs = patches(passes.images, BATCHES * SIZE, source).view(BATCHES, SIZE, 1, 3, 3)
    whole, first = zip(*(signs(net, batch) for batch in inputs.unbind()), strict=True)
    return {
        "n1000": float(np.mean([distinct(rows) for rows in whole])),
        "n3000": float(distinct(np.concatenate(whole))),
        "cell3000": float(distinct(np.concatenate(first))),
    }


PROXY = Proxy(
    version=1,
    direction="max",
    unit="regions",
    formula="number of distinct ReLU sign patterns over random 3x3 patches",
    source="Chen et al., TE-NAS, ICLR 2021, section 3.1.2; Qiao et al., MONAS, section 3.1.2",
    cost="forward",
    outputs={
        "n1000": "linear regions among 1,000 patches, mean of three batches; at most 1,000",
        "n3000": "linear regions among 3,000 patches; at most 3,000",
        "cell3000": "linear regions of the first cell alone among 3,000 patches; at most 3,000",
    },
    own_setting="1 channel, one cell per stage, Kaiming weights, 3x3 patches of the images",
    score=_score,
    unpruned=True,
)
