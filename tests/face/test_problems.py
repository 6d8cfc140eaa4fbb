"""Problems for pymoo, and the loops of docs/ask_and_tell.md, run."""

import copy
import itertools
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

import benchsuite as bs
from benchsuite.face.problems import SUITE
from benchsuite.space.cell import N_CELLS, all_ops, connected

DOCUMENT = Path(__file__).parents[2] / "docs" / "ask_and_tell.md"
LOOPS = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), flags=re.S)


@pytest.fixture(autouse=True)
def pymoo():
    return pytest.importorskip("pymoo", reason="pymoo is not installed (extra optimisers)")


@pytest.fixture(scope="module")
def f746(shipped_table):
    return bs.problem("stm32f746", shipped_table)


def test_every_cell_has_its_columns(f746, shipped_table):
    found = f746.evaluate(all_ops(), return_as_dictionary=True)
    live = connected()
    columns = [
        100 - shipped_table["cifar10.valid.200ep.mean"],
        shipped_table["ram.best.cifar10.official"],
        shipped_table["flash.weights.cifar10.official"],
        shipped_table["latency.stm32f746.x_cube_ai.cifar10.official"],
    ]
    assert f746.names[0] == "error"
    assert [shipped_table.column(name).unit for name in f746.names[1:]] == ["bytes", "bytes", "s"]
    np.testing.assert_array_equal(found["F"][live], np.stack(columns, axis=1)[live])
    np.testing.assert_array_equal(found["G"][:, 0], np.where(live, 0, 1))
    assert np.isfinite(found["F"]).all()
    assert np.isnan(f746.objectives[~live, 3]).all()
    assert f746.indices(all_ops()).tolist() == list(range(N_CELLS))


def test_a_problem_travels_to_other_processes(f746):
    for same in (pickle.loads(pickle.dumps(f746)), copy.deepcopy(f746)):
        assert same.names == f746.names
        for found, as_before in zip(
            *(one.evaluate(all_ops()) for one in (same, f746)), strict=True
        ):
            np.testing.assert_array_equal(found, as_before)


def test_the_front_is_what_no_cell_dominates(f746):
    front = f746.pareto_front()
    points = f746.objectives[connected()]
    for one in front[:: max(1, len(front) // 50)]:
        assert not ((points <= one).all(axis=1) & (points < one).any(axis=1)).any()
    inside = {tuple(row) for row in front}
    outside = next(row for row in points if tuple(row) not in inside)
    assert ((points <= outside).all(axis=1) & (points < outside).any(axis=1)).any()


@pytest.mark.nb201
@pytest.mark.parametrize(("name", "objectives"), list(zip(SUITE, (5, 6, 8), strict=True)))
def test_the_kind_of_evoxbench(raw, table, name, objectives):
    asked = bs.problem(name, table)
    assert asked.n_obj == objectives
    values = asked.evaluate(np.array(bs.Cell.from_index(6111).ops), return_values_of=["F"])
    assert values[1:3].tolist() == [1073466, 153272970]
    assert values[0] == pytest.approx(100 - table["cifar10.valid.200ep.mean"][6111])
    assert np.isfinite(values).all()


def test_energy_is_an_objective_where_the_power_is_known(shipped_table):
    asked = bs.problem("stm32l4r5", shipped_table)
    assert asked.names[-1] == "energy.stm32l4r5.x_cube_ai.cifar10.official"
    assert asked.n_obj == 5
    assert bs.problem("stm32f746", shipped_table).n_obj == 4


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("mop5", {}, "no public file here gives: 'benchsuite fetch'"),
        ("stm32f747", {}, "no problem 'stm32f747'.*Did you mean stm32"),
        ("cortexa53", {}, "no problem 'cortexa53'"),
        ("stm32f746", {"runtime": "tvm"}, "no runtime 'tvm'; it has own, tflm_cmsis_nn"),
    ],
)
def test_what_is_no_problem_is_a_sentence(shipped_table, name, settings, said):
    with pytest.raises(bs.UserError, match=said):
        bs.problem(name, shipped_table, **settings)


@pytest.mark.parametrize(
    "x",
    [[[0.5] * 6], [[0] * 5], [[5] * 6], [["a"] * 6], [[np.nan] * 6], [[np.inf] * 6], [[0], [0, 1]]],
)
def test_variables_that_are_no_cells_are_sentences(f746, x):
    with pytest.raises(bs.UserError):
        f746.indices(x)


@pytest.mark.parametrize(
    "loop", LOOPS, ids=lambda loop: re.search(r"optuna|nevergrad|pymoo", loop)[0]
)
def test_the_documents_loops_find_a_front(loop, shipped_table, monkeypatch):
    for package in re.findall(r"^(?:import|from) (optuna|nevergrad|pymoo)", loop, flags=re.M):
        pytest.importorskip(package, reason=f"{package} is not installed")
    monkeypatch.setattr(bs, "load", lambda: shipped_table)
    monkeypatch.setattr("benchsuite.face.problems.given_or_loaded", lambda _: shipped_table)
    found = {}
    exec(compile(loop, str(DOCUMENT), "exec"), found)
    front = np.array(found["front"], dtype=float)
    assert len(front)
    assert front[:, 0].min() < 20
    for one, other in itertools.permutations(front, 2):
        assert not ((one <= other).all() and (one < other).any())
