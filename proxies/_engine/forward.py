"""A forward and a backward pass without autograd, for the live network of a cell.

Why by hand: feature maps are channels-last throughout, a node's ReLU is computed once for all
edges that read it, nothing dead is executed, one tape serves any number of backward passes, and a
backward pass computes only what its caller asks for. On one core this is several times faster than
autograd on a module; `tests/proxies/test_engine.py` proves both equal.

BN uses batch statistics (training mode), scale 1 and offset 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from benchsuite.passes import See
from benchsuite.proxies._engine.weights import Weights
from benchsuite.space.network import Layer

BN_EPS = 1e-5
Layers = tuple[Layer, ...]

_batch_norm = torch.ops.aten.native_batch_norm
_batch_norm_backward = torch.ops.aten.native_batch_norm_backward
_conv_backward = torch.ops.aten.convolution_backward
_pool_backward: Callable[..., Tensor] = torch.ops.aten.avg_pool2d_backward
_threshold_backward: Callable[..., Tensor] = torch.ops.aten.threshold_backward


@dataclass(frozen=True)
class Tape:
    """What a forward pass leaves for backward passes.

    saved[i] belongs to layer i: conv (input, output), bn (input, mean [C], 1/std [C]),
    relu (output,), linear (input, output), others what their backward needs. logits: [B, K].
    """

    layers: Layers
    weights: Weights
    saved: tuple[tuple[Any, ...], ...]
    logits: Tensor

    def relus(self) -> list[tuple[Tensor, int]]:
        """Return each ReLU's output [B, C, H, W] and how many layers read it."""
        readers = Counter(at for layer in self.layers for at in layer.inputs)
        return [
            (self.saved[at][0], readers[at])
            for at, layer in enumerate(self.layers)
            if layer.kind == "relu"
        ]

    def between(self, start: int, end: int, grad: Tensor) -> Tensor:
        """Return the gradient of layer `start`'s output, given that of `end`'s, over all paths."""
        sums = Sums(len(self.layers))
        sums.add(end, grad, fresh=False)
        for at in range(end, start, -1):
            if not sums.has(at):
                continue
            layer, g = self.layers[at], sums.take(at)
            if layer.kind == "add":
                for source in layer.inputs:
                    sums.add(source, g, fresh=False)
            else:
                sums.add(layer.inputs[0], pull_back(self, at, g), fresh=True)
        return sums.take(start)


def forward(layers: Layers, weights: Weights, x: Tensor, see: See | None = None) -> Tape:
    """Run images [B, 3, H, W] through a live network.

    see(at, output): called with what each layer puts out, which a later sum may overwrite.
    """
    readers = Counter(at for layer in layers for at in layer.inputs)
    values: list[Tensor] = []
    saved: list[tuple[Any, ...]] = []
    for layer in layers:
        inputs = [values[at] for at in layer.inputs]
        kept: tuple[Any, ...] = ()
        if layer.kind == "input":
            value = x.contiguous(memory_format=torch.channels_last)
        elif layer.kind == "conv":
            value = conv(layer, inputs[0], weights[layer.name])
            kept = (inputs[0], value)
        elif layer.kind == "bn":
            value, mean, rstd = _batch_norm(inputs[0], None, None, None, None, True, 0.0, BN_EPS)
            kept = (inputs[0], mean, rstd)
        elif layer.kind == "relu":
            value = F.relu(inputs[0])
            kept = (value,)
        elif layer.kind == "avg_pool":
            value = avg_pool(layer, inputs[0])
            kept = (inputs[0].shape,)
        elif layer.kind == "add":
            own = [
                i
                for i, at in enumerate(layer.inputs)
                if readers[at] == 1 and layers[at].kind in ("bn", "avg_pool", "add")
            ]
            value = _sum(inputs, own)
        elif layer.kind == "global_pool":
            value = inputs[0].mean((2, 3))
            kept = (inputs[0].shape,)
        else:
            value = F.linear(inputs[0], weights[layer.name], weights.get(f"{layer.name}.bias"))
            kept = (inputs[0], value)
        if see is not None:
            see(len(values), value)
        values.append(value)
        saved.append(kept)
    return Tape(layers, weights, tuple(saved), values[-1])


def _sum(terms: list[Tensor], own: list[int]) -> Tensor:
    """Add tensors, in place in one that nobody else reads if there is one."""
    first = own[0] if own else 0
    total = terms[first]
    for i, term in enumerate(terms):
        if i != first:
            total = total.add_(term) if own else total + term
            own = own or [first]
    return total


Visit = Callable[[Layer, tuple[Any, ...], Tensor], None]


def backward(
    tape: Tape,
    grad_logits: Tensor,
    visit: Visit | None = None,
    *,
    to_input: bool = False,
    frozen_bn: bool = False,
) -> Tensor | None:
    """Send a gradient [B, K] of the logits back, and return that of the images if `to_input`.

    visit(layer, saved, grad) is called for every convolution, BN and linear layer with the
    gradient of its output. frozen_bn: treat batch statistics as constants, so that samples no
    longer depend on each other.
    """
    layers = tape.layers
    sums = Sums(len(layers))
    sums.add(len(layers) - 1, grad_logits, fresh=False)
    for at in range(len(layers) - 1, 0, -1):
        layer, saved, grad = layers[at], tape.saved[at], sums.take(at)
        if visit is not None and layer.kind in ("conv", "bn", "linear"):
            visit(layer, saved, grad)
        if layer.kind == "add":
            for source in layer.inputs:
                sums.add(source, grad, fresh=False)
        elif layers[layer.inputs[0]].kind != "input" or to_input:
            sums.add(layer.inputs[0], pull_back(tape, at, grad, frozen_bn), fresh=True)
    return sums.take(0) if to_input else None


class Sums:
    """Gradients per layer, added up in place where the tensor belongs to nobody else."""

    def __init__(self, count: int) -> None:
        self._values: list[Tensor | None] = [None] * count
        self._own = [False] * count

    def add(self, at: int, term: Tensor, *, fresh: bool) -> None:
        """Add a term; fresh: nobody else holds it, so it may be overwritten."""
        total = self._values[at]
        if total is None:
            self._values[at], self._own[at] = term, fresh
        elif self._own[at]:
            total.add_(term)
        elif fresh:
            self._values[at], self._own[at] = term.add_(total), True
        else:
            self._values[at], self._own[at] = total + term, True

    def has(self, at: int) -> bool:
        """Return whether a layer has a gradient."""
        return self._values[at] is not None

    def take(self, at: int) -> Tensor:
        """Return the sum and forget it."""
        total, self._values[at] = self._values[at], None
        assert total is not None
        return total


def pull_back(tape: Tape, at: int, grad: Tensor, frozen_bn: bool = False) -> Tensor:
    """Return the gradient of the input of one layer of one input, given that of its output."""
    layer, saved = tape.layers[at], tape.saved[at]
    if layer.kind == "conv":
        return conv_input_grad(layer, grad, saved[0], tape.weights[layer.name])
    if layer.kind == "bn":
        z, mean, rstd = saved
        return grad * rstd.view(1, -1, 1, 1) if frozen_bn else bn_backward(grad, z, mean, rstd)
    if layer.kind == "relu":
        return relu_backward(grad, saved[0])
    if layer.kind == "avg_pool":
        return avg_pool_backward(layer, grad, saved[0])
    if layer.kind == "global_pool":
        return global_pool_backward(grad, saved[0])
    return grad @ tape.weights[layer.name]


def pixels(x: Tensor) -> Tensor:
    """Return a map [B, C, H, W] as rows [B H W, C]: of one laid out channels last, no copy."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def maps(rows: Tensor, like: Tensor) -> Tensor:
    """Return rows [B H W, C] as a map [B, C, H, W], B, H and W those of another."""
    return rows.view(len(like), *like.shape[2:], -1).permute(0, 3, 1, 2)


def conv(layer: Layer, x: Tensor, weight: Tensor) -> Tensor:
    """Apply a convolution layer's geometry to any input and weight."""
    if layer.kernel == layer.stride == 1:
        return maps(pixels(x) @ weight.flatten(1).t(), x)
    return F.conv2d(x, weight, None, layer.stride, layer.kernel // 2)


def avg_pool(layer: Layer, x: Tensor) -> Tensor:
    """Average 3x3 without counting the padding, or 2x2 with stride 2."""
    if layer.stride == 1:
        return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    return F.avg_pool2d(x, 2, 2)


def conv_input_grad(layer: Layer, grad: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """Return dL/dx of a convolution, given dL/dz; of x only the shape is read."""
    if layer.kernel == layer.stride == 1:
        return maps(pixels(grad) @ weight.flatten(1), grad)
    return _conv_grads(layer, grad, x, weight, [True, False, False])[0]


def conv_weight_grad(layer: Layer, grad: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """Return dL/dw of a convolution, given dL/dz; of w only the shape is read."""
    if layer.kernel == layer.stride == 1:
        return (pixels(grad).t() @ pixels(x))[:, :, None, None]
    return _conv_grads(layer, grad, x, weight, [False, True, False])[1]


def _conv_grads(
    layer: Layer, grad: Tensor, x: Tensor, weight: Tensor, mask: list[bool], groups: int = 1
) -> tuple[Tensor, Tensor, Tensor]:
    stride, padding = [layer.stride] * 2, [layer.kernel // 2] * 2
    grads: tuple[Tensor, Tensor, Tensor] = _conv_backward(
        grad, x, weight, None, stride, padding, [1, 1], False, [0, 0], groups, mask
    )
    return grads


def per_sample_weight_grad(layer: Layer, grad: Tensor, x: Tensor) -> Tensor:
    """Return dL_b/dw of a convolution for every sample b: [B, C_out, C_in * k * k].

    One convolution with a group per sample, whose weight gradient holds all of them.
    """
    batch, inner, *size = x.shape
    outer = grad.shape[1]
    if layer.kernel == 1:
        return torch.bmm(grad.flatten(2), x.flatten(2).transpose(1, 2))
    stacked = x.reshape(1, batch * inner, *size).contiguous()
    grads = grad.reshape(1, batch * outer, *grad.shape[2:]).contiguous()
    shape_only = x.new_empty(batch * outer, inner, layer.kernel, layer.kernel)
    weight = _conv_grads(layer, grads, stacked, shape_only, [False, True, False], groups=batch)[1]
    return weight.reshape(batch, outer, -1)


def bn_backward(grad: Tensor, z: Tensor, mean: Tensor, rstd: Tensor) -> Tensor:
    """Apply the (symmetric) Jacobian of a training-mode BN: to a gradient, or to a tangent."""
    return bn_backward_with_dot(grad, z, mean, rstd)[0]


def bn_backward_with_dot(
    grad: Tensor, z: Tensor, mean: Tensor, rstd: Tensor
) -> tuple[Tensor, Tensor]:
    """Return what `bn_backward` does and, free of charge, sum_bhw grad * (z - mean) / std [C]."""
    back, dot, _ = _batch_norm_backward(
        grad, z, None, None, None, mean, rstd, True, BN_EPS, [True, True, False]
    )
    return back, dot


def relu_backward(grad: Tensor, output: Tensor) -> Tensor:
    """Keep the gradient, or tangent, where the ReLU is open."""
    return _threshold_backward(grad, output, 0)


def avg_pool_backward(layer: Layer, grad: Tensor, shape: torch.Size) -> Tensor:
    """Return dL/dx of an average pooling of inputs of a given shape."""
    if layer.stride == 1:
        # The kernel reads only the shape of its second argument, which is that of the gradient.
        return _pool_backward(grad, grad, [3, 3], [1, 1], [1, 1], False, False, None)
    # Uninitialised: again only the shape is read.
    like = torch.empty(
        shape, dtype=grad.dtype, device=grad.device, memory_format=torch.channels_last
    )
    return _pool_backward(grad, like, [2, 2], [2, 2], [0, 0], False, True, None)


def global_pool_backward(grad: Tensor, shape: torch.Size) -> Tensor:
    """Return dL/dx [B, C, H, W] of the global average, given [B, C]."""
    spread = (grad / (shape[2] * shape[3])).view(*grad.shape, 1, 1).expand(shape)
    return spread.contiguous(memory_format=torch.channels_last)
