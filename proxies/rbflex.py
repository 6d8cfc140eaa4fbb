"""RBFleX: how far apart three images are in the network's activations and last features.

Every image is a batch of its own (BN in train mode normalises it by its own pixels), every feature
is scaled to [0, 1] over the three images, and a radial basis function makes similarities of their
distances. A feature that differs by rounding alone, 1e-5 of the largest of its layer, is constant.
With the authors' widths the similarities are 1 - 1e-7 and 1 - 1e-10: the determinant of the second
matrix, about 1e-19, is below the rounding of float64, in which their code computes it. Here both
are computed from the distances without that loss. Activations are the outputs of ReLUs; the
authors' code hooks modules whose type has ReLU in its name, which blocks of ReLU, convolution and
BN have too, so that outputs of those BNs enter there besides, and it sees dead ends, which are left
out here.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from benchsuite.api import Missing, Passes, Proxy
from benchsuite.proxies._engine.wide import wide, zeros

IMAGES = 3
ROUNDING = 1e-5
GAMMA_K, GAMMA_Q = 2.68690173088039e-12, 1.02460061284506e-11
_ALIKE = "the images are alike, or on a line, in their activations or last features"


def distances(features: Tensor) -> Tensor:
    """Return |f_0 - f_1|^2, |f_0 - f_2|^2, |f_1 - f_2|^2 of features [3, n], scaled to [0, 1]."""
    features = wide(features)
    low, high = features.min(0).values, features.max(0).values
    spread = high - low
    scaled = (features - low) / spread
    scaled[:, spread <= ROUNDING * features.abs().max()] = 0
    pairs = ((0, 1), (0, 2), (1, 2))
    return torch.stack([(scaled[a] - scaled[b]).square().sum() for a, b in pairs])


def log_determinant(squared: Tensor, gamma: float) -> float:
    """Return log det of exp(-gamma d^2) [3, 3] of three squared distances, -inf where two coincide.

    With e = 1 - exp(-gamma d^2) it is 2 (e_0 e_1 + e_0 e_2 + e_1 e_2) - sum e^2 - 2 e_0 e_1 e_2.
    """
    a, b, c = map(float, -torch.expm1(-gamma * squared))
    found = 2 * (a * b + a * c + b * c) - (a * a + b * b + c * c) - 2 * a * b * c
    return math.log(found) if found > 0 else -math.inf


def _score(passes: Passes) -> dict[str, float]:
    if len(passes.images) < IMAGES:
        return {"": Missing(f"{IMAGES} images are compared, not {len(passes.images)}")}
    tapes = [passes.forward(image[None]) for image in passes.images[:IMAGES]]
    relus = zip(*(tape.relus() for tape in tapes), strict=True)
    squared = zeros(3, like=tapes[0].logits)
    for of_images in relus:
        features = torch.cat([value.flatten(1) for value, _ in of_images])
        squared += of_images[0][1] * distances(features)
    last = distances(torch.cat([tape.saved[-1][0] for tape in tapes]))
    total = log_determinant(squared, GAMMA_K) + log_determinant(last, GAMMA_Q)
    return {"": IMAGES * total if math.isfinite(total) else Missing(_ALIKE)}


PROXY = Proxy(
    version=1,
    direction="max",
    formula="3 (log det K + log det Q), K and Q = exp(-gamma d^2) [3, 3], d of ReLU outputs and of "
    "the classifier's input, scaled to [0, 1] over three images; BN train, one image a pass",
    source="Yamasaki et al., RBFleX-NAS; released code, `RBFleX_NAS-Bench-201.py`",
    cost="forward",
    score=_score,
)
