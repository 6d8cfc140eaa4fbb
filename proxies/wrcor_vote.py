"""WRCor's vote: the majority of SynFlow, the Jacobian's covariance and WRCor (the paper's SJW).

The authors' notebook sorts all cells by who wins two of three; such wins go round in circles (A
beats B, B beats C, C beats A), so that its order depends on the sorting. Here a cell is worth by
how many candidates it beats more than beat it. The candidates are all cells that have a `wrcor`, so
all connected cells of a complete table; another proxy that is missing is the worst.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchsuite.api import Array, Proxy
from benchsuite.proxies._scoring.ranks import majority_vote

PARTS = ("wrcor", "synflow", "jacob_cov")


def _combine(columns: Mapping[str, Array]) -> dict[str, Array]:
    candidates = np.isfinite(columns[PARTS[0]])
    return {"": majority_vote((columns[name] for name in PARTS), candidates)}


PROXY = Proxy(
    version=1,
    direction="max",
    formula="(cells that it beats - cells that beat it) / N, by two of wrcor, synflow, jacob_cov",
    source="Jing et al., Zero-shot NAS with weighted response correlation, 2025, section 3.3.3; "
    "released code, ZSNAS-WRCor, `nasbench201_correlations.ipynb`",
    cost="combined",
    combine=_combine,
    needs=PARTS,
)
