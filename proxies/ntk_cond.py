"""Condition numbers of the neural tangent kernel of a thin network, BN in train mode.

K = J J^T [B, B] with J_b = d(sum_k f_bk)/d(weights), weights those of convolutions, BN and the
classifier, f the logits [B, classes]. With its eigenvalues l_1 >= ... >= l_n, n = B, the condition
numbers are K_i = l_1 / l_(n-i): TE-NAS scores with K_0, MONAS with K_2. BN in train mode ties the
images of a batch together, so K takes B backward passes; with frozen statistics it is another
quantity, which ranks cells differently.

The network is theirs too: 3 channels, one cell per stage, Kaiming fan-out weights. Their batches
are 72 (TE-NAS) and 32 (MONAS) images; here it is the batch that is given. The score is missing
where l_(n-i) is not above 0, and K_i for i >= B does not exist. K_31 is 1 for 32 images.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from benchsuite.api import Passes, Proxy
from benchsuite.proxies._scoring.net import Net, as_net, channels_last, unchanged

ORDERS = tuple(range(31))
JUDGED = (0, 1, 2, 4, 8, 16)


def kernel(net: Net, images: Tensor) -> Tensor:
    """Return K [B, B] in float64 of images [B, 3, H, W], from gradients in their own precision."""
    weights = [value for name, value in net.named_parameters() if name.endswith("weight")]
    with unchanged(channels_last(net)):
        summed = net(images.contiguous(memory_format=torch.channels_last)).sum(1)
        rows = [
            torch.autograd.grad(one, weights, retain_graph=True, materialize_grads=True)
            for one in summed
        ]
    jacobian = torch.stack([torch.cat([g.flatten() for g in row]) for row in rows]).double()
    return jacobian @ jacobian.T


def _score(passes: Passes) -> dict[str, float]:
    numbers = dict.fromkeys(ORDERS, float("nan"))
    thin = replace(passes.skeleton, channels=3, cells_per_stage=1)
    net = as_net(passes.module("kaiming_fan_out", thin))
    ascending = torch.linalg.eigvalsh(kernel(net, passes.images)).tolist()
    for i in ORDERS:
        if i < len(ascending) and ascending[i] > 0:
            numbers[i] = ascending[-1] / ascending[i]
    return {f"k{i}": number for i, number in numbers.items()}


PROXY = Proxy(
    version=1,
    direction="min",
    formula="l_1 / l_(n-i) of K = J J^T, J_b = d(sum_k f_bk)/dtheta, network with C = 3, N = 1",
    source="Chen et al., TE-NAS, ICLR 2021, section 3.1.1; Qiao et al., MONAS, section 3.1.1",
    cost="per-sample",
    outputs={f"k{i}": f"K_{i} of the NTK, BN in train mode" for i in ORDERS},
    details=tuple(f"k{i}" for i in ORDERS if i not in JUDGED),
    score=_score,
)
