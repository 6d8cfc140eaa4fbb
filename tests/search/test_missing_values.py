"""Columns without values: a search that was to go by one says so, and does not go by nothing."""

import numpy as np
import pytest
from search_tables import column, table

from benchsuite import plugins
from benchsuite.errors import UserError
from benchsuite.replays.run import replay
from benchsuite.simulation.problem import prepare
from benchsuite.simulation.search import Budget
from benchsuite.simulation.setting import Setting
from benchsuite.space.cell import N_CELLS, SKIP, all_ops
from benchsuite.table.table import Values


def run(name, values, bounds=(), **parameters):
    column_of = Values(column("mine@1", "proxy", "max"), values, "not scored")
    problem = prepare(table().with_columns([column_of]), Setting(epochs=200, bounds=dict(bounds)))
    strategy = plugins.load("strategies", name)
    return replay(strategy, problem, Budget(seconds=1e9), strategy.parameters(**parameters), 0)


def all_but(kept):
    return np.where(kept, np.arange(N_CELLS) + 1.0, np.nan)


NOTHING = all_but(np.zeros(N_CELLS, dtype=bool))


@pytest.mark.parametrize("top", [1, 5])
def test_the_top_of_a_proxy_is_no_cell_that_was_drawn_at_random(top):
    some = all_but(np.arange(N_CELLS) % 100 == 0)
    assert run("proxy_top", some, proxy="mine", top=top).answer[0] % 100 == 0
    found = run("proxy_top", NOTHING, proxy="mine", top=top)
    assert (found.answer, found.queries) == ((), 0)
    assert found.reason == "no cell was queried or answered"


@pytest.mark.parametrize(
    ("values", "parameters"),
    [
        (NOTHING, {"ntk": "mine"}),
        (-np.ones(N_CELLS), {"ntk": "mine"}),  # no logarithm
        (NOTHING, {"regions": "mine"}),
        (NOTHING, {"mu": 0.5, "latency": "mine"}),
        (all_but((all_ops() != SKIP).any(axis=1)), {"mu": 0.5, "latency": "mine"}),
    ],
)
def test_monas_does_not_rank_by_what_is_missing(values, parameters):
    with pytest.raises(UserError, match="mine has no value of the cells that MONAS ranks"):
        run("monas", values, **parameters)


@pytest.mark.parametrize("values", [NOTHING, np.zeros(N_CELLS), -np.ones(N_CELLS)])
def test_what_has_no_mean_stands_in_for_no_bound(values):
    bounds = {"cifar10.flops": 1e8}
    with pytest.raises(UserError, match="one stands in for the other where both are above 0"):
        run("edgenas", values, bounds, stand_in="mine", steps=2)
