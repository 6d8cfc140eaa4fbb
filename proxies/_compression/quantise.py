"""Quantised and pruned weights of a torch network, straight-through, as UDC trains them.

A compressed layer computes with Q(theta, b, r) * m, where m keeps the largest magnitudes and the
gradient is applied to theta as it is (Lin et al., "Dynamic Model Pruning with Feedback", ICLR 2020,
which UDC follows). Only what lies beyond the pruning threshold beta is quantised: Q^(theta) =
Q(theta - sign(theta) beta, b, r) + sign(theta) beta for 1 < b < 32. Not shifted, beta is 0 there:
the levels within the threshold are lost.

Where the paper, without its appendix, is silent: the range r has the least squared error among 20
fractions of the largest magnitude and is fitted whenever the mask is; 1-bit weights are +-
sqrt(2 / fan_in) (McDonnell, ICLR 2018, which the paper's space is built on).

Source: Fedorov et al., "UDC", NeurIPS 2022, sections 3 and 5, equations 2 and 3.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from benchsuite.errors import UserError
from benchsuite.proxies._scoring.net import Net

BITS = (1, 4, 8, 32)
_FRACTIONS = torch.linspace(0.05, 1, 20)


def quantise(weight: Tensor, bits: int, reach: float | Tensor) -> Tensor:
    """Return Q(theta, b, r): whole multiples of d = r / (2^(b-1) - 1) within +-r; b = 1: the sign.

    weight: any shape; reach: r > 0. Source: UDC, equation 3.
    """
    if bits == 1:
        return torch.where(weight < 0, -1.0, 1.0)
    largest = (1 << (bits - 1)) - 1
    step = reach / largest
    return step * torch.round(torch.clamp(weight / step, -largest, largest))


class Compression(nn.Module):
    """A layer's weights as they are stored: `bits` each, the fraction `density` of them not zero.

    update(density): chooses the mask anew, and with it beta and r. share: the probability alpha
    with which a weight is quantised in a training step; all are, when the network is evaluated;
    shifted: whether Q^ takes the place of Q.
    """

    keeps: Tensor
    beta: Tensor
    reach: Tensor

    def __init__(self, weight: Tensor, bits: int, share: float, *, shifted: bool = True) -> None:
        super().__init__()
        if bits not in BITS:
            raise UserError(f"A weight has one of {BITS} bits here, not {bits!r}.")
        self.bits, self.share, self.shifted = bits, share, shifted
        self.scale = math.sqrt(2 / weight[0].numel())
        self.register_buffer("keeps", torch.ones_like(weight, dtype=torch.bool))
        self.register_buffer("beta", torch.zeros(()))
        self.register_buffer("reach", torch.ones(()))
        self.update(weight, 1.0)

    @torch.no_grad()
    def update(self, weight: Tensor, density: float) -> None:
        """Keep the largest magnitudes of the weights, at least one of them."""
        size = weight.abs().flatten()
        pruned = size.numel() - max(1, round(density * size.numel()))
        order = size.argsort(stable=True)
        keeps = torch.ones_like(size, dtype=torch.bool)
        keeps[order[:pruned]] = False
        self.keeps.copy_(keeps.view_as(self.keeps))
        shifts = self.shifted and pruned > 0
        self.beta.copy_(size[order[pruned - 1]] if shifts else torch.zeros(()))
        if 1 < self.bits < 32:
            self.reach.copy_(_fit(size[keeps] - self.beta, self.bits))

    def stored(self, weight: Tensor) -> Tensor:
        """Return the weights as they are deployed."""
        return self._quantised(weight) * self.keeps

    def forward(self, weight: Tensor) -> Tensor:
        """Return the weights to compute with; their gradient is that of `weight`."""
        with torch.no_grad():
            used = self._quantised(weight)
            if self.training and self.share < 1 and self.bits < 32:
                chosen = torch.rand_like(weight) < self.share
                used = torch.where(chosen, used, self._clamped(weight))
            change = used * self.keeps - weight
        return weight + change

    def _clamped(self, weight: Tensor) -> Tensor:
        if self.bits == 1:
            return torch.clamp(weight, -self.scale, self.scale)
        reach = self.reach + self.beta
        return torch.clamp(weight, -reach, reach)

    def _quantised(self, weight: Tensor) -> Tensor:
        if self.bits == 32:
            return weight
        if self.bits == 1:
            return self.scale * quantise(weight, 1, 1.0)
        offset = torch.sign(weight) * self.beta
        return quantise(weight - offset, self.bits, self.reach) + offset


def compress(
    net: Net, layers: list[str], bits: int, share: float, *, shifted: bool = True
) -> dict[str, Compression]:
    """Give the named convolutions compressed weights; return their compressions by layer name."""
    found = {}
    for layer, module in zip(net.network.layers, net.layers, strict=True):
        if layer.name in layers:
            weight = module.get_parameter("weight").detach()
            found[layer.name] = Compression(weight, bits, share, shifted=shifted)
            parametrize.register_parametrization(module, "weight", found[layer.name])
    return found


def update(net: Net, compressions: dict[str, Compression], density: float) -> None:
    """Choose the masks of all compressed layers anew, with a fraction `density` of non-zeros."""
    for name, compression in compressions.items():
        module = net.layers[net.position(name)]
        weight = module.get_parameter("parametrizations.weight.original")
        compression.update(weight, density)


def _fit(sizes: Tensor, bits: int) -> Tensor:
    """Return the range r with the least squared error on magnitudes [N]."""
    reaches = (_FRACTIONS * sizes.max()).clamp_min(1e-12)
    errors = [((quantise(sizes, bits, reach) - sizes) ** 2).sum() for reach in reaches]
    return reaches[int(torch.stack(errors).argmin())]
