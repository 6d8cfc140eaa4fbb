"""Numbers that a search, a problem, a budget or a study gets: taken as given, or refused."""

import dataclasses
import json

import numpy as np
import pytest
from search_tables import RELEASE, column, table

from benchsuite import plugins
from benchsuite.errors import UserError
from benchsuite.parameters import fill
from benchsuite.replays import outcome, study
from benchsuite.replays.judgement import Answer, attainable, judge
from benchsuite.replays.run import replay
from benchsuite.simulation.prices import measured_seconds
from benchsuite.simulation.problem import keeping, prepare
from benchsuite.simulation.search import Budget, Search
from benchsuite.simulation.setting import Setting
from benchsuite.space import cost
from benchsuite.space.network import Skeleton
from benchsuite.table.columns import training_time_column
from benchsuite.table.table import Values


def door():
    return Search(prepare(table(), Setting()), Budget(seconds=1e9))


NO_CELLS = [
    [1.9], [1.0], np.array([1.0, 2.0]), ["1"], "12", [True], np.ones(15_625, dtype=bool), [None],
    [np.nan], [[1, 2]], 5, np.zeros((1, 1), dtype=int), [-1], [15_625], [2**70], {3, 4},
]  # fmt: skip


@pytest.mark.parametrize("cells", NO_CELLS, ids=str)
def test_what_is_no_list_of_cells_is_refused(cells):
    search = door()
    for look in (search.query, search.answer, lambda c: search.column("flops", c)):
        with pytest.raises(UserError, match=r"15624|whole number"):
            look(cells)
    assert len(search.finish(0, 0.0).trace) == 0


@pytest.mark.parametrize(
    "cell", [1.9, 1.0, "1", True, None, np.nan, -1, 15_625, [1], np.float64(3)]
)
def test_what_is_no_cell_is_refused(cell):
    for look in (door().query_one, door().feasible):
        with pytest.raises(UserError, match="index of a cell is a whole number from 0 to 15624"):
            look(cell)


def test_cells_may_be_any_whole_numbers():
    for cells in ([3, 4], (3, 4), range(3, 5), np.array([3, 4], dtype="u1"), [np.int32(3), 4]):
        search = door()
        assert search.query(cells).tolist() == door().query([3, 4]).tolist()
        search.answer(cells)
        assert search.finish(0, 0.0).answer == (3, 4)
    assert door().query_one(np.int64(3)) == door().query([3])[0]
    assert len(door().query([])) == len(door().column("flops", [])) == 0


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda: door().query([1], epochs=12.5), "number of epochs is a whole number"),
        (lambda: door().query([1], epochs=12.0), "number of epochs is a whole number"),
        (lambda: door().query([1], epochs=0), "of 1 or more, not 0"),
        (lambda: door().query([1], epochs=True), "not True"),
        (lambda: door().narrow("cifar10.params", 3.7), "number of channels is a whole number"),
        (lambda: door().narrow("cifar10.params", 0), "of 1 or more, not 0"),
        (lambda: door().stated("x", 1.0, seconds="1"), "is a number, not '1'"),
        (lambda: door().stated("x", 1.0, seconds=True), "is a number, not True"),
        (lambda: door().expectation("flops", np.full((6, 5), 0.2), seconds=None), "is a number"),
        (lambda: Budget(queries=2.5), "budget of queries is a whole number"),
        (lambda: Budget(queries=10.0), "budget of queries is a whole number"),
        (lambda: Budget(queries=True), "is a number, not True"),
        (lambda: Budget(queries=0), "budget of 0 queries buys nothing"),
        (lambda: Budget(seconds="10"), "is a number, not '10'"),
        (lambda: Budget(seconds=float("inf")), "buys nothing"),
        (lambda: Budget(seconds=10**400), "beyond the numbers of a computer"),
        (lambda: Budget(queries=10**400), "beyond the numbers of a computer"),
        (lambda: prepare(table(), Setting(epochs=0)), "number of epochs is a whole number"),
        (lambda: prepare(table(), Setting(epochs=12.0)), "not 12.0"),
        (lambda: prepare(table(), Setting(epochs="12")), "not '12'"),
        (lambda: prepare(table(), Setting(bounds={"cifar10.flops": "1e8"})), "is a number"),
        (lambda: prepare(table(), Setting(bounds={"cifar10.flops": True})), "is a number"),
        (lambda: prepare(table(), Setting(bounds={"flops": 10**400})), "beyond the numbers"),
        (lambda: prepare(table(), Setting(bounds={"flops": 1, "cifar10.flops": 2})), "two bounds"),
        (
            lambda: prepare(table(), Setting(proxy_seconds={"flops": 1, "flops@1": 2})),
            "two prices of flops@1: 1 and 2 s",
        ),
        (lambda: prepare(table(), Setting(runtime="tflm")), "without a device"),
        (lambda: prepare(table(), Setting(proxy_seconds={"flops": -1})), "cannot cost -1 seconds"),
        (lambda: prepare(table(), Setting(proxy_seconds={"flops": np.nan})), "cannot cost nan"),
        (lambda: prepare(table(), Setting(proxy_seconds={"flops": "1"})), "is a number"),
    ],
)
def test_numbers_are_not_rounded_or_ignored(call, hint):
    with pytest.raises(UserError, match=hint):
        call()


Mixed = dataclasses.make_dataclass(
    "Mixed", [("number", int | float, 1), ("size", int | str | None, None)]
)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({"number": "7.5"}, 7.5),
        ({"number": 7.5}, 7.5),
        ({"number": "7"}, 7),
        ({"size": "wide"}, "wide"),
        ({"size": "12"}, 12),
        ({"size": "none"}, None),
    ],
)
def test_a_parameter_of_several_kinds_is_of_the_first_that_takes_it(given, taken):
    (found,) = (getattr(fill(Mixed, given, "It"), name) for name in given)
    assert (found, type(found)) == (taken, type(taken))


def test_a_parameter_that_no_kind_takes_is_refused():
    for value in ("many", "1e999", 10**400, [1]):
        with pytest.raises(UserError, match="number of it is a whole number or a number, not"):
            fill(Mixed, {"number": value}, "it")


@pytest.mark.parametrize("name", ["fits", "fits.board.tflm.cifar10.official"])
def test_what_fits_is_no_upper_bound(name):
    """At most 1 is all there is: such a bound would be kept by what does not fit."""
    fits = column("fits.board.tflm.cifar10.official", "device", "max")
    data = table().with_columns([Values(fits, np.arange(15_625) % 2.0)])
    for device in ((None, None), ("board", None), ("board", "tflm")):
        with pytest.raises(UserError, match="bound its RAM and flash instead"):
            prepare(data, Setting("cifar10", None, {name: 1}, *device))


@pytest.mark.parametrize("dataset", ["cifar10", "cifar100"])
def test_a_price_is_that_of_the_column_a_search_looks_at(dataset):
    search = Search(
        prepare(table(), Setting(dataset, proxy_seconds={"flops": 100.0})), Budget(seconds=1e9)
    )
    search.column("flops", range(10))
    assert search.finish(0, 0.0).simulated_seconds == 1000


MCU = Skeleton(cells_per_stage=1)


def test_short_names_of_costs_are_those_of_the_network_that_is_searched():
    """Beside the latency of one cell per stage the FLOPs of five would be another network's."""
    flops, params = cost.all_flops(MCU), cost.all_params(MCU)
    for bound in ("flops", "skeleton.flops"):
        setting = Setting(bounds={bound: float(np.median(flops))}, skeleton=MCU)
        problem = prepare(table(), setting)
        assert list(problem.bounds) == ["skeleton.flops"]
        np.testing.assert_array_equal(problem.feasible, flops <= np.median(flops))
        cell = int(np.flatnonzero(problem.feasible)[-1])
        (row,) = judge(table(), setting, [Answer(0, (cell,), True, "", 1, 2.0)]).to_dict("records")
        assert (row["flops"], row["params"]) == (flops[cell], params[cell])
        assert row["flops"] == row["skeleton.flops"]
        assert attainable(table(), setting)["flops"][1] <= np.median(flops)
    search = Search(problem, Budget(queries=1))
    for name, values in (("flops", flops), ("params", params)):
        np.testing.assert_array_equal(search.column(name), values)
    assert search.direction("flops") == "max"
    np.testing.assert_array_equal(
        search.narrow("flops", 8), cost.all_flops(dataclasses.replace(MCU, channels=8))
    )


def test_costs_of_the_official_network_are_not_those_of_another():
    for cost_name in ("flops", "params", "deployed_params", "deployed_macs"):
        name = f"cifar10.{cost_name}"
        with pytest.raises(UserError, match=f"{name} is of the official.* takes {cost_name}, "):
            prepare(table(), Setting(bounds={name: 1e9}, skeleton=MCU))
        problem = prepare(table(), Setting(skeleton=MCU))
        assert name not in problem.columns
        with pytest.raises(UserError, match=f"takes {cost_name}, "):
            problem.resolve(name)
    official = prepare(table(), Setting(skeleton=Skeleton(), bounds={"flops": 1e9}))
    assert list(official.bounds) == ["cifar10.flops"]


def test_bounds_that_together_leave_no_cell_name_what_is_left():
    flops = table().values("cifar10.flops")
    dear = flops > np.median(flops)
    values = np.where(dear, 1.0, 9.0)
    with_other = table().with_columns([Values(column("other@1", "cost"), values)])
    bounds = {"cifar10.flops": float(np.median(flops)), "other": 5.0}
    with pytest.raises(UserError, match=r"other@1 <= 5.*least of those left is 9"):
        prepare(with_other, Setting(bounds=bounds))


@pytest.mark.parametrize("seed", [-1, 1.5, "1", True, 2**63])
def test_a_seed_is_a_whole_number(seed):
    strategy = plugins.load("strategies", "random")
    with pytest.raises(UserError, match="A seed is a whole number from 0 to 9223372036854775807"):
        replay(strategy, prepare(table(), Setting()), Budget(100), strategy.parameters(), seed)


STUDY = """
schema = 1
name = "small"
[[searches]]
strategy = "random"
seeds = 2
budget = { queries = 5 }
"""


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (("queries = 5", "queries = 5.5"), "a whole number"),
        (("queries = 5", "queries = 5.0"), "a whole number"),
        (("queries = 5", "queries = true"), "a whole number"),
        (("queries = 5", "queries = 0"), "buys nothing"),
        (("seeds = 2", "seeds = 2.5"), "a whole number"),
        (("seeds = 2", "seeds = 2\nepochs = 0"), "number of epochs"),
        (("seeds = 2", "seeds = 2\nepochs = 12.5"), "a whole number"),
        (("seeds = 2", "seeds = 2\nfirst_seed = -1"), "starting at 0"),
        (("seeds = 2", f"seeds = 2\nfirst_seed = {2**63 - 1}"), "ending below 2"),
        (("seeds = 2", f"seeds = 2\nbounds = {{ flops = 1{'0' * 400} }}"), "beyond the numbers"),
        (("seeds = 2", "seeds = 2\nskeleton = { cells_per_stage = 0 }"), "above 0"),
        (("seeds = 2", "seeds = 2\nskeleton = { channels = 4.5 }"), "a whole number"),
        (("seeds = 2", f"seeds = 2\nskeleton = {{ channels = {2**40} }}"), "at most 32768"),
        (("seeds = 2", 'seeds = 2\nruntime = "tflm"'), "without a device"),
        (("seeds = 2", "seeds = 2\nproxy_seconds = { flops = -1 }"), "cannot cost"),
        (("seeds = 2", "seeds = 2\nbounds = { flops = nan }"), "no number"),
        (("seeds = 2", "seeds = 2\nbounds = { flops = true }"), "is a number"),
        (('name = "small"', 'name = "small"\nshard = 2.5'), "a whole number"),
    ],
)
def test_numbers_of_a_study_are_not_rounded_or_ignored(tmp_path, change, hint):
    path = tmp_path / "study.toml"
    assert change[0] in STUDY
    path.write_text(STUDY.replace(*change))
    with pytest.raises(UserError, match=hint):
        study.plan(study.load(path), table())


@pytest.mark.parametrize("number", [0, -1, 2.5, True])
def test_seeds_of_an_outcome_are_not_ignored(tmp_path, number):
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    for name in ("seeds", "at_most"):
        with pytest.raises(UserError, match="a whole number of 1 or more"):
            outcome.run(study.load(path), table(), tmp_path, **{name: number})


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (("--cells-per-stage", "0"), "0 is not in the range x>=1"),
        (("--cells-per-stage", "-2"), "-2 is not in the range x>=1"),
        (("--cells-per-stage", "1.5"), "not a valid integer"),
        (("--epochs", "0"), "number of epochs"),
        (("--budget-queries", "0"), "buys nothing"),
        (("--budget-queries", "2.5"), "not a valid integer"),
        (("--budget-seconds", "nan"), "buys nothing"),
        (("--budget-seconds", "inf"), "buys nothing"),
        (("--budget-seconds", "-5"), "buys nothing"),
        (("--seeds", "0"), "--seeds"),
        (("--first-seed", f"{2**63 - 1}"), "The last seed there is is 9223372036854775807"),
        (("--param", f"sample=1{'0' * 400}"), "a whole number"),
        (("--runtime", "tflm"), "no effect: it is the runtime of a --device"),
        (("--bound", "cifar10.flops=nan"), "no number"),
        (("--bound", "cifar10.flops=1e9", "--bound", "cifar10.flops=1e8"), "twice"),
        (("--bound", "flops=1e9", "--bound", "cifar10.flops=1e8"), "two bounds"),
        (("--param", "sample=2", "--param", "sample=3"), "sets sample twice, to 2 and 3"),
        (("--param", "sample=2.5"), "a whole number"),
    ],
)
def test_options_of_replay_are_not_rounded_or_ignored(benchsuite, args, hint):
    code, out, err = benchsuite("replay", "rea", "--seeds", "2", *args)
    assert (code, out) == (2, "")
    assert hint in err
    assert "Traceback" not in err


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_budget_below_the_cheapest_training_is_a_reason(benchsuite, more):
    code, out, err = benchsuite("replay", "rea", "--budget-seconds", "1", "--seeds", "3", *more)
    cheapest = prepare(table(), Setting()).seconds[12].min()
    assert (code, bool(out)) == (2, bool(more))
    said = json.loads(out)["error"] if more else err.replace("\n", " ")
    reason = f"the budget of 1 s is below the cheapest training, {cheapest:.4g} s."
    assert f"3 of 3 runs failed: {reason}" in said


def test_runs_that_found_nothing_are_counted_with_their_reason(benchsuite, tmp_path):
    code, _, err = benchsuite("replay", "edgenas", "--budget-seconds", "100", "--seeds", "2")
    assert code == 2
    assert "2 of 2 runs failed: the budget was spent before there was an answer." in err
    cheapest = prepare(table(), Setting()).seconds[12].min()
    code, out, _ = benchsuite(
        "replay", "random", "--budget-seconds", f"{cheapest * 1.5}", "--seeds", "9"
    )
    assert code == 0
    assert "of 9 runs failed: the budget was spent before there was an answer." in out
    args = ("replay", "edgenas", "--seeds", "1", "--param", "penalty=none", "--param", "steps=300",
            "--budget-seconds", "30000", "--bound", "cifar10.flops=3e7")  # fmt: skip
    code, out, _ = benchsuite(*args)
    assert code == 0, "it has an answer, which is a result"
    assert "1 of 1 runs failed: the answer breaks a bound." in out


def test_a_study_of_which_nothing_came_out_ends_with_a_reason(benchsuite, tmp_path):
    poor = STUDY.replace("queries = 5", "seconds = 1")
    (tmp_path / "poor.toml").write_text(poor)
    code, _, err = benchsuite("study", "poor.toml")
    assert code == 2
    assert "No search found anything. random: 2 of 2 runs failed: the budget of 1 s" in err
    both = poor + '[[searches]]\nstrategy = "rea"\nseeds = 2\nbudget = { queries = 5 }\n'
    (tmp_path / "both.toml").write_text(both.replace('"small"', '"both"'))
    code, out, _ = benchsuite("study", "both.toml")
    assert code == 0
    assert "random: 2 of 2 runs failed: the budget of 1 s is below the cheapest training" in out


def test_the_mean_of_repeats_costs_all_of_them(shipped_table):
    found = measured_seconds(shipped_table)
    for proxy, repeats in (("naswot", 3), ("te_nas", 3), ("dextr", 3), ("grasp", 3)):
        name = shipped_table.resolve(proxy)
        one = np.nan_to_num(shipped_table.values(f"seconds.alone.{proxy}"))
        assert one.max() > 0
        np.testing.assert_array_equal(found[name], repeats * one)
        np.testing.assert_array_equal(found[shipped_table.resolve(f"{proxy}.r1")], one)
        np.testing.assert_array_equal(found[shipped_table.resolve(f"{proxy}.std")], repeats * one)
    unpruned = np.nan_to_num(shipped_table.values("seconds.alone.zen.unpruned"))
    for name, repeats in (("zen", 3), ("zen.std", 3), ("zen.r2", 1)):
        resolved = shipped_table.resolve(f"{name}.unpruned")
        np.testing.assert_array_equal(found[resolved], repeats * unpruned)
    assert shipped_table.resolve("flops") not in found


def test_an_answer_on_the_way_has_the_accuracy_of_its_longest_training():
    search = Search(prepare(table(), Setting()), Budget(1e9))
    first = search.query_one(1462)
    search.column("cifar10.flops", [1462])
    search.answer([1462])
    search.query_one(5)
    trace = search.finish(0, 0.0).trace
    assert trace.best.tolist() == [1462] * 3
    assert trace.best_value.tolist() == [first] * 3


@pytest.mark.parametrize("hidden", [np.nan, 0.0, -1.0])
def test_a_clock_that_does_not_go_for_every_cell_is_none(hidden):
    """Under it a search with seconds alone trained without end."""
    (name,) = (name for name in table().columns if name.startswith("cifar10.train_seconds"))
    seconds = np.array(table().values(name))
    seconds[5] = hidden
    clock = training_time_column("cifar10", 12, "mean", RELEASE, "tests")
    data = table().without([name]).with_columns([Values(clock, seconds, "no record")])
    problem = prepare(data, Setting(epochs=12))
    assert problem.notes["clock"] == "modelled by operator counts, no measurement of all cells"
    assert (problem.seconds[12] > 0).all()


def test_outputs_of_one_proxy_share_their_price(shipped_table):
    found = measured_seconds(shipped_table)
    assert found["ntk_cond.k0@1"] is found["ntk_cond.k2@1"]
    assert found["ntk_cond.k0@1"] is not found["ntk_cond.k0.r0@1"]


@pytest.mark.parametrize("skeleton", [None, MCU], ids=["official", "mcu"])
def test_the_cells_that_keep_all_bounds_are_those_of_the_problem(skeleton):
    setting = Setting(bounds={"flops": 5e7, "params": 4e5}, skeleton=skeleton)
    kept = keeping(table(), setting)
    assert 0 < kept.sum() < len(kept)
    np.testing.assert_array_equal(kept, prepare(table(), setting).feasible)
    for wrong, said in (({"flops": 0}, "No cell keeps"), ({"cifar10.test": 1}, "There is no")):
        with pytest.raises(UserError, match=said):
            keeping(table(), Setting(bounds=wrong, skeleton=skeleton))
