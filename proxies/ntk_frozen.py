"""Condition numbers and trace of the neural tangent kernel, BN's statistics held constant."""

import torch

from benchsuite.api import Missing, Passes, Proxy

_ORDERS = (0, 1, 2, 4, 8, 16)


def _score(passes: Passes) -> dict[str, float]:
    values = torch.linalg.eigvalsh(passes.gram)  # ascending
    scores, n = {"trace": float(values.sum())}, len(values)
    for order in _ORDERS:
        if order >= n:
            number: float = Missing(f"{n} images have {n} eigenvalues, and this needs {order + 1}")
        elif values[order] <= 0:
            number = Missing(f"eigenvalue {order + 1} from below is not above 0")
        else:
            number = float(values[-1]) / float(values[order])
        scores[f"k{order}"] = number
    return scores


PROXY = Proxy(
    version=1,
    direction="min",
    formula="K_i = l_1 / l_(n-i) of K = J J^T, J_b = d(sum_k f_bk)/dw over convolutions, BN scales "
    "and classifier; BN uses the batch's statistics as constants (not the training-mode kernel)",
    source="Chen et al., TE-NAS, ICLR 2021, section 3.1.1; Qiao et al., MONAS, 2024; the trace, "
    "more of it better: Shu et al., NASI, ICLR 2022",
    cost="per-sample",
    outputs={f"k{order}": f"NTK condition number K_{order}, BN frozen" for order in _ORDERS}
    | {"trace": "Trace of the NTK, BN frozen"},
    opposite=("trace",),
    score=_score,
    average="log",
)
