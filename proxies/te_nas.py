"""TE-NAS: the rank of the NTK's condition number plus the rank of the linear regions.

The score of a cell depends on which others it is ranked with: the candidates are all cells that
have both numbers. Fewer K_0 and more regions are better. The authors rank the operators that a
search step might prune; ranking whole cells is how AZ-NAS and VKDNW report TE-NAS.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchsuite.api import Array, Proxy
from benchsuite.proxies._scoring.ranks import rank_sum

CONDITION, REGIONS = "ntk_cond.k0", "linear_regions.n3000"


def _combine(columns: Mapping[str, Array]) -> dict[str, Array]:
    trainable, expressive = -columns[CONDITION], columns[REGIONS]
    candidates = np.isfinite(trainable) & np.isfinite(expressive)
    return {"": rank_sum((trainable, expressive), candidates, log=False)}


PROXY = Proxy(
    version=2,
    direction="max",
    formula="rank(-K_0)/N + rank(linear regions)/N among the N cells that have both",
    source="Chen et al., TE-NAS, ICLR 2021, section 3.2; ranked as in Lee & Ham, CVPR 2024",
    cost="combined",
    combine=_combine,
    needs=(CONDITION, REGIONS),
)
