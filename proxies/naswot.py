"""NASWOT: how differently the ReLUs switch on the images of a batch.

Missing where K is singular but for rounding: two images switch alike, or there are more of them
than the ReLUs tell apart.
"""

import math

import torch

from benchsuite.api import Missing, Passes, Proxy
from benchsuite.proxies._engine.wide import wide, zeros

_SINGULAR = "the kernel is singular: the ReLUs do not tell all images apart"


def _score(passes: Passes) -> dict[str, float]:
    """Add a a^T + (1-a)(1-a)^T = 2 p - d - d^T + n, with p = a a^T and d its diagonal."""
    batch = len(passes.labels)
    kernel = zeros(batch, batch, like=passes.tape.logits)
    for output, readers in passes.tape.relus():
        active = output.sign().permute(0, 2, 3, 1).reshape(batch, -1)
        both = wide(active @ active.t())
        on = both.diagonal()
        kernel += readers * (2 * both - on[:, None] - on[None, :] + active.shape[1])
    for layer in passes.trained.layers:  # A ReLU of zeros is off for every image.
        if layer.kind == "relu" and layer.name not in passes.places:
            kernel += math.prod(layer.shape)
    values = torch.linalg.eigvalsh(kernel)
    if values[0] <= batch * torch.finfo(values.dtype).eps * values[-1]:
        return {"": Missing(_SINGULAR)}
    return {"": float(torch.linalg.slogdet(kernel).logabsdet)}


PROXY = Proxy(
    version=1,
    direction="max",
    formula="log |det K|, K = sum over ReLUs of A A^T + (1-A)(1-A)^T, A = [input > 0]; every ReLU "
    "of the network that is scored once (each convolution has its own); BN train",
    source="Mellor et al., Neural Architecture Search without Training, ICML 2021, eq. 2",
    cost="forward",
    score=_score,
    unpruned=True,
)
