"""The Hessian of the loss times the weights, by a tangent sent forward and back again.

Pearlmutter's R-operator (Neural Computation 6(1), 1994) in the direction of the weights
themselves: R{x} is the derivative of x with respect to t at 0, where the weights are (1 + t) w.
The classifier's bias is held. As the direction is w, R{w} needs no memory and a convolution's
R{z} = conv(R{x}, w) + z.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from benchsuite.proxies._engine.forward import (
    Sums,
    Tape,
    avg_pool,
    avg_pool_backward,
    bn_backward,
    bn_backward_with_dot,
    conv,
    conv_input_grad,
    conv_weight_grad,
    global_pool_backward,
    relu_backward,
)
from benchsuite.proxies._engine.gradients import cross_entropy_grad
from benchsuite.proxies._engine.wide import total, zeros
from benchsuite.space.network import Layer


def grad_hessian_weights(tape: Tape, labels: Tensor, grads: dict[str, Tensor]) -> float:
    """Return g^T H w for the mean cross-entropy, w all scored weights and g its gradient.

    grads: g by layer name, of the same tape. H is the exact Hessian (ReLU has none of its own).
    """
    tangents, logits_tangent = _forward(tape)
    prob = tape.logits.softmax(1)
    grad = cross_entropy_grad(tape.logits, labels)
    tangent = prob * (logits_tangent - (prob * logits_tangent).sum(1, keepdim=True))
    return _backward(tape, tangents, grad, tangent / len(prob), grads)


def _forward(tape: Tape) -> tuple[list[tuple[Any, ...]], Tensor]:
    """Send the tangent forward; return per layer what the way back needs, and R{logits}."""
    values: list[Tensor | None] = []
    kept: list[tuple[Any, ...]] = []
    for layer, saved in zip(tape.layers, tape.saved, strict=True):
        inputs = [values[at] for at in layer.inputs]
        terms = [term for term in inputs if term is not None]
        keep: tuple[Any, ...] = (inputs[0] if inputs else None,)
        value: Tensor | None
        if layer.kind == "conv":
            value = saved[1]
            if terms:
                value = conv(layer, terms[0], tape.weights[layer.name]).add_(value)
        elif layer.kind == "linear":
            value = (saved[0] + terms[0]) @ tape.weights[layer.name].t()
        elif layer.kind == "bn":
            value, y_z = bn_backward_with_dot(terms[0], *saved)
            keep = (value, y_z)
        elif not terms:
            value = None
        elif layer.kind == "relu":
            value = relu_backward(terms[0], saved[0])
        elif layer.kind == "avg_pool":
            value = avg_pool(layer, terms[0])
        elif layer.kind == "add":
            value = sum(terms[1:], start=terms[0])
        else:
            value = terms[0].mean((2, 3))
        values.append(value)
        kept.append(keep if layer.kind in ("conv", "linear", "bn") else ())
    assert values[-1] is not None
    return kept, values[-1]


def _backward(
    tape: Tape,
    tangents: list[tuple[Any, ...]],
    grad: Tensor,
    tangent: Tensor,
    grads: dict[str, Tensor],
) -> float:
    """Send (gradient, its tangent) back; return the sum over layers of <g, R{g}>."""
    layers = tape.layers
    found = zeros(like=grad)
    of_grad, of_tangent = Sums(len(layers)), Sums(len(layers))
    of_grad.add(len(layers) - 1, grad, fresh=False)
    of_tangent.add(len(layers) - 1, tangent, fresh=False)
    for at in range(len(layers) - 1, 0, -1):
        layer, saved = layers[at], tape.saved[at]
        grad, tangent = of_grad.take(at), of_tangent.take(at)
        if layer.kind in ("conv", "linear"):
            product = _weight_tangent(layer, saved, tangents[at][0], grad, tangent)
            found += total(grads[layer.name] * product)
        if layer.kind == "add":
            for source in layer.inputs:
                of_grad.add(source, grad, fresh=False)
                of_tangent.add(source, tangent, fresh=False)
        elif layers[layer.inputs[0]].kind != "input":
            back = _pull_back(tape, at, tangents[at], grad, tangent)
            of_grad.add(layer.inputs[0], back[0], fresh=True)
            of_tangent.add(layer.inputs[0], back[1], fresh=True)
    return float(found)


def _weight_tangent(
    layer: Layer, saved: tuple[Any, ...], x_tangent: Tensor | None, grad: Tensor, tangent: Tensor
) -> Tensor:
    """Return R{dL/dw} of a convolution or of the classifier."""
    x: Tensor = saved[0]
    output: Tensor = saved[1]
    if layer.kind == "linear":
        assert x_tangent is not None
        return tangent.t() @ x + grad.t() @ x_tangent
    like = x.new_empty(output.shape[1], x.shape[1], layer.kernel, layer.kernel)
    product = conv_weight_grad(layer, tangent, x, like)
    if x_tangent is not None:
        product += conv_weight_grad(layer, grad, x_tangent, like)
    return product


def _pull_back(
    tape: Tape, at: int, kept: tuple[Any, ...], grad: Tensor, tangent: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the gradient of a layer's input and its tangent."""
    layer, saved = tape.layers[at], tape.saved[at]
    if layer.kind == "bn":
        (z, mean, rstd), (y_tangent, y_z) = saved, kept
        return _bn(z, mean, rstd, y_tangent, y_z, grad, tangent)
    if layer.kind == "conv":
        weight = tape.weights[layer.name]
        # R{w^T g} = w^T R{g} + R{w}^T g, and R{w} = w.
        return (
            conv_input_grad(layer, grad, saved[0], weight),
            conv_input_grad(layer, grad + tangent, saved[0], weight),
        )
    if layer.kind == "linear":
        weight = tape.weights[layer.name]
        return grad @ weight, (grad + tangent) @ weight
    if layer.kind == "relu":
        return relu_backward(grad, saved[0]), relu_backward(tangent, saved[0])
    if layer.kind == "avg_pool":
        return (
            avg_pool_backward(layer, grad, saved[0]),
            avg_pool_backward(layer, tangent, saved[0]),
        )
    return global_pool_backward(grad, saved[0]), global_pool_backward(tangent, saved[0])


def _bn(
    z: Tensor,
    mean: Tensor,
    rstd: Tensor,
    y_tangent: Tensor,
    y_z: Tensor,
    grad: Tensor,
    tangent: Tensor,
) -> tuple[Tensor, Tensor]:
    """Pull back through training-mode BN, whose Jacobian J itself has a tangent.

    With y = (z - mean) / std and <.> the mean over samples and positions of a channel,
    J g = rstd (g - <g> - y <y g>). As R{rstd} = -rstd^2 <y R{z}>,
    R{J g} = J (R{g} - rstd <y R{z}> g) - rstd (<y g> R{y} + y <g R{y}>).
    y_z: N <y R{z}> with N = B H W.
    """
    count = z.numel() / z.shape[1]
    back, y_g = bn_backward_with_dot(grad, z, mean, rstd)
    g_y = (grad * y_tangent).sum((0, 2, 3))
    through = torch.addcmul(tangent, grad, _spread(rstd * y_z / count), value=-1)
    back_tangent = bn_backward(through, z, mean, rstd)
    back_tangent.addcmul_(y_tangent, _spread(rstd * y_g / count), value=-1)
    slope = rstd * rstd * g_y / count
    back_tangent.addcmul_(z, _spread(slope), value=-1).add_(_spread(slope * mean))
    return back, back_tangent


def _spread(per_channel: Tensor) -> Tensor:
    return per_channel.view(1, -1, 1, 1)
