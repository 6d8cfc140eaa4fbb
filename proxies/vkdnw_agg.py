"""VKDNW aggregated: log ranks of five proxies, its own, jacob_cov, two of AZ-NAS, and FLOPs.

The score of a cell depends on which others it is ranked with: the candidates are all cells that
have a `vkdnw_single`, so all connected cells of a complete table. Another proxy that is missing
for a candidate ranks last.
"""

from benchsuite.api import Proxy
from benchsuite.proxies._scoring.ranks import log_rank_sum

PARTS = ("vkdnw_single", "jacob_cov", "az_nas.expressivity", "az_nas.trainability", "flops")

PROXY = Proxy(
    version=2,
    direction="max",
    formula="sum of log(rank / N) of V, J, E, T and FLOPs among the N cells with a V",
    source="Tybl & Neumann, VKDNW, CVPR 2025, eq. 15; released code, `tss_utils.py`",
    cost="combined",
    combine=log_rank_sum(PARTS),
    needs=PARTS,
)
