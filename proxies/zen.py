"""Zen score: how much a Gaussian network's features move with its input, BN's scale restored."""

import math

from torch import Tensor

from benchsuite.api import Missing, Passes, Proxy, Tape
from benchsuite.proxies._engine.forward import BN_EPS

_STEP = 0.01
_MOMENTUM = 0.1


def _score(passes: Passes) -> dict[str, float]:
    image = passes.noise("zen.image")
    first = passes.forward(image, "normal")
    features, variances = _features(first), _variances(first)
    del first
    second = passes.forward(image + _STEP * passes.noise("zen.step"), "normal")
    moved = float((features - _features(second)).abs().sum((1, 2, 3)).mean())
    if moved <= 0:
        return {"": Missing("the features do not move with the image")}
    score = math.log(moved)
    for one, two in zip(variances, _variances(second), strict=True):
        keep = 1 - _MOMENTUM
        running = keep * (keep + _MOMENTUM * one) + _MOMENTUM * two
        score += math.log(float(running.mean())) / 2
    for layer in passes.trained.layers:  # A BN of zeros only forgets.
        if layer.kind == "bn" and layer.name not in passes.places:
            score += math.log(1 - _MOMENTUM)
    return {"": score}


def _features(tape: Tape) -> Tensor:
    """Return the input of the global pool [B, C, H, W]."""
    return tape.relus()[-1][0]


def _variances(tape: Tape) -> list[Tensor]:
    """Return each BN's unbiased batch variance [C], in order."""
    found = []
    for layer, saved in zip(tape.layers, tape.saved, strict=True):
        if layer.kind == "bn":
            z, _, rstd = saved
            count = z.numel() / z.shape[1]
            found.append((rstd**-2 - BN_EPS) * count / (count - 1))
    return found


PROXY = Proxy(
    version=1,
    direction="max",
    formula="log mean_b sum |F(x) - F(x + 0.01 x')| + sum over BN of log sqrt(mean running "
    "variance), F before the global pool, weights, x and x' N(0, 1), BN train, running variance "
    "from 1 through the two passes with momentum 0.1",
    source="Lin et al., Zen-NAS, ICCV 2021, Algorithm 1 (and its code)",
    cost="forward",
    own_setting="N(0, 1) weights and noise for images",
    score=_score,
    unpruned=True,
)
