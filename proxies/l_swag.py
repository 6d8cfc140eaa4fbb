"""L-SWAG: the steadiness of gradients, layer by layer, times the number of activation patterns.

No code of it is public: all layers count, the deviation is that of |g| over the batches, as in
`zico`, weights that do not deviate are left out, and the patterns are those of `swap`.
"""

from __future__ import annotations

import math

import torch

from benchsuite.api import Missing, Passes, Proxy
from benchsuite.errors import UserError
from benchsuite.proxies._engine.wide import total
from benchsuite.proxies.swap import IMAGES, distinct_columns


def steadiness(passes: Passes) -> float:
    """Return sum over layers of log sum 1 / std |g|, over weights that deviate."""
    batches = [passes.gradients(i).weights for i in range(len(passes.batches))]
    if len(batches) < 2:
        raise UserError("l_swag compares the gradients of batches: at least two are needed.")
    found = 0.0
    for name in batches[0]:
        sizes = torch.stack([batch[name].abs() for batch in batches])
        deviation = sizes.std(0, correction=0)
        layer = float(total(1 / deviation[deviation > 0]))
        found += math.log(layer) if layer > 0 else 0.0
    return found


def _score(passes: Passes) -> dict[str, float]:
    if len(passes.images) < IMAGES:
        return {"": Missing(f"{IMAGES} images make the patterns, not {len(passes.images)}")}
    maps = (output for output, _ in passes.forward(passes.images[:IMAGES]).relus())
    return {"": steadiness(passes) * distinct_columns(maps)}


PROXY = Proxy(
    version=1,
    direction="max",
    formula="(sum_l log sum_w 1 / std_i |g_i|) x number of distinct sign columns of 16 images, g_i "
    "the loss gradient of batch i, std with ddof 0; BN train",
    source="Casarin et al., L-SWAG, CVPR 2025, arXiv:2505.07300 (no public code; all layers: ours)",
    cost="backward",
    score=_score,
)
