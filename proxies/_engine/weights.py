"""Weights of an untrained network: every tensor is drawn on its own, by its layer's name.

A tensor's generator is seeded with the SHA-256 of `seed/repeat/layer name/rule`, so what a layer
gets depends on nothing else in the network. Two cells with the same operator on the same edge get
the same weights there (common random numbers), and seeds and repeats are independent.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping

import torch
from torch import Tensor

from benchsuite.passes import Rule
from benchsuite.space.network import Layer, Network

Weights = Mapping[str, Tensor]

RULE = "PyTorch default U(+-1/sqrt(fan_in)), by SHA-256 of seed/repeat/layer/rule, version 1"


def draw_weights(
    network: Network,
    seed: int,
    repeat: int,
    rule: Rule = "default",
    dtype: torch.dtype = torch.float32,
) -> dict[str, Tensor]:
    """Return the tensors of all convolutions and of the classifier, by layer name.

    A convolution `name` has the key `name`, [C_out, C_in, k, k]; a linear layer `name` and
    `name.bias`, [C_out, C_in] and [C_out]. BN has scale 1 and offset 0 and no key.

    rule `default`: U(-1/sqrt(fan_in), 1/sqrt(fan_in)), weights and biases, as PyTorch initialises
    them; rule `normal`: N(0, 1), biases 0 (Lin et al., Zen-NAS, ICCV 2021); rules `kaiming` and
    `kaiming_fan_out`: N(0, 2/fan_in) and N(0, 2/fan_out), biases 0 (He et al., ICCV 2015). Drawn
    in float32 whatever `dtype` they are returned in.
    """
    weights = {}
    for layer in network.layers:
        if layer.kind == "conv":
            shape: tuple[int, ...] = (layer.shape[0], layer.in_channels, layer.kernel, layer.kernel)
        elif layer.kind == "linear":
            shape = (layer.shape[0], layer.in_channels)
        else:
            continue
        fan_in = math.prod(shape[1:])
        tensors = [(layer.name, shape)]
        if layer.bias:
            tensors.append((f"{layer.name}.bias", shape[:1]))
        for name, size in tensors:
            fan_out = shape[0] * math.prod(shape[2:])
            weights[name] = _draw(name, size, (fan_in, fan_out), seed, repeat, rule).to(dtype)
    return weights


def generator(*key: object) -> torch.Generator:
    """Return a generator seeded by the SHA-256 of the key's parts joined with `/`."""
    digest = hashlib.sha256("/".join(map(str, key)).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def scored(layers: tuple[Layer, ...]) -> list[Layer]:
    """Return the layers whose weights are scored: convolutions and the classifier, in order."""
    return [layer for layer in layers if layer.kind in ("conv", "linear")]


def _draw(
    name: str, shape: tuple[int, ...], fans: tuple[int, int], seed: int, repeat: int, rule: Rule
) -> Tensor:
    source = generator(seed, repeat, name, rule)
    if rule == "default":
        tensor = (2 * torch.rand(shape, generator=source) - 1) / math.sqrt(fans[0])
    elif name.endswith(".bias"):
        tensor = torch.zeros(shape)
    else:
        variance = {"normal": 1.0, "kaiming": 2 / fans[0], "kaiming_fan_out": 2 / fans[1]}[rule]
        tensor = torch.randn(shape, generator=source) * math.sqrt(variance)
    return tensor.contiguous(memory_format=torch.channels_last) if len(shape) == 4 else tensor
