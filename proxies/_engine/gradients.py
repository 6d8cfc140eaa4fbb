"""What a backward pass collects: weight gradients with channel saliencies, or a gradient Gram."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchsuite.proxies._engine.forward import (
    Tape,
    backward,
    bn_backward_with_dot,
    conv_weight_grad,
    per_sample_weight_grad,
)
from benchsuite.proxies._engine.wide import wide, zeros
from benchsuite.space.network import Layer


@dataclass(frozen=True)
class Gradients:
    """Gradients of the mean cross-entropy L of one batch.

    weights: dL/dw by layer name, convolutions and classifier; saliency: per layer the Fisher
    saliency of its output channels, 1/2 mean_b (sum_hw a dL/da)^2 [C_out], where a is the output
    of the convolution or of the classifier.
    """

    weights: dict[str, Tensor] = field(default_factory=dict)
    saliency: dict[str, Tensor] = field(default_factory=dict)


def cross_entropy_grad(logits: Tensor, labels: Tensor) -> Tensor:
    """Return dL/dlogits [B, K] of the mean cross-entropy over the batch."""
    target = torch.nn.functional.one_hot(labels, logits.shape[1]).to(logits.dtype)
    return (logits.softmax(1) - target) / len(logits)


def loss_gradients(tape: Tape, labels: Tensor) -> Gradients:
    """Return the gradients of the mean cross-entropy of the taped batch."""
    found = Gradients()

    def visit(layer: Layer, saved: tuple[Any, ...], grad: Tensor) -> None:
        if layer.kind == "bn":
            return
        x, output = saved
        product = output * grad
        if layer.kind == "conv":
            product = product.sum((2, 3))
            weight = conv_weight_grad(layer, grad, x, tape.weights[layer.name])
        else:
            weight = grad.t() @ x
        found.weights[layer.name] = weight
        found.saliency[layer.name] = product.square().mean(0) / 2

    backward(tape, cross_entropy_grad(tape.logits, labels), visit)
    return found


def input_jacobian(tape: Tape) -> Tensor:
    """Return J_b = d(sum of all logits)/dx_b: [B, 3 * H * W], through training-mode BN."""
    grad = backward(tape, torch.ones_like(tape.logits), to_input=True)
    assert grad is not None
    return grad.flatten(1)


def parameter_jacobian(tape: Tape) -> Tensor:
    """Return the gradients [B, P] of each image's summed logits, through training-mode BN.

    P counts the weights of convolutions, the scales of BNs and the classifier's matrix, layer by
    layer from the last. One backward pass per image, as BN ties the images together.
    """
    rows = []
    for image in range(len(tape.logits)):
        found: list[Tensor] = []

        def visit(layer: Layer, saved: tuple[Any, ...], grad: Tensor, to: list[Tensor]) -> None:
            if layer.kind == "bn":
                to.append(bn_backward_with_dot(grad, *saved)[1])
            elif layer.kind == "conv":
                weight = tape.weights[layer.name]
                to.append(conv_weight_grad(layer, grad, saved[0], weight).flatten())
            else:
                to.append((grad.t() @ saved[0]).flatten())

        gradient = torch.zeros_like(tape.logits)
        gradient[image] = 1
        backward(tape, gradient, partial(visit, to=found))
        rows.append(torch.cat(found))
    return torch.stack(rows)


def frozen_gram(tape: Tape) -> Tensor:
    """Return K = J J^T [B, B] in float64, J_b = d(sum_k f_bk)/dw over all weights w.

    Weights are those of convolutions and classifier, and BN's scales. BN statistics are those of
    the batch, but constants for the derivative: the samples do not depend on each other, and one
    pass with per-sample weight gradients replaces one pass per sample.
    """
    batch = len(tape.logits)
    gram = zeros(batch, batch, like=tape.logits)

    def visit(layer: Layer, saved: tuple[Any, ...], grad: Tensor) -> None:
        if layer.kind == "bn":
            z, mean, rstd = saved
            of_z = (grad * z).sum((2, 3))
            rows = (of_z - mean * grad.sum((2, 3))) * rstd
        elif layer.kind == "conv" and _by_pixels(layer, saved[0]):
            gram.add_(wide(pixel_gram(grad, saved[0])))
            return
        elif layer.kind == "conv":
            rows = per_sample_weight_grad(layer, grad, saved[0]).flatten(1)
        else:  # a sample's gradient is the outer product of its gradient and its input
            gram.add_(wide(grad @ grad.t()) * wide(saved[0] @ saved[0].t()))
            return
        gram.add_(wide(rows @ rows.t()))

    backward(tape, torch.ones_like(tape.logits), visit, frozen_bn=True)
    return gram


# Where to, and where from, along an axis: by one pixel on, by none, by one back.
_MOVES = (
    (slice(1, None), slice(None, -1)),
    (slice(None), slice(None)),
    (slice(None, -1), slice(1, None)),
)


def _by_pixels(layer: Layer, x: Tensor) -> bool:
    """Whether `pixel_gram` multiplies less than the samples' gradients and their products do."""
    batch, inner, height, width = x.shape
    outer, count = layer.shape[0], height * width
    if layer.kernel != 3 or layer.stride != 1:
        return False
    weights = 9 * inner * outer
    return (batch * count) ** 2 * (inner + outer + 9) < batch * (count + batch) * weights


def pixel_gram(grad: Tensor, x: Tensor) -> Tensor:
    """Return K [B, B], K_bc = <dL_b/dw, dL_c/dw> of a 3x3 convolution of stride 1, for small maps.

    dL_b/dw = sum_p g_bp u_bp^T over pixels p, u_bp the 3x3 neighbourhood of x, zeros around it. So
    K_bc = sum_pq <g_bp, g_cq> <u_bp, u_cq>, and <u_bp, u_cq> is the sum over shifts by d of
    <x_b(p+d), x_c(q+d)>. No gradient is made; images are innermost, so that shifts move long rows.
    """
    batch, _, height, width = x.shape
    by_pixel = [value.permute(2, 3, 0, 1).flatten(0, 2) for value in (grad, x)]
    slopes, values = (rows @ rows.t() for rows in by_pixel)
    values = values.view(height, width, batch, height, width, batch)
    near = torch.zeros_like(values)
    for (to_h, from_h), (to_w, from_w) in itertools.product(_MOVES, _MOVES):
        near[to_h, to_w, :, to_h, to_w] += values[from_h, from_w, :, from_h, from_w]
    count = height * width
    return (slopes.view(count, batch, count, batch) * near.view(count, batch, count, batch)).sum(
        (0, 2)
    )
