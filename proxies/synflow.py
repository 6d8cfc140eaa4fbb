"""Synaptic flow: sum of all paths' products of absolute weights, as a logarithm."""

from benchsuite.api import Passes, Proxy


def _score(passes: Passes) -> dict[str, float]:
    return {"": passes.log_synaptic_flow}


PROXY = Proxy(
    version=1,
    direction="max",
    formula="log sum |w dR/dw| over convolutions and classifier, R = sum of logits of the network "
    "of |w| without BN on one image of ones, float64",
    source="Tanaka et al., SynFlow, NeurIPS 2020, section 5; Abdelfattah et al., ICLR 2021",
    cost="backward",
    runs_on=("cpu", "cuda"),
    score=_score,
)
