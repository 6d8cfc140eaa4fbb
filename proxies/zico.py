"""ZiCo: mean over deviation of the gradients of several batches, log-summed over layers."""

import math

from benchsuite.api import Passes, Proxy
from benchsuite.errors import UserError
from benchsuite.proxies._engine.wide import total


def _score(passes: Passes) -> dict[str, float]:
    batches = [passes.gradients(i).weights for i in range(len(passes.batches))]
    if len(batches) < 2:
        raise UserError("zico compares the gradients of batches: at least two are needed.")
    score = 0.0
    for name in batches[0]:
        grads = [batch[name] for batch in batches]
        mean = sum(grads[1:], start=grads[0]) / len(grads)
        squares = [(grad - mean).square_() for grad in grads]
        deviation = (sum(squares[1:], start=squares[0]) / len(grads)).sqrt_()
        deviation.masked_fill_(deviation == 0, math.inf)
        size = sum(grad.abs() for grad in grads) / len(grads)
        layer = float(total(size / deviation))
        score += math.log(layer) if layer > 0 else 0.0
    return {"": score}


PROXY = Proxy(
    version=1,
    direction="max",
    formula="sum_l log sum_w mean_i |g_i| / std_i g_i over weights of l with std > 0, g_i the loss "
    "gradient of batch i, two batches, std with ddof 0; BN train",
    source="Li et al., ZiCo, ICLR 2023, eq. 15",
    cost="backward",
    score=_score,
    needs_double=True,
)
