"""REINFORCE: a softmax policy per edge, rewarded by validation accuracy above a moving average.

Source: Williams, Machine Learning 1992; in the form of Dong & Yang, "NAS-Bench-201", ICLR 2020
(AutoDL-Projects, `exps/algos/reinforce.py`): Adam, a moving average of momentum 0.9 as the
baseline, reward in percent, logits starting at N(0, 0.001). The best cell queried is the answer.
Under bounds a cell that breaks them is drawn again, at most 1,000 times.

The paper states no rate. Its scripts give 0.001 (`scripts-search/algos/REINFORCE.sh`), 0.01 (that
of NATS-Bench) and a grid of five (`hps/GRID-RL.sh`); the default is the one of the grid whose picks
validate best on CIFAR-10 (study `reinforce_rates`, report `baselines_table5`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchsuite.api import Strategy
from benchsuite.numerics.arithmetic import softmax
from benchsuite.parameters import check_range
from benchsuite.search._adam import Adam
from benchsuite.search._cells import Space
from benchsuite.simulation.search import Search
from benchsuite.space.cell import EDGES, OPS, index_of

_TRIES = 1000


@dataclass(frozen=True)
class Parameters:
    """rate: Adam's step size; momentum: of the moving average of the reward."""

    rate: float = 0.1
    momentum: float = 0.9

    def __post_init__(self) -> None:
        check_range(0, rate=self.rate)
        check_range(0, 1 - 1e-9, momentum=self.momentum)


def run(search: Search, rng: np.random.Generator, parameters: Parameters) -> None:
    """Draw, reward and adjust until the budget is spent or the policy draws no feasible cell."""
    space = Space(search)
    edges = np.arange(len(EDGES))
    logits = 1e-3 * rng.standard_normal((len(EDGES), len(OPS)))
    adam = Adam(parameters.rate)
    total = weight = 0.0
    while True:
        probs = softmax(logits)
        thresholds = probs.cumsum(axis=1)[:, :-1]
        for _ in range(_TRIES):
            ops = (rng.random((len(EDGES), 1)) > thresholds).sum(axis=1)
            cell = int(index_of(ops[None])[0])
            if cell in space:
                break
        else:
            return
        reward = search.query_one(cell)
        total = parameters.momentum * total + (1 - parameters.momentum) * reward
        weight = parameters.momentum * weight + (1 - parameters.momentum)
        chosen = np.zeros_like(probs)
        chosen[edges, ops] = 1
        logits = logits + adam.step((probs - chosen) * (reward - total / weight))


STRATEGY = Strategy(
    version=3,
    source="Williams, 1992; defaults of Dong & Yang, ICLR 2020, but the rate",
    run=run,
    parameters=Parameters,
)
