"""Synaptic flow: what flows through positive weights from an image of ones to the logits.

Without BN and with |w| everything is positive: ReLUs are the identity and R is homogeneous in each
layer. Wherever all paths meet, activations are divided by their mean and its logarithm is noted, so
that no depth or width overflows.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from benchsuite.proxies._engine.forward import (
    Layers,
    Sums,
    avg_pool,
    avg_pool_backward,
    conv,
    conv_input_grad,
    global_pool_backward,
)
from benchsuite.proxies._engine.weights import Weights


def log_synaptic_flow(layers: Layers, weights: Weights) -> float:
    """Return log sum over weights |w dR/dw|, R the sum of the logits of the network of |w|.

    Float64 throughout; biases add a constant to R and nothing to the sum.
    Source: Tanaka et al., "Pruning neural networks without any data", NeurIPS 2020, section 5.
    """
    positive = {name: weight.double().abs() for name, weight in weights.items()}
    values, scales = _forward(layers, positive)
    return math.log(_backward(layers, positive, values, scales)) + sum(map(math.log, scales))


def _forward(layers: Layers, weights: Weights) -> tuple[list[Tensor], list[float]]:
    """Return every layer's output, and what it was divided by."""
    values: list[Tensor] = []
    scales: list[float] = []
    meets = _where_all_paths_meet(layers)
    for at, layer in enumerate(layers):
        inputs = [values[source] for source in layer.inputs]
        if layer.kind == "input":
            device = next(iter(weights.values())).device
            value = torch.ones(1, *layer.shape, dtype=torch.float64, device=device)
            value = value.contiguous(memory_format=torch.channels_last)
        elif layer.kind == "conv":
            value = conv(layer, inputs[0], weights[layer.name])
        elif layer.kind == "avg_pool":
            value = avg_pool(layer, inputs[0])
        elif layer.kind == "add":
            value = sum(inputs[1:], start=inputs[0])
        elif layer.kind == "global_pool":
            value = inputs[0].mean((2, 3))
        elif layer.kind == "linear":
            value = inputs[0] @ weights[layer.name].t()
        else:
            value = inputs[0]
        scale = float(value.mean()) if layer.kind in ("add", "bn") and at in meets else 1.0
        values.append(value / scale if scale != 1 else value)
        scales.append(scale)
    return values, scales


def _backward(layers: Layers, weights: Weights, values: list[Tensor], scales: list[float]) -> float:
    """Return sum |w dR/dw| over the product of all scales."""
    total = 0.0
    sums = Sums(len(layers))
    sums.add(len(layers) - 1, torch.ones_like(values[-1]), fresh=False)
    for at in range(len(layers) - 1, 0, -1):
        layer, grad = layers[at], sums.take(at)
        x = values[layer.inputs[0]]
        if layer.kind in ("conv", "linear"):
            # z is linear in w, so sum w dR/dw = sum z dR/dz.
            total += float((values[at] * grad).sum())
        if scales[at] != 1:
            grad = grad / scales[at]
        if layer.kind == "add":
            for source in layer.inputs:
                sums.add(source, grad, fresh=False)
            continue
        fresh = True
        if layer.kind == "conv":
            if layers[layer.inputs[0]].kind == "input":
                continue
            back = conv_input_grad(layer, grad, x, weights[layer.name])
        elif layer.kind == "avg_pool":
            back = avg_pool_backward(layer, grad, x.shape)
        elif layer.kind == "global_pool":
            back = global_pool_backward(grad, x.shape)
        elif layer.kind == "linear":
            back = grad @ weights[layer.name]
        else:
            back, fresh = grad, False
        sums.add(layer.inputs[0], back, fresh=fresh)
    return total


def _where_all_paths_meet(layers: Layers) -> set[int]:
    """Return the positions that no later layer reads past."""
    earliest = len(layers)
    meets = set()
    for at in range(len(layers) - 1, -1, -1):
        if earliest >= at:
            meets.add(at)
        earliest = min([earliest, *layers[at].inputs])
    return meets
