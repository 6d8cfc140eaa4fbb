"""Optimisers of other people: what they are told, where they end, and without their libraries."""

import importlib

import numpy as np
import pytest
from search_tables import column, table

from benchsuite import plugins
from benchsuite.errors import UserError
from benchsuite.packages import optional_module
from benchsuite.replays.run import replay
from benchsuite.search import _objectives, pymoo_nsga3
from benchsuite.search._objectives import WORST, Objectives
from benchsuite.simulation.problem import prepare
from benchsuite.simulation.search import Budget, ExhaustedError, Search
from benchsuite.simulation.setting import Setting
from benchsuite.space.cell import N_CELLS
from benchsuite.stats.pareto import non_dominated
from benchsuite.table.table import Values

BOUNDS = {"cifar10.flops": 60e6, "cifar10.params": 8e5}
OTHERS = {
    "forest": "sklearn",
    "optuna_nsga2": "optuna",
    "optuna_tpe": "optuna",
    "pymoo_nsga2": "pymoo",
    "pymoo_nsga3": "pymoo",
}
SMALL = {"pymoo_nsga2": {"population": 10}, "pymoo_nsga3": {"partitions": 3}}


def run(name, setting, queries=60, seed=0, **parameters):
    strategy = plugins.load("strategies", name)
    given = strategy.parameters(**{**SMALL.get(name, {}), **parameters})
    return replay(strategy, prepare(table(), setting), Budget(queries=queries), given, seed)


def trained(found):
    return [
        int(cell)
        for cell, at in zip(found.trace.cell, found.trace.looked_at, strict=True)
        if found.trace.names[at].startswith("valid.")
    ]


@pytest.mark.parametrize("name", OTHERS)
def test_cells_that_break_bounds_are_not_trained(name):
    problem = prepare(table(), Setting(bounds=BOUNDS))
    assert 0.02 < problem.feasible.mean() < 0.9
    found = run(name, Setting(bounds=BOUNDS))
    assert found.queries == 60
    assert problem.feasible[trained(found)].all()


@pytest.mark.parametrize("name", ["forest", "optuna_tpe"])
def test_a_model_beats_random_search(name):
    """On the error alone, over three seeds, of a table whose accuracies follow its operators."""
    best = {
        which: np.mean([run(which, Setting(), 60, seed).trace.best_value[-1] for seed in range(3)])
        for which in (name, "random")
    }
    assert best[name] > best["random"]


@pytest.mark.parametrize("name", ["optuna_nsga2", "optuna_tpe", "pymoo_nsga2", "pymoo_nsga3"])
def test_the_answer_is_the_best_cell_then_the_rest_of_the_front(name):
    problem = prepare(table(), Setting(bounds=BOUNDS))
    found = run(name, Setting(bounds=BOUNDS))
    cells = np.unique(trained(found))
    error = 100 - problem.validation(problem.epochs)[cells]
    costs = [problem.column(bounded)[cells] for bounded in problem.bounds]
    front = set(cells[non_dominated(np.column_stack([error, *costs]))].tolist())
    assert set(found.answer) - {found.answer[0]} == front - {found.answer[0]}
    assert found.answer[0] == found.trace.best[-1]


@pytest.mark.parametrize("name", OTHERS)
def test_a_bound_that_no_suggestion_keeps_ends_it(name, monkeypatch):
    """After many cells in a row that cost nothing; a forest has no class of cells left."""
    monkeypatch.setattr(_objectives, "TRIES", 30)
    flops = np.sort(np.unique(table().values("cifar10.flops")))
    found = run(name, Setting(bounds={"cifar10.flops": float(flops[0])}), queries=40)
    assert found.answer or found.reason


def test_infeasible_cells_have_the_worst_error_and_say_by_how_much():
    problem = prepare(table(), Setting(bounds=BOUNDS))
    objectives = Objectives(Search(problem, Budget(queries=9)))
    bad = int(np.flatnonzero(~problem.feasible)[0])
    good = int(np.flatnonzero(problem.feasible)[0])
    assert objectives.error(bad) == WORST
    assert max(objectives.broken(bad)) > 0
    assert objectives.broken(good) == [] or max(objectives.broken(good)) <= 0
    assert objectives.all(good)[0] == 100 - problem.validation(problem.epochs)[good]
    assert list(objectives.found) == [good]
    for _ in range(_objectives.TRIES - 1):
        objectives.error(bad)
    with pytest.raises(ExhaustedError):
        objectives.error(bad)


@pytest.mark.parametrize("name", ["munas", "munas_bo", "edgenas", *sorted({*OTHERS} - {"forest"})])
@pytest.mark.parametrize("bound", [-40.0, 0.0])
def test_a_bound_that_is_not_above_zero_is_no_scale(name, bound):
    """Divided by it, the cells that break it would be those that keep it."""
    debts = Values(column("debt@1", "cost"), -np.arange(N_CELLS, dtype=float))
    problem = prepare(table().with_columns([debts]), Setting(bounds={"debt": bound}))
    strategy = plugins.load("strategies", name)
    with pytest.raises(UserError, match=f"has to be above 0: debt@1 <= {bound:g} is not"):
        replay(strategy, problem, Budget(queries=60), strategy.parameters(), 0)


def test_the_tournament_takes_the_less_broken_and_either_of_equals():
    class Population:
        def get(self, what):
            assert what == "CV"
            return np.array([[0.0], [0.0], [2.0], [1.0]])

    pairs = np.array([[0, 2], [2, 0], [2, 3], [3, 2]] + [[0, 1]] * 400)
    won = pymoo_nsga3._less_broken(Population(), pairs, np.random.default_rng(0))[:, 0]
    assert won[:4].tolist() == [0, 0, 3, 3]
    assert 0.4 < won[4:].mean() < 0.6


@pytest.mark.parametrize("name", OTHERS)
def test_without_the_library_it_is_a_sentence(name, monkeypatch):
    real = importlib.import_module

    def missing(wanted, *args):
        if wanted.partition(".")[0] == OTHERS[name]:
            raise ModuleNotFoundError(f"No module named {wanted!r}")
        return real(wanted, *args)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(UserError, match=r"pip install 'benchsuite\[optimisers\]'"):
        run(name, Setting(bounds=BOUNDS))
    assert optional_module("numpy") is np
