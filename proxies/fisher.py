"""Fisher saliency of the output channels of every layer, summed over weights."""

from benchsuite.api import Passes, Proxy


def _score(passes: Passes) -> dict[str, float]:
    gradients = passes.gradients()
    return {
        "": sum(
            float(saliency.sum()) * gradients.weights[name][0].numel()
            for name, saliency in gradients.saliency.items()
        )
    }


PROXY = Proxy(
    version=1,
    direction="max",
    formula="sum_l (weights per channel of l) sum_c 1/2 mean_b (sum_hw a dL/da)^2, a the output of "
    "convolution or classifier l, before BN; BN train",
    source="Turner et al., BlockSwap, ICLR 2020, eq. 2; Abdelfattah et al., ICLR 2021 (code)",
    cost="backward",
    score=_score,
)
