"""Entropy of the Fisher information spectrum: how evenly the weights can be estimated.

The Fisher matrix is taken with respect to the first number of each of the first 128 parameter
tensors (weights, scales, offsets): F = mean_b J_b^T (diag(p_b) - p_b p_b^T) J_b with J_b [classes,
128] the derivatives of the logits, p_b = 0.95 softmax + 0.05 / classes. The score is the entropy
of the nine deciles of its singular values, scaled to sum to 1; at most log 9.

As in the authors' code weights are Kaiming (fan-in), images are N(0, 1) noise, here as many as the
batch has (theirs: 64), and BN is in eval mode with new statistics, so it normalises nothing. Their
code multiplies J by the transpose of the factor of p's covariance that the paper calls for; here
it is the paper's matrix.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from benchsuite.api import Passes, Proxy
from benchsuite.proxies._scoring.net import Net, as_net, channels_last, unchanged

TENSORS = 128
_SMOOTHING = 0.05
_TINY = 1e-10


def jacobian(net: Net, images: Tensor) -> Tensor:
    """Return d logits/d (first number of each tensor): [B, classes, tensors], BN in eval mode.

    Without normalisation over the batch images do not mix, so the gradient with respect to what a
    layer puts out, times what a step of the number adds to that, is the derivative image by image:
    one backward pass per class gives them all.
    """
    reached: list[Tensor] = []
    steps: list[list[Tensor]] = []

    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        names = [name for name, _ in module.named_parameters()][: TENSORS - sum(map(len, steps))]
        if names:
            reached.append(output)
            steps.append([_effect(module, name, inputs[0].detach()) for name in names])

    handles = [module.register_forward_hook(hook) for module in net.layers]
    rows = []
    try:
        with unchanged(net, training=False):
            logits = net(images.clone().requires_grad_())
            for column in logits.unbind(1):
                grads = torch.autograd.grad(column.sum(), reached, retain_graph=True)
                rows.append(
                    [
                        (grad[:, :1] * step).flatten(1).sum(1)
                        for grad, of_layer in zip(grads, steps, strict=True)
                        for step in of_layer
                    ]
                )
    finally:
        for handle in handles:
            handle.remove()
    return torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)


def _effect(module: nn.Module, parameter: str, x: Tensor) -> Tensor:
    """Return what a unit step of a tensor's first number adds to channel 0: [B, 1, H, W]."""
    if parameter == "bias":
        return x.new_ones(())
    if isinstance(module, nn.BatchNorm2d):
        assert module.running_var is not None
        assert module.running_mean is not None
        return (x[:, :1] - module.running_mean[0]) / (module.running_var[0] + module.eps).sqrt()
    if isinstance(module, nn.Conv2d):
        corner = x.new_zeros(1, 1, *module.kernel_size)
        corner[0, 0, 0, 0] = 1
        return conv2d(x[:, :1], corner, stride=module.stride, padding=module.padding)
    return x[:, :1]


def spectrum_entropy(derivatives: Tensor, logits: Tensor) -> float:
    """Return the entropy of the deciles, from J [B, classes, tensors] and logits [B, classes]."""
    J, classes = derivatives.double(), logits.shape[1]
    p = (1 - _SMOOTHING) * logits.double().softmax(1) + _SMOOTHING / classes
    centred = J - (p[:, :, None] * J).sum(1, keepdim=True)
    fisher = torch.einsum("bkp,bk,bkq->pq", centred, p, centred) / len(J)
    values = torch.linalg.svdvals(fisher)
    deciles = torch.quantile(values, torch.arange(1, 10, dtype=values.dtype) / 10)
    share = deciles / (deciles.sum() + _TINY)
    return -float((share * torch.log(share + _TINY)).sum())


def _score(passes: Passes) -> dict[str, float]:
    net = channels_last(as_net(passes.module("kaiming").requires_grad_(False)))
    images = passes.noise("vkdnw").contiguous(memory_format=torch.channels_last)
    with unchanged(net, training=False):
        logits = net(images)
    return {"": spectrum_entropy(jacobian(net, images), logits)}


PROXY = Proxy(
    version=1,
    direction="max",
    unit="nat",
    formula="-sum_k s_k log s_k over the nine deciles of the Fisher spectrum, sum s_k = 1",
    source="Tybl & Neumann, VKDNW, CVPR 2025, eq. 11; released code, NB201",
    cost="per-sample",
    score=_score,
)
