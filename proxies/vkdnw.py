"""Entropy of the Fisher information spectrum: how evenly the weights can be estimated.

The Fisher matrix is taken with respect to the first number of each of the first 128 parameter
tensors (weights, scales, offsets): F = mean_b J_b^T (diag(p_b) - p_b p_b^T) J_b with J_b [classes,
128] the derivatives of the logits, p_b = 0.95 softmax + 0.05 / classes. The score is the entropy
of the nine deciles of its singular values, scaled to sum to 1; at most log 9. The rank of F is at
most B (classes - 1): where that leaves nine of ten singular values 0 the score is missing.

Like every score of a class it is of the network without dead operators. The authors score the
whole network, whose entropy is another number and no function of the class: `--unpruned`, and the
columns `vkdnw.unpruned` of 1,000 cells.

As in the authors' code weights are Kaiming (fan-in), images are N(0, 1) noise, here as many as the
batch has (theirs: 64), and BN is in eval mode with new statistics, so it normalises nothing. Their
code multiplies J by the transpose of the factor of p's covariance that the paper calls for; here
it is the paper's matrix.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchsuite.api import Missing, Passes, Proxy
from benchsuite.proxies._engine import settled
from benchsuite.proxies._engine.wide import wide
from benchsuite.space.deploy import shared_relus

TENSORS = 128
_SMOOTHING = 0.05
_TINY = 1e-10
_SINGULAR = "nine of ten singular values of the Fisher matrix are 0: more images or classes needed"


def spectrum_entropy(derivatives: Tensor, logits: Tensor) -> float:
    """Return the entropy of the deciles, from J [B, classes, tensors] and logits [B, classes].

    Missing where all deciles are 0 but for rounding.
    """
    J, classes = wide(derivatives), logits.shape[1]
    p = (1 - _SMOOTHING) * wide(logits).softmax(1) + _SMOOTHING / classes
    centred = J - (p[:, :, None] * J).sum(1, keepdim=True)
    fisher = torch.einsum("bkp,bk,bkq->pq", centred, p, centred) / len(J)
    values = torch.linalg.svdvals(fisher)
    ranks = torch.arange(1, 10, dtype=values.dtype, device=values.device) / 10
    deciles = torch.quantile(values, ranks)
    rounding = len(values) * torch.finfo(values.dtype).eps * values[0]
    if deciles[-1] <= rounding:
        return Missing(_SINGULAR)
    share = deciles / (deciles.sum() + _TINY)
    return -float((share * torch.log(share + _TINY)).sum())


def _score(passes: Passes) -> dict[str, float]:
    weights = passes.drawn("kaiming")[1]
    layers = shared_relus(passes.trained.layers)
    done = settled.forward(layers, weights, passes.noise("vkdnw"))
    return {"": spectrum_entropy(settled.first_numbers(done, TENSORS), done.logits)}


PROXY = Proxy(
    version=1,
    direction="max",
    unit="nat",
    formula="-sum_k s_k log s_k over the nine deciles of the Fisher spectrum, sum s_k = 1",
    source="Tybl & Neumann, VKDNW, CVPR 2025, eq. 11; released code, NB201",
    cost="per-sample",
    own_setting="Kaiming fan-in weights, N(0, 1) noise for images",
    score=_score,
    unpruned=True,
)
