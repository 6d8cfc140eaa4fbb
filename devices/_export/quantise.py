"""A deployed network with random int8 weights: what the exported files hold, and what it computes.

Weights are random, so RAM, flash and latency of an exported file mean what they say, and its
accuracy means nothing. Activations are int8 with one scale and zero point per tensor, set by the
range each takes on random images; weights are int8 with a scale per output channel, without zero
point; biases are int32 on the product of both scales (TensorFlow Lite's 8-bit specification;
Jacob et al., CVPR 2018).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchsuite.errors import UserError
from benchsuite.space.network import Layer, Network

Floats = NDArray[np.float32]
# Where the one row of padding of a 3x3 convolution of stride 2 lies: before the image, as in the
# network of NAS-Bench-201, or after it, the only choice TensorFlow Lite has without a PAD operator.
Stride2 = Literal["before", "after"]

WEIGHTED = ("conv", "affine", "linear")
_CALIBRATION_IMAGES = 4


@dataclass(frozen=True)
class Weights:
    """Weights int8 [out, k, k, in] (in = 1 where depthwise), scales float32 [out], int32 biases."""

    values: NDArray[np.int8]
    scales: Floats
    biases: NDArray[np.int32]


@dataclass(frozen=True)
class Range:
    """How an int8 tensor stands for real numbers: real = scale * (int8 - zero_point)."""

    scale: float
    zero_point: int

    def whole(self, real: Floats) -> NDArray[np.int8]:
        """Return the int8 numbers nearest to real ones."""
        steps = np.round(real / self.scale) + self.zero_point
        whole: NDArray[np.int8] = np.clip(steps, -128, 127).astype(np.int8)
        return whole

    def real(self, whole: NDArray[np.int8]) -> Floats:
        """Return the real numbers that int8 ones stand for."""
        return ((whole.astype(np.int32) - self.zero_point) * self.scale).astype(np.float32)

    def round(self, real: Floats) -> Floats:
        """Return the nearest real numbers that the tensor can hold."""
        return self.real(self.whole(real))


@dataclass(frozen=True)
class Quantised:
    """A deployed network, the weights of its layers by position, and every tensor's range."""

    network: Network
    weights: Mapping[int, Weights]
    ranges: tuple[Range, ...]
    stride2: Stride2


def quantise(network: Network, rng: np.random.Generator, stride2: Stride2) -> Quantised:
    """Return a deployed network with random int8 weights (He et al., 2015) and calibrated ranges.

    Raises UserError for a network that does not depend on its input: there is nothing to run.
    """
    if network.layers[0].kind != "input":
        assert network.cell is not None  # Supernets are not deployed.
        raise UserError(
            f"Cell {network.cell.index} has no input-output path: deployed, it is a constant, "
            "and there is nothing to export. Choose a connected cell."
        )
    images = rng.standard_normal((_CALIBRATION_IMAGES, *_hwc(network.layers[0])), np.float32)
    reals = {
        at: _random_weights(layer, rng)
        for at, layer in enumerate(network.layers)
        if layer.kind in WEIGHTED
    }
    outputs = _run(network, reals, images.clip(-3, 3), stride2)
    ranges: list[Range] = []
    for layer, output in zip(network.layers, outputs, strict=True):
        # Pooling kernels do not rescale: they share the range of what they read.
        same = layer.kind == "avg_pool"
        ranges.append(ranges[layer.inputs[0]] if same else _range(output))
    weights = {
        at: _quantise_weights(real, bias, ranges[network.layers[at].inputs[0]].scale)
        for at, (real, bias) in reals.items()
    }
    return Quantised(network, weights, tuple(ranges), stride2)


def evaluate(quantised: Quantised, images: Floats, *, rounded: bool = False) -> Floats:
    """Return the logits float32 [N, classes] of images float32 [N, H, W, 3].

    Weights and biases are the quantised ones. rounded: every tensor is rounded to what int8 can
    hold, as a device computes; otherwise activations are exact.
    """
    reals = {at: _real_weights(quantised, at) for at in quantised.weights}
    ranges = quantised.ranges if rounded else None
    return _run(quantised.network, reals, images, quantised.stride2, ranges)[-1]


def evaluate_layer(quantised: Quantised, at: int, reads: list[Floats]) -> Floats:
    """Return what layer `at` computes of real inputs [N, H, W, C] or [N, C], not rounded."""
    layer = quantised.network.layers[at]
    real = _real_weights(quantised, at) if at in quantised.weights else None
    output = _apply(layer, reads, real, quantised.stride2)
    return output.clip(min=0) if layer.relu else output


def _real_weights(quantised: Quantised, at: int) -> tuple[Floats, Floats]:
    weights = quantised.weights[at]
    before = quantised.ranges[quantised.network.layers[at].inputs[0]].scale
    values = weights.values * weights.scales[:, None, None, None]
    return values, (weights.biases * (weights.scales * before)).astype(np.float32)


_Reals = Mapping[int, tuple[Floats, Floats]]


def _run(
    network: Network,
    reals: _Reals,
    images: Floats,
    stride2: Stride2,
    ranges: tuple[Range, ...] | None = None,
) -> list[Floats]:
    """Return the output of every layer, float32 [N, H, W, C], or [N, C] after global pooling."""
    outputs: list[Floats] = []
    for at, layer in enumerate(network.layers):
        reads = [outputs[i] for i in layer.inputs] or [images]
        output = _apply(layer, reads, reals.get(at), stride2)
        if layer.relu:
            output = output.clip(min=0)
        outputs.append(ranges[at].round(output) if ranges else output)
    return outputs


def _apply(
    layer: Layer, reads: list[Floats], real: tuple[Floats, Floats] | None, stride2: Stride2
) -> Floats:
    x: Floats = reads[0]
    if layer.kind == "input":
        return x
    if layer.kind == "add":
        return reads[0] + reads[1]
    if layer.kind == "relu":
        return x.clip(min=0)
    if layer.kind == "global_pool":
        return np.asarray(x.mean(axis=(1, 2)), np.float32)
    if layer.kind == "avg_pool":
        count = _windows(np.ones_like(x[:1, :, :, :1]), layer, stride2).sum(axis=(-2, -1))
        total = _windows(x, layer, stride2).sum(axis=(-2, -1))
        return np.asarray(total / count, np.float32)
    assert real is not None
    weights, bias = real
    if layer.kind == "affine":
        return x * weights[:, 0, 0, 0] + bias
    if layer.kind == "linear":
        return x @ weights[:, 0, 0].T + bias
    windows = _windows(x, layer, stride2)
    return np.tensordot(windows, weights, axes=([3, 4, 5], [3, 1, 2])) + bias


def _windows(x: Floats, layer: Layer, stride2: Stride2) -> Floats:
    """Return a view [N, height, width, C, k, k] of what every output of a layer reads."""
    kernel, stride = layer.kernel, layer.stride
    if stride == 1:
        before = after = kernel // 2
    else:
        needed = max(kernel - stride, 0)
        before, after = (needed, 0) if stride2 == "before" else (0, needed)
    padded = np.pad(x, ((0, 0), (before, after), (before, after), (0, 0)))
    view = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(1, 2))
    return view[:, ::stride, ::stride]


def _random_weights(layer: Layer, rng: np.random.Generator) -> tuple[Floats, Floats]:
    out = layer.shape[0]
    bias = rng.normal(0, 0.1, out) if layer.bias or layer.kind == "affine" else np.zeros(out)
    if layer.kind == "affine":
        values = rng.uniform(0.5, 1.5, (out, 1, 1, 1))
    else:
        fan_in = layer.kernel**2 * layer.in_channels
        shape = (out, layer.kernel, layer.kernel, layer.in_channels)
        values = rng.normal(0, np.sqrt(2 / fan_in), shape)
    return values.astype(np.float32), bias.astype(np.float32)


def _quantise_weights(real: Floats, bias: Floats, input_scale: float) -> Weights:
    scales = np.abs(real).max(axis=(1, 2, 3)) / 127
    values = np.round(real / scales[:, None, None, None]).astype(np.int8)
    bound = np.iinfo(np.int32)  # Beyond it where what is read is as good as zero.
    steps = np.round(bias / (scales * input_scale)).astype(np.float64)  # float32 lacks the most.
    biases = np.clip(steps, bound.min, bound.max).astype(np.int32)
    return Weights(values, scales.astype(np.float32), biases)


def _range(output: Floats) -> Range:
    low, high = min(0.0, float(output.min())), max(0.0, float(output.max()))
    scale = float(np.float32(max(high - low, 1e-6) / 255))
    return Range(scale, int(np.clip(round(-128 - low / scale), -128, 127)))


def _hwc(layer: Layer) -> tuple[int, int, int]:
    channels, height, width = layer.shape
    return height, width, channels
