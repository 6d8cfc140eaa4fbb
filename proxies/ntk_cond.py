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

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from torch import Tensor

from benchsuite.api import Missing, Passes, Proxy
from benchsuite.proxies._engine import lanes
from benchsuite.proxies._engine._loops import Array
from benchsuite.proxies._engine.forward import forward
from benchsuite.proxies._engine.gradients import parameter_jacobian
from benchsuite.proxies._engine.wide import wide
from benchsuite.space.network import Network

ORDERS = tuple(range(31))
JUDGED = (0, 1, 2, 4, 8, 16)


def kernel(network: Network, weights: Mapping[str, Tensor], images: Tensor) -> Array:
    """Return K [B, B] in float64 of images [B, 3, H, W], from gradients in their own precision.

    On the processor by compiled loops, which a network of three channels keeps busy; on a GPU by
    the engine's passes.
    """
    if images.device.type != "cpu":
        gradients = wide(parameter_jacobian(forward(network.layers, weights, images)))
        return (gradients @ gradients.t()).cpu().numpy()
    arrays = {name: np.ascontiguousarray(weight.numpy()) for name, weight in weights.items()}
    steps = [(at, layer.inputs) for at, layer in enumerate(network.layers) if at > 0]
    done = lanes.forward(network.layers, arrays, steps, images.numpy())
    jacobian = lanes.jacobian(done).astype(np.float64)
    return jacobian @ jacobian.T


def _score(passes: Passes) -> dict[str, float]:
    numbers: dict[int, float] = {}
    thin = replace(passes.skeleton, channels=3, cells_per_stage=1)
    network, weights = passes.drawn("kaiming_fan_out", thin)
    ascending = np.linalg.eigvalsh(kernel(network, weights, passes.images)).tolist()
    for i in ORDERS:
        if i >= len(ascending):
            n = len(ascending)
            numbers[i] = Missing(f"{n} images have {n} eigenvalues, and this needs {i + 1}")
        elif ascending[i] <= 0:
            numbers[i] = Missing(f"eigenvalue {i + 1} from below is not above 0")
        else:
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
    own_setting="3 channels, one cell per stage, Kaiming fan-out weights",
    score=_score,
    average="log",
)
