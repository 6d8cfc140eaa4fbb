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

from benchsuite.api import Missing, Passes, Proxy
from benchsuite.proxies._engine.forward import pixels
from benchsuite.proxies._engine.wide import wide
from benchsuite.proxies._scoring.net import blocks
from benchsuite.space.cost import flops

OUTPUTS = {
    "expressivity": "sum over blocks of the entropy of principal components [nat]",
    "progressivity": "smallest gain of that entropy from block to block [nat]",
    "trainability": "mean over blocks of 2 - s - 1/s, s the block's gradient gain",
    "complexity": "FLOPs of the network without dead operators",
}


def entropy(feature: Tensor) -> float:
    """Return the entropy of the shares of variance of a feature's [B, C, H, W] components."""
    rows = pixels(feature)
    rows = rows - rows.mean(0)
    variances = torch.linalg.eigvalsh(wide(rows.T @ rows)).clamp(min=0)
    share = variances / variances.sum()
    return -float((share * torch.log(share + 1e-8)).sum())


def gain(entering: Tensor, signs: Tensor) -> float:
    """Return 2 - s - 1/(s + 1e-6) of a block, NaN if it is an identity.

    entering [B, C, H, W]: gradient of its input, where that of its output is `signs`.
    """
    if entering.shape == signs.shape and torch.equal(entering, signs):
        return math.nan
    if entering.shape[2:] != signs.shape[2:]:
        entering = pixel_unshuffle(entering, entering.shape[2] // signs.shape[2])
    inward, outward = pixels(entering), pixels(signs)
    product = wide(inward.T @ outward) / len(outward)
    s = float(torch.linalg.matrix_norm(product, ord=2))
    return 2 - s - 1 / (s + 1e-6)


def parts(passes: Passes, images: Tensor, source: torch.Generator) -> tuple[float, float, float]:
    """Return expressivity, progressivity and trainability; signs are drawn block by block."""
    ends = [passes.places[name] for name in blocks(passes.trained)]
    entropies, shapes = dict.fromkeys(ends, 0.0), dict.fromkeys(ends, torch.Size())

    def see(at: int, output: Tensor) -> None:
        if at in entropies:
            entropies[at], shapes[at] = entropy(output), output.shape

    tape = passes.forward(images, "kaiming", see)
    trainable = []
    for before, after in itertools.pairwise(ends):
        signs = 2 * torch.randint(2, shapes[after], generator=source) - 1
        signs = signs.to(passes.device, passes.dtype).contiguous(memory_format=torch.channels_last)
        trainable.append(gain(tape.between(before, after, signs), signs))
    found = [entropies[at] for at in ends]
    gains = [after - before for before, after in itertools.pairwise(found)]
    return sum(found), min(gains), sum(trainable) / len(trainable)


def _score(passes: Passes) -> dict[str, float]:
    found = parts(passes, passes.noise("az_nas"), passes.generator("az_nas"))
    numbers = dict(zip(OUTPUTS, (*found, float(flops(passes.trained))), strict=True))
    if math.isnan(numbers["trainability"]):
        numbers["trainability"] = Missing("a block passes every gradient on unchanged")
    return numbers


PROXY = Proxy(
    version=1,
    direction="max",
    formula="E = sum_l H(f_l); P = min_l H(f_l) - H(f_l-1); T = mean_l 2 - s_l - 1/(s_l + 1e-6)",
    source="Lee & Ham, AZ-NAS, CVPR 2024, section 3.1; released code, NB201",
    cost="backward",
    outputs=OUTPUTS,
    own_setting="Kaiming fan-in weights, N(0, 1) noise for images",
    score=_score,
)
