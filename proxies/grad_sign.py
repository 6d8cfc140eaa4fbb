"""How often the images' own gradients agree in sign, summed over all weights.

Every image is a batch of its own, as in the authors' code, so BN in train mode normalises it by its
own pixels. That code takes the mean over the weights of a network that holds all operators a cell
may choose from, as many for every cell: the sum, but for a factor. Over the weights of the cell's
own network, as in AZ-NAS' port, a mean no longer counts them and ranks cells another way:
`grad_sign.mean`. (VKDNW's port counts weights of dead operators too, as zeros.)

Signs of rounding count as those of gradients do. On images of 8x8 pixels the last stage's maps are
2x2, of which a 3x3 pooling makes one number; BN of one image then leaves nothing but rounding. Ask
for 12x12 or more.
"""

from __future__ import annotations

import torch

from benchsuite.api import Passes, Proxy
from benchsuite.proxies._engine.forward import Tape
from benchsuite.proxies._engine.gradients import loss_gradients
from benchsuite.proxies._engine.wide import total


def _score(passes: Passes) -> dict[str, float]:
    signs: dict[str, torch.Tensor] = {}
    for image, label in zip(passes.images, passes.labels, strict=True):
        tape = passes.forward(image[None])
        assert isinstance(tape, Tape)
        with torch.no_grad():
            for name, grad in loss_gradients(tape, label[None]).weights.items():
                signs[name] = signs.get(name, 0) + grad.sign()
    agreement = sum(float(total(sign.abs())) for sign in signs.values())
    return {"": agreement, "mean": agreement / sum(sign.numel() for sign in signs.values())}


PROXY = Proxy(
    version=1,
    direction="max",
    unit="signs",
    formula="sum over weights of |sum_b sign(dL_b/dw)|, convolutions and classifier, L_b the "
    "cross-entropy of image b in a batch of its own; BN train",
    source="Zhang & Jia, GradSign, ICLR 2022; released code, `gradsign.py`",
    cost="per-sample",
    outputs={"": "sum over weights", "mean": "mean over the weights of the network"},
    details=("mean",),
    score=_score,
)
