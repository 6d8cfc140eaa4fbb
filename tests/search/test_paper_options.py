"""Options of strategies that stand for a paper's setting: free edges, infeasible draws."""

import numpy as np
import pytest

from benchsuite.replays.run import replay
from benchsuite.search import edgenas, random
from benchsuite.simulation.problem import prepare
from benchsuite.simulation.search import Budget
from benchsuite.simulation.setting import Setting
from benchsuite.space.cell import EDGES, OPS, all_ops
from benchsuite.space.network import Skeleton


@pytest.fixture(scope="module")
def problem(table):
    bounds = {"flash.weights.cifar10.mcu": 100_000}
    return prepare(table, Setting(skeleton=Skeleton(cells_per_stage=1), epochs=200, bounds=bounds))


def test_a_chain_leaves_its_other_edges_empty_and_says_how_certain_it_is(problem):
    parameters = edgenas.Parameters(steps=30, chain=True)
    run = replay(edgenas.STRATEGY, problem, Budget(seconds=1e9), parameters, 0)
    (cell,) = run.answer
    aside = [at for at, (start, end) in enumerate(EDGES) if end != start + 1]
    assert len(aside) == 3
    assert (all_ops()[cell][aside] == OPS.index("none")).all()
    assert run.trace.names[run.trace.looked_at[-1]] == "least certain"
    assert 1 / len(OPS) <= run.trace.value[-1] < 1


@pytest.mark.parametrize("feasible", [True, False])
def test_random_search_draws_infeasible_cells_only_where_it_may(problem, feasible):
    parameters = random.Parameters(feasible=feasible)
    run = replay(random.STRATEGY, problem, Budget(queries=60), parameters, 0)
    drawn = run.trace.cell[run.trace.cell >= 0]
    assert len(drawn) == 60
    assert np.all(problem.feasible[drawn]) == feasible
    assert run.feasible
