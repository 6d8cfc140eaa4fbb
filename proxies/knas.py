"""KNAS: mean of the Gram matrix of the samples' gradients, BN's statistics held constant."""

from benchsuite.api import Passes, Proxy


def _score(passes: Passes) -> dict[str, float]:
    return {"": float(passes.gram.mean())}


PROXY = Proxy(
    version=1,
    direction="max",
    formula="mean of all entries of K = J J^T, J_b = d(sum_k f_bk)/dw over convolutions, BN scales "
    "and classifier; BN uses the batch's statistics as constants",
    source="Xu et al., KNAS, ICML 2021, section 3 (MGM)",
    cost="per-sample",
    score=_score,
)
