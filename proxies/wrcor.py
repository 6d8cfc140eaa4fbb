"""WRCor: correlations between images of what ReLUs read and of its gradients, the last weigh most.

K is one matrix [B, B]: absolute correlations of the inputs of every ReLU, and of the loss gradients
of these inputs, added with the weight 2^i, i the position of the ReLU's cell or residual block and
the last for the activation before pooling. A ReLU of which some image's input (or gradient) is
constant is left out, as in the authors' code. B: all images of all batches, with two of 32 the
authors' 64. Their code hooks modules whose type has ReLU in its name, so that blocks of ReLU,
convolution and BN count besides, and dead ends, which are left out here; its activation before
pooling works in place, so that the heaviest term is of what that ReLU puts out. On 41 cells tau
with such blocks and in place is .980 to this score, in place alone 1.000.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from benchsuite.api import Passes, Proxy
from benchsuite.proxies._engine.wide import wide, zeros
from benchsuite.proxies._scoring.net import Net, as_net, outputs, unchanged
from benchsuite.space.network import Network


def positions(network: Network) -> dict[str, int]:
    """Return, by name of each ReLU, the position of its cell or block among them, from 0."""
    found: dict[str, int] = {}
    order: dict[str, int] = {}
    for layer in network.layers:
        name = layer.name
        if name.startswith(("stage", "reduce", "last.relu")):
            parts = name.split(".")
            block = ".".join(parts[: 2 if name.startswith("stage") else 1])
            at = order.setdefault(block, len(order))
            if layer.kind == "relu":
                found[name] = at
    return found


def responses(net: Net, images: Tensor, labels: Tensor) -> Tensor:
    """Return K [B, B], float64, of images [B, 3, H, W] and labels [B]."""
    weight = positions(net.network)
    layers = net.network.layers
    reads = {layer.name: layers[layer.inputs[0]].name for layer in layers if layer.kind == "relu"}
    with unchanged(net), outputs(net, [*reads, *reads.values()]) as seen:
        loss = cross_entropy(net(images), labels)
        grads = torch.autograd.grad(loss, [seen[name] for name in reads])
    total = zeros(len(images), len(images), like=images)
    for name, grad in zip(reads, grads, strict=True):
        for response in (seen[reads[name]].detach(), grad * (seen[name] > 0)):
            correlation = torch.corrcoef(wide(response.flatten(1)))
            if not torch.isnan(correlation).any():
                total += 2.0 ** weight[name] * correlation.abs()
    return total


def _score(passes: Passes) -> dict[str, float]:
    images = torch.cat([batch.images for batch in passes.batches]).to(passes.dtype)
    labels = torch.cat([batch.labels for batch in passes.batches])
    found = responses(as_net(passes.module()), images, labels)
    return {"": float(torch.linalg.slogdet(found)[1])}


PROXY = Proxy(
    version=1,
    direction="max",
    formula="log |det K|, K = sum over ReLUs of 2^i (|corrcoef(x)| + |corrcoef(dL/dx)|), x [B, n] "
    "its input, i the position of its cell; BN train",
    source="Jing et al., Zero-shot NAS with weighted response correlation, 2025, eq. 10; released "
    "code, ZSNAS-WRCor, `act_grad_cor_weighted.py`",
    cost="backward",
    score=_score,
)
