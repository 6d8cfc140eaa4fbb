"""Replays on the public tables against the published results of NAS-Bench-201.

Dong & Yang, "NAS-Bench-201", ICLR 2020, table 5: 12,000 simulated seconds on CIFAR-10, queries are
12-epoch validation accuracies (as in their code, `exps/algos/R_EA.py` of January 2020), test
accuracy after 200 epochs. Theirs: release v1_0 throughout, clock with one validation pass. Here:
queries and clock of release v1_1 (the only public copies), clock without it, test of v1_0.
"""

import functools

import numpy as np
import pytest

from benchsuite import plugins
from benchsuite.replays.run import replay
from benchsuite.simulation.problem import prepare
from benchsuite.simulation.search import Budget
from benchsuite.simulation.setting import Setting
from benchsuite.sources._read import load_source
from benchsuite.space import cost
from benchsuite.space.network import OFFICIAL
from benchsuite.table.columns import Column
from benchsuite.table.table import Table, Values

pytestmark = pytest.mark.nb201

PUBLISHED = {"random": 93.70, "rea": 93.92, "reinforce": 93.85, "bohb": 93.61}
SEEDS = {"random": 300, "rea": 150, "reinforce": 150, "bohb": 80}


@functools.cache
def public(raw):
    """The three sources that hold what the published replays used."""
    table = Table.empty()
    for source in ("mini_nasbench", "robot", "constrained_tpe"):
        read = load_source(source).read(raw)
        table = table.with_columns(
            Values(one.column, one.values, one.reason)
            for one in read
            if one.column.name not in table.columns
            and one.column.dataset == "cifar10"
            and one.column.kind in ("accuracy", "cost")
        )
    flops = Column("cifar10.flops", "FLOPs", "FLOPs", "none", "cost", "1", "cost")
    return table.with_columns([Values(flops, cost.all_flops(OFFICIAL["cifar10"]))])


def replays(raw, name, **budget):
    strategy = plugins.load("strategies", name)
    problem = prepare(public(raw), Setting(epochs=12))
    test = public(raw).values("cifar10.test.200ep.mean@nb201-v1_0")
    runs = [
        replay(strategy, problem, Budget(**budget), strategy.parameters(), seed)
        for seed in range(SEEDS[name])
    ]
    return np.array([test[run.answer[0]] for run in runs]), runs


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_test_accuracy_within_a_quarter_of_a_percentage_point(raw, name):
    found, runs = replays(raw, name, seconds=12_000)
    print(f"{name}: {found.mean():.3f} +- {found.std(ddof=1):.3f}, published {PUBLISHED[name]}")
    assert abs(found.mean() - PUBLISHED[name]) < 0.25
    assert all(11_500 < run.simulated_seconds <= 12_000 for run in runs)


def test_the_modelled_clock_is_close_to_the_measured_one(raw):
    from benchsuite.simulation.clock import modelled_seconds

    measured = public(raw).values("cifar10.train_seconds.200ep.mean")
    error = np.abs(modelled_seconds("cifar10", 200) / measured - 1)
    assert np.median(error) < 0.016
    assert error.max() < 0.16
