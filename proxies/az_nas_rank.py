"""AZ-NAS: the sum of log ranks of expressivity, progressivity, trainability and FLOPs.

The score of a cell depends on which others it is ranked with: the candidates are all cells that
have an expressivity, so all connected cells of a complete table (the authors rank the 341
disconnected ones too, last). Missing trainability (an identity) ranks last, as the authors' minus
infinity does. FLOPs are those of the network as trained, dead operators included, as theirs are.
"""

from benchsuite.api import Proxy
from benchsuite.proxies._scoring.ranks import log_rank_sum

PARTS = ("az_nas.expressivity", "az_nas.progressivity", "az_nas.trainability", "flops")

PROXY = Proxy(
    version=2,
    direction="max",
    formula="sum of log(rank / N) of E, P, T and FLOPs among the N cells with an E",
    source="Lee & Ham, AZ-NAS, CVPR 2024, eq. 6",
    cost="combined",
    combine=log_rank_sum(PARTS),
    needs=PARTS,
)
