"""What every strategy promises: one seed one trace, its budget kept, no test accuracy seen."""

import ast
import dataclasses
import gc
import types

import numpy as np
import pytest
from search_tables import RELEASE, table

from benchsuite import plugins
from benchsuite.api import Strategy
from benchsuite.parallel.pool import map_jobs
from benchsuite.replays.jobs import Job, Shared
from benchsuite.replays.run import replay
from benchsuite.simulation.problem import Problem, prepare
from benchsuite.simulation.search import Budget, Search
from benchsuite.simulation.setting import Setting
from benchsuite.space.network import Skeleton

STRATEGIES = plugins.find("strategies")
BOUNDS = {"cifar10.flops": 120e6, "cifar10.params": 8e5}
SMALL = {
    "edgenas": {"steps": 40},
    "monas_live": {
        "batch": 3,
        "repeats": 1,
        "resolution": 4,
        "patches": 9,
        "gpu_hours": 30,
        "progress": False,
    },
    "munas": {"population": 10, "sample": 3, "rounds": 60},
    "munas_pruned": {"population": 10, "sample": 3, "rounds": 40},
    "munas_bo": {"starts": 5, "rounds": 20, "candidates": 40},
    "proxy_top": {"draws": 50, "top": 5},
    "tinynas": {"population": 10, "parents": 4, "crossovers": 5, "mutations": 5, "generations": 3},
    "udc": {"steps": 20, "samples": 3},
    "udc_random": {"trials": 20},
}
SETTINGS = {
    "free": Setting(),
    "bounded": Setting(bounds=BOUNDS),
    "priced": Setting(bounds=BOUNDS, proxy_seconds={"flops": 0.3, "ntk_cond.k2": 2.0}),
    "sized": Setting(bounds={"skeleton.bytes": 5e4}, skeleton=Skeleton(cells_per_stage=1)),
}
SMALL |= {
    "forest": {"starts": 5, "trees": 4, "batch": 4},
    "optuna_nsga2": {"population": 6},
    "pymoo_nsga2": {"population": 6},
    "pymoo_nsga3": {"partitions": 2, "population": 6},
}
NEEDS = {"udc": "bounded", "udc_random": "sized"}


def setup(name, setting="bounded"):
    setting = NEEDS.get(name, setting)
    strategy = plugins.load("strategies", name)
    fields = {field.name for field in dataclasses.fields(strategy.parameters)}
    small = {k: v for k, v in SMALL.get(name, {}).items() if k in fields}
    return strategy, prepare(table(), SETTINGS[setting]), strategy.parameters(**small)


def same(one, two):
    assert one.answer == two.answer
    for a, b in zip(dataclasses.astuple(one.trace), dataclasses.astuple(two.trace), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", STRATEGIES)
def test_it_says_what_it_is(name):
    strategy = plugins.load("strategies", name)
    assert STRATEGIES[name].description.endswith(".")
    assert strategy.source
    assert strategy.version >= 1
    assert strategy.parameters() == strategy.parameters()
    assert strategy.parameters.__dataclass_params__.frozen


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("setting", SETTINGS)
def test_the_same_seed_gives_the_same_trace(name, setting):
    strategy, problem, parameters = setup(name, setting)
    budget = Budget(seconds=4000, queries=60)
    np.random.seed(1)  # noqa: NPY002  a strategy that draws from global states shows here
    first = replay(strategy, problem, budget, parameters, 3)
    np.random.seed(2)  # noqa: NPY002
    same(first, replay(strategy, problem, budget, parameters, 3))
    assert first.answer or first.reason
    if not first.details:
        assert first.feasible == (bool(first.answer) and bool(problem.feasible[first.answer[0]]))


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize(("seconds", "queries"), [(700, None), (None, 7), (1e-6, None), (9000, 30)])
def test_it_keeps_to_its_budget(name, seconds, queries):
    strategy, problem, parameters = setup(name)
    run = replay(strategy, problem, Budget(seconds, queries), parameters, 0)
    trace = run.trace
    assert run.simulated_seconds == pytest.approx(trace.seconds.sum())
    np.testing.assert_array_equal(trace.clock, np.cumsum(trace.seconds))
    if strategy.charged:
        assert run.simulated_seconds <= (seconds or np.inf)
        assert run.queries <= (queries or np.inf)
    else:
        assert run.simulated_seconds == 0


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_query_is_logged_with_its_value_and_price(name):
    strategy, problem, parameters = setup(name)
    run = replay(strategy, problem, Budget(seconds=4000), parameters, 0)
    trace = run.trace
    queried = np.array([trace.names[i].startswith("valid.") for i in trace.looked_at], dtype=bool)
    assert queried.sum() == run.queries
    for cell, at, value, seconds in zip(
        trace.cell[queried], trace.looked_at[queried], trace.value[queried],
        trace.seconds[queried], strict=True,
    ):  # fmt: skip
        epochs = int(trace.names[at].removeprefix("valid.").removesuffix("ep"))
        assert value == problem.accuracy[epochs][cell]
        assert seconds == (problem.seconds[epochs][cell] if strategy.charged else 0)


ALLOWED = {
    "benchsuite",  # Of its rooms: a contract of import-linter, in pyproject.toml.
    "numpy", "scipy", "numba", "dataclasses", "typing", "collections", "contextlib", "functools",
    "itertools", "math", "__future__", "operator", "sys", "time", "types", "warnings",
}  # fmt: skip
LIBRARIES = {"optuna", "pymoo", "sklearn"}


FOLDER = STRATEGIES["random"].path.parent
FILES = sorted({p.path for p in STRATEGIES.values()} | set(FOLDER.glob("_*.py")))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_reaches_for_the_data_through_the_door_alone(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module]
        elif isinstance(node, ast.Attribute):
            is_own = isinstance(node.value, ast.Name) and node.value.id == "self"
            assert is_own or not node.attr.startswith("_"), f"private attribute {node.attr}"
            continue
        else:
            continue
        for name in names:
            assert name.partition(".")[0] in ALLOWED, name


def test_libraries_that_are_imported_late_are_those_of_the_extra():
    asked = set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "optional_module":
                asked.add(node.args[0].value.partition(".")[0])
    assert asked == LIBRARIES


def reachable(root):
    """Every object that attributes, closures, containers and referents lead to from `root`.

    Modules, and the global names of functions, lead to the whole interpreter and are left out.
    """
    seen, stack = {}, [root]
    while stack:
        item = stack.pop()
        if id(item) in seen or isinstance(item, types.ModuleType | type):
            continue
        seen[id(item)] = item
        if isinstance(item, types.FunctionType):
            stack += [cell.cell_contents for cell in item.__closure__ or ()]
            stack += [item.__defaults__, item.__kwdefaults__]
        else:
            stack += gc.get_referents(item)
            if isinstance(item, np.ndarray) and item.base is not None:
                stack.append(item.base)
    return seen.values()


def forbidden():
    names = [f"{d}.test.200ep.mean@{RELEASE}" for d in ("cifar10", "cifar100", "imagenet16-120")]
    return [table().values(name) for name in names]


def holds_test(objects, tests):
    arrays = [o for o in objects if isinstance(o, np.ndarray) and o.dtype.kind == "f"]
    pieces = {float(v) for test in tests for v in test[:50]}
    return any(np.isin(a.ravel(), list(pieces)).any() for a in arrays)


def test_no_test_accuracy_can_be_reached_from_the_door():
    search = Search(prepare(table(), SETTINGS["priced"]), Budget(seconds=1e6))
    search.query([1, 2, 3])
    search.column("flops")
    search.expectation("accuracy", np.full((6, 5), 0.2), seconds=1)
    objects = list(reachable(search))
    assert any(isinstance(o, Problem) for o in objects), "the walk goes through the door"
    assert not holds_test(objects, forbidden())
    assert holds_test([forbidden()[0][:10]], forbidden()), "the check sees a test accuracy"


def sweep(shared, job):
    """Look for test accuracies in everything the garbage collector of a worker knows."""
    everything = [o for o in gc.get_objects() if not isinstance(o, types.ModuleType)]
    arrays = [r for o in everything for r in gc.get_referents(o) if isinstance(r, np.ndarray)]
    found_valid = any(a.shape == (15_625,) for a in arrays)
    return found_valid, holds_test(arrays, job)


def test_a_worker_process_holds_no_test_accuracy_at_all():
    tests = [test[:50] for test in forbidden()]
    shared = Shared({"it": prepare(table(), Setting())})
    boxed = [test.astype(object) for test in tests]  # so that the job itself is no float array
    ((_, (found_valid, found_test)),) = map_jobs(sweep, [boxed], shared, mode="processes")
    assert found_valid, "the sweep sees the validation accuracies"
    assert not found_test


@pytest.mark.parametrize(
    "name", ["cifar10.test.200ep.mean", "cifar100.test.200ep.mean@nb201-v1_0", "others.score",
             "cifar10.valid.200ep.mean", "cifar10.test.200ep.seed777"],
)  # fmt: skip
def test_columns_of_the_judgement_are_refused_by_name(name):
    from benchsuite.errors import UserError

    search = Search(prepare(table(), Setting()), Budget(seconds=1e6))
    for look in (search.column, search.direction, search.full_name):
        with pytest.raises(UserError, match="cannot look at"):
            look(name)
    with pytest.raises(UserError, match="cannot look at"):
        search.expectation(name, np.full((6, 5), 0.2), seconds=0)


def test_contract_records_are_what_plugins_load():
    assert isinstance(plugins.load("strategies", "random"), Strategy)
    assert Job  # imported for the worker
