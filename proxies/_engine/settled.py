"""Derivatives of single parameters of a network whose BN is in eval mode with new statistics.

Such a BN has mean 0 and variance 1: it multiplies by a constant, which the convolution before it
takes over, and images do not mix. So the gradient with respect to what a layer puts out, times what
a step of a parameter adds to that, is the derivative image by image: one backward pass per class
gives them all. Only gradients by inputs are computed, of several classes at a time.

A layer that reads zeros alone is not run, but the offset of its BN moves what comes after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from benchsuite.proxies._engine.forward import (
    BN_EPS,
    Layers,
    Sums,
    avg_pool,
    avg_pool_backward,
    conv,
    conv_input_grad,
    global_pool_backward,
)
from benchsuite.proxies._engine.weights import Weights

SCALE = (1 + BN_EPS) ** -0.5
# Classes of one backward pass: more of them fit into no cache, fewer are more calls.
AT_ONCE = 10


@dataclass(frozen=True)
class Settled:
    """A forward pass: outputs of the layers, None where they are zeros, and the weights used."""

    layers: Layers
    weights: Weights
    values: list[Tensor | None]

    @property
    def logits(self) -> Tensor:
        """[B, K]."""
        assert self.values[-1] is not None
        return self.values[-1]


def forward(layers: Layers, weights: Weights, x: Tensor) -> Settled:
    """Run images [B, 3, H, W] through the layers of a network as it is trained."""
    scaled = {layer.inputs[0] for layer in layers if layer.kind == "bn"}
    used = {
        layer.name: weights[layer.name] * (SCALE if at in scaled else 1)
        for at, layer in enumerate(layers)
        if layer.kind == "conv"
    }
    values: list[Tensor | None] = []
    for layer in layers:
        terms = [term for at in layer.inputs if (term := values[at]) is not None]
        value: Tensor | None = None
        if layer.kind == "input":
            value = x.contiguous(memory_format=torch.channels_last)
        elif layer.kind == "zero" or not terms:
            pass
        elif layer.kind == "conv":
            value = conv(layer, terms[0], used[layer.name])
        elif layer.kind == "bn":
            value = terms[0] if layers[layer.inputs[0]].kind == "conv" else terms[0] * SCALE
        elif layer.kind == "relu":
            value = torch.relu(terms[0])
        elif layer.kind == "avg_pool":
            value = avg_pool(layer, terms[0])
        elif layer.kind == "add":
            value = sum(terms[1:], start=terms[0])
        elif layer.kind == "global_pool":
            value = terms[0].mean((2, 3))
        else:
            value = F.linear(terms[0], weights[layer.name], weights[f"{layer.name}.bias"])
        values.append(value)
    return Settled(layers, {**weights, **used}, values)


def first_numbers(done: Settled, tensors: int) -> Tensor:
    """Return d logits / d (first number of each of the first tensors): [B, classes, tensors].

    Tensors are weights, scales and offsets in the order of the layers.
    """
    batch, classes = done.logits.shape
    of_layer = dict(_steps(done, tensors))
    found = done.logits.new_zeros(batch, classes, min(tensors, _count(done.layers)))
    eye = torch.eye(classes, dtype=found.dtype, device=found.device)
    for first in range(0, classes, AT_ONCE):
        rows = eye[first : first + AT_ONCE]
        gradient = rows.repeat_interleave(batch, 0)
        for at, g in _back(done, gradient):
            if at in of_layer:
                column, steps = of_layer[at]
                near = g[:, 0].reshape(len(rows), batch, -1)
                for number, step in enumerate(steps):
                    here = found[:, first : first + AT_ONCE, column + number]
                    moved = near.sum(2) if step is None else (near * step).sum(2)
                    here.copy_(moved.t())
    return found


def _count(layers: Layers) -> int:
    return sum({"conv": 1, "bn": 2, "linear": 2}.get(layer.kind, 0) for layer in layers)


def _steps(
    done: Settled, tensors: int
) -> Iterator[tuple[int, tuple[int, Sequence[Tensor | None]]]]:
    """Yield layer, its first column, and what unit steps add to its channel 0: [B, H W]; None: 1.

    A convolution that a BN reads is followed by its scale.
    """
    column = 0
    scaled = {layer.inputs[0] for layer in done.layers if layer.kind == "bn"}
    for at, layer in enumerate(done.layers):
        if layer.kind not in ("conv", "bn", "linear") or column >= tensors:
            continue
        x, y = done.values[layer.inputs[0]], done.values[at]
        steps: list[Tensor | None]
        if layer.kind == "conv":
            steps = [done.logits.new_zeros(len(done.logits), 1)]
            if x is not None:
                corner = x.new_zeros(1, 1, layer.kernel, layer.kernel)
                corner[0, 0, 0, 0] = SCALE if at in scaled else 1
                steps = [conv(layer, x[:, :1].contiguous(), corner).flatten(1)]
        elif layer.kind == "bn":
            first = done.logits.new_zeros(len(done.logits), 1) if y is None else y[:, 0].flatten(1)
            steps = [first, None]
        else:
            assert x is not None
            steps = [x[:, :1], None]
        steps = steps[: tensors - column]
        yield at, (column, steps)
        column += len(steps)


def _back(done: Settled, gradient: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Send gradients [n B, K] back; yield every layer that has parameters, with its output's."""
    layers = done.layers
    opened = {
        at: value.sign()
        for at, (layer, value) in enumerate(zip(layers, done.values, strict=True))
        if layer.kind == "relu" and value is not None
    }
    # A convolution's input gets the convolution of its gradient with the kernel turned by 180
    # degrees, which is faster forward than `convolution_backward`.
    turned = {
        layer.name: done.weights[layer.name]
        .transpose(0, 1)
        .flip(2, 3)
        .contiguous(memory_format=torch.channels_last)
        for layer in layers
        if layer.kind == "conv"
    }
    sums = Sums(len(layers))
    sums.add(len(layers) - 1, gradient, fresh=False)
    for at in range(len(layers) - 1, 0, -1):
        layer = layers[at]
        if layer.kind == "zero" or not sums.has(at):
            continue
        g = sums.take(at)
        if layer.kind in ("conv", "bn", "linear"):
            yield at, g
        if layer.kind == "add":
            for source in layer.inputs:
                sums.add(source, g, fresh=False)
            continue
        read = layer.inputs[0]
        x, fresh = done.values[read], True
        if layers[read].kind == "input":
            continue
        if layer.kind == "bn" and layers[read].kind == "conv":
            back, fresh = g, False
        elif layer.kind == "bn":
            back = g * SCALE
        elif layer.kind == "avg_pool":
            shape = g.shape if x is None else torch.Size((len(g), *x.shape[1:]))
            back = avg_pool_backward(layer, g, shape)
        elif x is None:  # A ReLU of zeros is closed.
            continue
        elif layer.kind == "relu":
            # Only convolutions and the pooling read a ReLU, so that its gradient is nobody else's.
            back = g
            g.view(-1, *x.shape).mul_(opened[at])
        elif layer.kind == "conv" and layer.stride == 1:
            back = conv(layer, g, turned[layer.name])
        elif layer.kind == "conv":
            like = x.new_empty(len(g), *x.shape[1:]).contiguous(memory_format=torch.channels_last)
            back = conv_input_grad(layer, g, like, done.weights[layer.name])
        elif layer.kind == "global_pool":
            back = global_pool_backward(g, torch.Size((len(g), *x.shape[1:])))
        else:
            back = g @ done.weights[layer.name]
        sums.add(read, back, fresh=fresh)
