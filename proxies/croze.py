"""CRoZe: how alike a network and its perturbed copy are on clean and on attacked images.

As in the authors' code both networks have |w| and no BN outside the residual blocks, and run in
float64. The copy's weights take one step up the loss, of twice their own norm; the images one step
of .01 against the sign of the copy's input gradient, clamped to [0, 1]. The features beside a layer
are those of its stage: of the stem, of the two residual blocks, of the last cell, pooled. Here
convolutions have no bias, there those of the cells have one. There the gradients of the copy are
those on clean images, left over from the step of the images, plus those on attacked ones, here the
latter alone (on 29 cells scores there are .989 to 1.138 times those here, tau .990).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, cross_entropy

from benchsuite.api import Passes, Proxy
from benchsuite.proxies._scoring.net import Net, as_net, outputs, scored, without_bn
from benchsuite.space.network import STAGES, Network

STEP, EPSILON, SMALLEST = 2.0, 0.01, 1e-30


def consistency(net: Net, images: Tensor, labels: Tensor) -> float:
    """Return the score of a network on images [B, 3, H, W]; its weights become positive."""
    without_bn(net, but="reduce")
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.abs_()
    features, grads = _examined(net, images, labels)
    other = copy.deepcopy(net)
    _step(other, grads)
    attacked, grads_attacked = _examined(other, _attack(other, images, labels), labels)
    total = 0.0
    beside = _features_of(net.network)
    pairs = zip(scored(net), scored(other), grads, grads_attacked, beside, strict=True)
    for clean, moved, grad, grad_moved, at in pairs:
        weights = (1 + cosine_similarity(moved.weight.detach(), clean.weight.detach(), 0)).sum()
        gradients = cosine_similarity(grad_moved, grad, 0).abs().sum()
        both = (1 + cosine_similarity(attacked[at], features[at], 0)).sum()
        total += abs(float(weights * gradients * both))
    return total


def _step(net: Net, grads: Sequence[Tensor]) -> None:
    """Move every weight of two or more dimensions up the loss, by twice its norm."""
    with torch.no_grad():
        for module, grad in zip(scored(net), grads, strict=True):
            module.weight += STEP * module.weight.norm() / (grad.norm() + SMALLEST) * grad


def _attack(net: Net, images: Tensor, labels: Tensor) -> Tensor:
    images = images.clone().requires_grad_()
    (grad,) = torch.autograd.grad(cross_entropy(net(images), labels), images)
    return (images.detach() - EPSILON * grad.sign()).clamp(0, 1)


def _examined(net: Net, images: Tensor, labels: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Return the features of the stages, and the gradient of every scored weight."""
    ends = _ends(net.network)
    with outputs(net, ends) as seen:
        loss = cross_entropy(net(images), labels)
    grads = torch.autograd.grad(loss, [module.weight for module in scored(net)])
    return [seen[name].detach() for name in ends], list(grads)


def _ends(network: Network) -> list[str]:
    last = f"stage{STAGES - 1}.cell{network.skeleton.cells_per_stage - 1}.node3"
    return ["stem.bn", *(f"reduce{stage}.add" for stage in range(1, STAGES)), last, "pool"]


def _features_of(network: Network) -> list[int]:
    """Return, by scored layer, which features stand beside it.

    A stage's last cell and the residual block after it are counted to the next, as in the authors'
    code, which counts whole stages of cells begun.
    """
    found, cells = [], 0
    seen: set[str] = set()
    for layer in network.layers:
        cell = ".".join(layer.name.split(".")[:2])
        if layer.name.startswith("stage") and cell not in seen:
            seen.add(cell)
            cells += 1
        if layer.kind in ("conv", "linear"):
            at = cells // network.skeleton.cells_per_stage
            found.append(at + (layer.kind == "linear"))
    return found


def _score(passes: Passes) -> dict[str, float]:
    net = as_net(passes.module().double())
    return {"": consistency(net, passes.images.double(), passes.labels)}


PROXY = Proxy(
    version=1,
    direction="max",
    formula="sum_l |sum(1 + cos w) sum |cos g| sum(1 + cos z)|, cosines between the network and "
    "its perturbed copy along the first dimension, w weights, g their loss gradients, z features "
    "of the stage; |w|, no BN in cells, float64",
    source="Ha et al., CRoZe, NeurIPS 2023; released code, `measures/croze.py`",
    cost="backward",
    runs_on=("cpu", "cuda"),
    score=_score,
)
