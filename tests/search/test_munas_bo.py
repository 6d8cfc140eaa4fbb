"""Bayesian optimisation of muNAS: its model, its candidates, and what it finds at equal steps."""

import dataclasses

import numpy as np
import pytest
from search_tables import table

from benchsuite import plugins
from benchsuite.errors import UserError
from benchsuite.replays.run import replay
from benchsuite.search._cells import neighbours
from benchsuite.search._scalarisation import draw_weights, goal
from benchsuite.search.munas_bo import _candidates, _Model
from benchsuite.simulation.problem import prepare
from benchsuite.simulation.search import Budget
from benchsuite.simulation.setting import Setting
from benchsuite.space.cell import N_CELLS
from benchsuite.space.equivalence import classes


def run(name, setting=None, seed=0, **parameters):
    strategy = plugins.load("strategies", name)
    problem = prepare(table(), setting or Setting(epochs=200))
    return replay(strategy, problem, Budget(seconds=1e9), strategy.parameters(**parameters), seed)


def test_the_goal_is_equation_2_with_a_cap():
    weights = draw_weights(np.random.default_rng(0), 3, 2)
    assert weights.shape == (3, 1, 2)
    assert (weights > 1).all()
    scaled = np.array([[0.5, 2.0], [1.0, 0.1]])
    found = goal(scaled, np.array([[2.0, 3.0]]))
    assert found.tolist() == [max(0.5 * 2, 2 * 3), max(1 * 2, 0.1 * 3)]


def test_candidates_are_new_and_half_of_them_near_the_best():
    best_first = np.array([100, 7, 8000, *range(9000, 9020)])
    pool = _candidates(np.random.default_rng(1), best_first, 100)
    assert len(set(pool.tolist())) == len(pool) == 100
    assert not set(pool.tolist()) & set(best_first.tolist())
    near = set(neighbours()[best_first[:3]].ravel().tolist())
    assert 40 <= sum(cell in near for cell in pool.tolist()) <= 60


def test_there_is_a_candidate_while_one_cell_is_not_seen():
    """Two candidates that had all been seen ended a search in a traceback."""
    rng = np.random.default_rng(0)
    assert _candidates(rng, rng.permutation(np.arange(1, N_CELLS)), 2).tolist() == [0]


def test_the_model_knows_what_it_has_seen_and_that_equal_functions_are_equal():
    rng = np.random.default_rng(2)
    error = 1 - table().values("cifar10.valid.200ep.mean") / 100
    seen = rng.choice(N_CELLS, 120, replace=False)
    same = classes("functional")
    twins = np.flatnonzero(same == np.bincount(same).argmax())[:2]
    pool = np.concatenate([seen[:3], twins])
    model = _Model()
    drawn = np.array([model.draw(rng, seen, error[seen], pool) for _ in range(60)])
    np.testing.assert_array_equal(drawn[:, 3], drawn[:, 4])
    np.testing.assert_allclose(np.log(drawn[:, :3]).mean(axis=0), np.log(error[seen[:3]]), atol=0.1)
    far = rng.choice(np.setdiff1d(np.arange(N_CELLS), seen), 200, replace=False)
    predicted = np.mean(
        [np.log(model.draw(rng, seen, error[seen], far)) for _ in range(20)], axis=0
    )
    assert np.corrcoef(predicted, np.log(error[far]))[0, 1] > 0.8


def test_with_accuracy_alone_it_beats_aging_evolution_at_equal_steps():
    best = {
        name: np.mean([run(name, seed=s, rounds=60).trace.best_value[-1] for s in range(4)])
        for name in ("munas_bo", "munas")
    }
    assert best["munas_bo"] > best["munas"] + 0.2


def test_no_cell_is_trained_twice_and_the_answer_is_a_front():
    bounds = {"cifar10.flops": 100e6, "cifar10.params": 8e5}
    found = run("munas_bo", Setting(bounds=bounds), rounds=80)
    trained = found.trace.cell[found.trace.cell >= 0]
    assert len(set(trained.tolist())) == len(trained) == 80
    valid, flops = (table().values(f"cifar10.{x}") for x in ("valid.12ep.mean", "flops"))
    assert valid[found.answer[0]] == max(valid[list(found.answer)])
    assert all(flops[cell] <= 100e6 for cell in found.answer)
    ablated = run("munas_bo", Setting(bounds=bounds), without=("cifar10.params",), rounds=20)
    assert "cifar10.params" not in ablated.trace.names


def test_every_cell_alike_is_no_failure():
    problem = prepare(table(), Setting(epochs=200))
    problem = dataclasses.replace(problem, accuracy={200: np.full(N_CELLS, 70.0)})
    strategy = plugins.load("strategies", "munas_bo")
    found = replay(strategy, problem, Budget(queries=25), strategy.parameters(rounds=25), 0)
    assert found.queries == 25
    assert found.answer


@pytest.mark.parametrize(
    ("parameters", "hint"),
    [
        ({"starts": 1}, "starts has to be 2 or more"),
        ({"rounds": 5}, "rounds has to be from 15"),
        ({"candidates": 1}, "candidates"),
        ({"error_bound": 0.0}, "error_bound"),
        ({"without": ("cifar10.flops",)}, "no bound to leave out"),
    ],
)
def test_mistakes_are_sentences(parameters, hint):
    with pytest.raises(UserError, match=hint):
        run("munas_bo", **parameters)


def test_the_bound_that_cannot_be_left_out_is_the_one_that_is_named():
    bounded, without = Setting(bounds={"cifar10.flops": 1e8}), ("cifar10.flops", "ntk_cond.k2")
    with pytest.raises(UserError, match=r"'ntk_cond.k2@1' has no bound(?!.*Did you mean)"):
        run("munas_bo", bounded, without=without)


@pytest.mark.parametrize("bounded", ["flops", "cifar10.flops", "flops@1"])
def test_a_bound_is_left_out_by_its_short_name_of_a_cost_or_of_a_proxy(bounded):
    other = {"cifar10.params": 8e5}
    small = {"rounds": 60, "population": 10, "sample": 5}
    found = run("munas", Setting(bounds={bounded: 1e9, **other}), without=("flops",), **small)
    alone = run("munas", Setting(bounds=other), **small)
    assert found.trace.cell.tolist() == alone.trace.cell.tolist()
