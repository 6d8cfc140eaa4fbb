"""Dextr: how independent the channels of every feature map are, and how the outputs curve.

A = log(1 + sum over layers of s_min / s_max) of the first image's feature map [C, H W], s its
singular values; the outputs of all layers count once (the authors' hooks also fire for containers,
so some count twice or more, and see layers in dead ends, which are left out here). K = log(1 +
curvature), of ten of the logits along a circle of inputs in a random plane, one image, BN in train
mode. Both together are A K / (A + K), and A alone where the logits stand still along the circle.
"""

from __future__ import annotations

import math
from collections import defaultdict

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchsuite.api import Passes, Proxy
from benchsuite.proxies._engine.forward import BN_EPS, avg_pool, conv
from benchsuite.proxies._scoring.net import Net, as_net, outputs, unchanged
from benchsuite.space.network import Network

KINDS = ("conv", "bn", "relu", "avg_pool", "add", "global_pool", "linear")
LOGITS = 10


def independence(net: Net, images: Tensor) -> float:
    """Return sum over layers of s_min / s_max of the first of images [B, 3, H, W]; 0 / 0 is 0."""
    with unchanged(net), torch.no_grad(), outputs(net, KINDS) as seen:
        net(images)
    by_shape: dict[tuple[int, ...], list[Tensor]] = defaultdict(list)
    for output in seen.values():
        matrix = output[0].flatten(1) if output.dim() > 2 else output[0][:, None]
        by_shape[tuple(matrix.shape)].append(matrix.double())
    total = 0.0
    for matrices in by_shape.values():
        values = torch.linalg.svdvals(torch.stack(matrices))
        total += float(torch.nan_to_num(values[:, -1] / values[:, 0]).sum())
    return total


def derivatives(network: Network, weights: dict[str, Tensor], inputs: Tensor) -> Tensor:
    """Return logits with their first and second derivative [3, K] along a curve of images.

    inputs: a point of the curve and its derivatives, [3, 3, H, W]. What is linear is applied to all
    three; a ReLU lets through where the value is above 0; BN, y = c / sqrt(q), c = z - mean z,
    q = mean c^2 + eps, by the product rule.
    """
    values: list[Tensor] = []
    for layer in network.layers:
        read = [values[at] for at in layer.inputs]
        if layer.kind == "input":
            value = inputs
        elif layer.kind == "conv":
            value = conv(layer, read[0], weights[layer.name])
        elif layer.kind == "bn":
            value = _normalised(read[0])
        elif layer.kind == "relu":
            value = read[0] * (read[0][:1] > 0)
        elif layer.kind == "avg_pool":
            value = avg_pool(layer, read[0])
        elif layer.kind == "add":
            value = sum(read[1:], start=read[0])
        elif layer.kind == "global_pool":
            value = read[0].mean((2, 3))
        else:
            value = F.linear(read[0], weights[layer.name])
            value[0] += weights[f"{layer.name}.bias"]
        values.append(value)
    return values[-1]


def _normalised(z: Tensor) -> Tensor:
    c, c1, c2 = z - z.mean((2, 3), keepdim=True)
    q, q1, q2 = (
        term.mean((1, 2), keepdim=True) for term in (c * c, 2 * c * c1, 2 * (c1 * c1 + c * c2))
    )
    r = (q + BN_EPS).rsqrt()
    first = c1 * r - c * q1 * r**3 / 2
    second = c2 * r - c1 * q1 * r**3 - c * q2 * r**3 / 2 + 0.75 * c * q1**2 * r**5
    return torch.stack([c * r, first, second])


def curvature(speed: Tensor, change: Tensor) -> float:
    """Return sqrt(vv aa - (va)^2) / vv^1.5 of the derivatives v and a [K], NaN where v is 0."""
    vv, aa, va = (float(x) for x in (speed @ speed, change @ change, speed @ change))
    size = vv**1.5  # 0 also where v is so small that this is
    return math.sqrt(max(vv * aa - va * va, 0.0)) / size if size > 0 else math.nan


def circle(shape: tuple[int, int, int], source: torch.Generator) -> Tensor:
    """Return a point of a random unit circle of images [3, H, W] and its derivatives [3, ...]."""
    first, other = torch.randn((2, math.prod(shape)), generator=source, dtype=torch.float64)
    first = first / first.norm()
    other = other - (other @ first) * first
    return torch.stack([first, other / other.norm(), -first]).reshape(3, *shape)


def _score(passes: Passes) -> dict[str, float]:
    a = math.log1p(independence(as_net(passes.module()), passes.images))
    source = passes.generator("dextr")
    resolution = passes.skeleton.resolution
    with torch.no_grad():
        weights = {name: weight.double() for name, weight in passes.weights.items()}
        curve = circle((3, resolution, resolution), source).to(passes.device)
        _, speed, change = derivatives(passes.network, weights, curve)
    chosen = torch.randperm(len(speed), generator=source)[:LOGITS].to(passes.device)
    k = math.log1p(curvature(speed[chosen], change[chosen]))
    return {"": a if math.isnan(k) else a * k / (a + k) if a + k > 0 else 0.0, "svd": a}


PROXY = Proxy(
    version=1,
    direction="max",
    formula="A K / (A + K); A = log(1 + sum over layers of s_min / s_max), K = log(1 + "
    "sqrt(|v|^2 |a|^2 - (v a)^2) / |v|^3), v and a derivatives of ten logits along a circle of "
    "inputs; BN train",
    source="Asthana et al., Dextr, TMLR 2025; released code, `measures/dextr.py`",
    cost="forward",
    runs_on=("cpu", "cuda"),
    outputs={"": "independence and curvature together", "svd": "independence of channels alone, A"},
    score=_score,
)
