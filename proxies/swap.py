"""Sample-wise activation patterns: how many different sign columns 16 images make.

A neuron's column is the sign of its ReLU input on each image, so at most 2^16 = 65,536 columns
differ. BN in train mode. The authors draw weights N(0, 1), which BN makes equivalent up to the
shortcuts of residual blocks, and average 32 draws. Their size-regularised form has constants that
are not public for this space.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from benchsuite.api import Missing, Passes, Proxy

IMAGES = 16


def distinct_columns(maps: Iterable[Tensor]) -> int:
    """Return how many sign patterns [B] neurons show, of ReLU outputs [B, C, H, W], B <= 16."""
    seen: Tensor | None = None
    for output in maps:
        if seen is None:
            seen = torch.zeros(2**IMAGES, dtype=torch.bool, device=output.device)
        # Whole numbers below 2^16, which float32 holds.
        on = output.permute(0, 2, 3, 1).flatten(1).sign().float()
        powers = 2.0 ** torch.arange(len(on), device=on.device)
        seen[(powers @ on).int()] = True
    return 0 if seen is None else int(seen.sum())


def _score(passes: Passes) -> dict[str, float]:
    if len(passes.images) < IMAGES:
        return {"": Missing(f"{IMAGES} images make the patterns, not {len(passes.images)}")}
    tape = passes.forward(passes.images[:IMAGES])
    maps = [output for output, _ in tape.relus()]
    if any(
        layer.kind == "relu" and layer.name not in passes.places for layer in passes.trained.layers
    ):
        maps.append(torch.zeros_like(maps[0]))  # A ReLU of zeros is off for every image.
    return {"": float(distinct_columns(maps))}


PROXY = Proxy(
    version=1,
    direction="max",
    unit="patterns",
    formula="number of distinct columns of A [16, neurons], A = [ReLU input > 0]",
    source="Peng et al., SWAP-NAS, ICLR 2024, Definition 3.2",
    cost="forward",
    score=_score,
    unpruned=True,
)
