"""Forward and backward passes of a thin network, BN in train mode, by compiled loops.

Why beside `forward`: a network of 1 or 3 channels gives torch's convolutions, poolings and BNs too
little to work on, and BN in train mode asks for a backward pass per image. With the images
innermost (`_loops`) every loop is long. Sums are made in one order, so up to the pooling the
numbers are the same on every processor; the classifier's products are BLAS', and with them what
flows back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchsuite.proxies._engine import _convolutions, _loops
from benchsuite.proxies._engine._loops import Array
from benchsuite.proxies._engine.forward import BN_EPS
from benchsuite.space.network import Layer

Steps = Sequence[tuple[int, tuple[int, ...]]]


@dataclass
class Pass:
    """A forward pass: what each layer put out, and what a backward pass needs besides.

    layers: of the network; weights: by layer name; steps: what is run, in order: a layer's position
    and those it reads; values: outputs by position, [C, H, W * B] and, after the global pooling,
    [C, B]; inverse: 1 / deviation [C] of each BN.
    """

    layers: Sequence[Layer]
    weights: Mapping[str, Array]
    steps: Steps
    images: int
    values: dict[int, Array] = field(default_factory=dict)
    inverse: dict[int, Array] = field(default_factory=dict)


def forward(
    layers: Sequence[Layer], weights: Mapping[str, Array], steps: Steps, x: Array, start: int = 0
) -> Pass:
    """Run images [B, C, H, W], which stand for the output of layer `start`, through a network."""
    b = len(x)
    done = Pass(layers, weights, steps, b)
    lanes = np.ascontiguousarray(x.transpose(1, 2, 3, 0))
    done.values[start] = lanes.reshape(*lanes.shape[:2], -1)
    for position, reads in steps:
        layer = layers[position]
        read = [done.values[at] for at in reads]
        done.values[position] = _run(done, position, layer, read)
    return done


def _run(done: Pass, position: int, layer: Layer, read: list[Array]) -> Array:
    x, b = read[0], done.images
    # Of what it reads, not of the layer: inputs may have any number of pixels.
    channels, height, width = layer.shape[0], x.shape[1], x.shape[-1] // b
    if layer.stride == 2:
        up = layer.kernel - 2  # A convolution of 3x3 rounds up, a pooling of 2x2 down.
        height, width = (height + up) // 2, (width + up) // 2
    y = np.empty((channels, height, width * b), dtype=x.dtype)
    match layer.kind:
        case "conv":
            _convolutions.conv(x, done.weights[layer.name], y, layer.stride, b)
        case "bn":
            done.inverse[position] = np.empty(channels, dtype=x.dtype)
            _convolutions.normalise(x, y, done.inverse[position], BN_EPS)
        case "relu":
            _loops.rectify(x, y)
        case "avg_pool" if layer.kernel == 3:
            _loops.pool(x, y, b)
        case "avg_pool":
            _loops.halve(x, y, b)
        case "add":
            # Of maps of other sizes, as in a network of 3x3 inputs, one pixel stands for all.
            y = _broadcast(read[0], read[-1], b)
            for other in read[1:]:
                y += other if other.shape == y.shape else _broadcast(other, y, b)
        case "zero":
            y = np.zeros_like(x)
        case "global_pool":
            y = x.reshape(channels, -1, b).mean(axis=1)
        case "linear":
            y = done.weights[layer.name] @ x + done.weights[f"{layer.name}.bias"][:, None]
        case kind:
            raise TypeError(f"A network in training has no layer of kind {kind!r}.")
    return y


def jacobian(done: Pass) -> Array:
    """Return the gradients [B, P] of each image's summed logits by all weights that were run.

    Weights of convolutions, scales of BNs and the classifier's matrix, layer by layer from the
    last.
    """
    last = done.steps[-1][0]
    # One set of buffers for all images: fresh memory of this size costs as much as the arithmetic.
    buffers = {at: np.empty_like(value) for at, value in done.values.items()}
    rows = []
    for image in range(done.images):
        gradient = np.zeros_like(done.values[last])
        gradient[:, image] = 1
        rows.append(np.concatenate([g.ravel() for g in _backward(done, last, gradient, buffers)]))
    return np.stack(rows)


def _backward(done: Pass, last: int, gradient: Array, buffers: Mapping[int, Array]) -> list[Array]:
    into = {last: gradient}
    found, b = [], done.images
    for position, reads in reversed(done.steps):
        layer = done.layers[position]
        if position not in into or layer.kind == "zero":
            continue
        g, at = into.pop(position), reads[0]
        if layer.kind == "add":
            for one in reads:
                _add(into, one, g, buffers)
            continue
        x, y = done.values[at], done.values[position]
        if layer.kind not in ("linear", "global_pool") and at not in into:
            into[at] = buffers[at]
            into[at].fill(0)
        match layer.kind:
            case "conv":
                weights = done.weights[layer.name]
                if at != 0:
                    _convolutions.conv_inputs(g, weights, into[at], layer.stride, b)
                found.append(np.empty_like(weights))
                _convolutions.conv_weights(g, x, found[-1], layer.stride, b)
            case "bn":
                found.append(np.empty(len(g), dtype=g.dtype))
                _convolutions.normalise_inputs(g, y, done.inverse[position], into[at], found[-1])
            case "relu":
                _loops.rectify_inputs(g, y, into[at])
            case "avg_pool" if layer.kernel == 3:
                _loops.pool_inputs(g, into[at], b)
            case "avg_pool":
                _loops.halve_inputs(g, into[at], b)
            case "global_pool":
                pixels = x.size // y.size
                into[at] = np.tile(g / g.dtype.type(pixels), pixels).reshape(x.shape)
            case "linear":
                into[at] = done.weights[layer.name].T @ g
                found.append(g @ x.T)
    return found


def _add(into: dict[int, Array], at: int, g: Array, buffers: Mapping[int, Array]) -> None:
    if at in into:
        into[at] += g
    else:
        into[at] = buffers[at]
        into[at][...] = g


def _broadcast(x: Array, like: Array, b: int) -> Array:
    """Return a copy of a map [C, H, W B] that is as large as the larger of it and another."""
    height = max(x.shape[1], like.shape[1])
    width = max(x.shape[2], like.shape[2]) // b
    whole = x.reshape(*x.shape[:2], -1, b)
    return np.broadcast_to(whole, (len(x), height, width, b)).reshape(len(x), height, -1).copy()
