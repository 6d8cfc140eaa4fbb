"""Statistics of what searches answer: intervals hold nothing that cannot be."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from search_tables import RELEASE
from search_tables import table as made_up_table

import benchsuite as bs
from benchsuite.errors import UserError
from benchsuite.replays.judgement import (
    Answer,
    attainable,
    describe,
    estimated,
    judge,
    summarise,
)
from benchsuite.simulation.setting import Setting
from benchsuite.table.columns import accuracy_column
from benchsuite.table.table import Table, Values


@pytest.mark.parametrize("regret", [(0.0, 0.0, 3.0), (0.5, 0.6, 4.0, 0.5, 0.4), (1.0, 1.1, 1.2)])
def test_no_interval_of_the_regret_begins_below_zero(regret):
    rows = pd.DataFrame({"feasible": True, "regret": regret, "test.cifar10": 94 - np.array(regret)})
    found = summarise(rows, {"regret": (0.0, 90.0)})
    plain = describe(regret)
    for end in ("lo", "iqm_lo"):
        np.testing.assert_equal(found["regret"][end], np.maximum(plain[end], 0.0))
    for name in ("mean", "std", "iqm", "hi", "iqm_hi"):
        np.testing.assert_equal(found["regret"][name], plain[name])


def test_no_interval_ends_where_no_feasible_cell_is(shipped_table):
    """Of runs near the best cell the interval of the mean would reach beyond it."""
    setting = Setting("cifar10", bounds={"flops": 1e8})
    possible = attainable(shipped_table, setting)
    flops = shipped_table["cifar10.flops"]
    keeps = flops <= 1e8
    test = shipped_table.values("cifar10.test.200ep.mean")
    assert possible["test.cifar10"] == (test[keeps].min(), test[keeps].max())
    assert possible["flops"] == (flops[keeps].min(), flops[keeps].max())
    order = np.flatnonzero(keeps)[np.argsort(-test[keeps])]
    cells = [*order[:11], order[900]]
    answers = [Answer(seed, (int(cell),), True, "", 1, 1.0) for seed, cell in enumerate(cells)]
    rows = judge(shipped_table, setting, answers)
    plain = describe(rows["test.cifar10"])
    assert plain["hi"] > possible["test.cifar10"][1]
    found = summarise(rows, possible)
    for name, (least, most) in possible.items():
        of = found[name]
        assert np.nanmin([of["lo"], least]) >= least
        assert np.nanmax([of["hi"], most]) <= most
        assert of["mean"] == rows[name].mean()
    assert found["test.cifar10"]["hi"] == possible["test.cifar10"][1]
    assert found["regret"]["lo"] == 0.0


@pytest.mark.parametrize("dataset", ["cifar10", "cifar100"])
def test_what_rests_on_an_estimate_is_one(shipped_table, dataset):
    """Measured validation is not, and of the others what says how it was found is not."""
    test = {f"test.{of}" for of in ("cifar10", "cifar100", "imagenet16-120")}
    compressed = {f"compressed.{name}" for name in test}
    assert set(estimated(shipped_table, dataset)) == {*test, *compressed, "regret"}
    columns = [n for n in shipped_table.columns if "cifar10.test.200ep.mean@" in n]
    measured = dataclasses.replace(
        shipped_table.columns[columns[0]], name="cifar10.test.200ep.mean@made-up", release="made-up"
    )
    other = Table.empty({}).with_columns([Values(measured, shipped_table.values(columns[0]))])
    assert not estimated(other, "cifar10")


def test_the_text_marks_them_and_says_what_intervals_hold(shipped_table):
    found = bs.replay("random", shipped_table, queries=5, seeds=6)
    lines = repr(found).split("\n")
    assert all("ESTIMATED" in line for line in lines if line.startswith(("regret", "test.")))
    assert not any("ESTIMATED" in line for line in lines if line.startswith(("valid", "queries")))
    said = " ".join(" ".join(lines).split())
    assert "intervals are over seeds alone" in said
    assert "not how far ESTIMATED accuracies are off" in said


def test_a_study_marks_them_too(shipped_table, tmp_path):
    (tmp_path / "few.toml").write_text(
        'schema = 1\nname = "few"\n[[searches]]\nstrategy = "random"\nseeds = 2\n'
        "budget = { queries = 3 }\n"
    )
    found = bs.study(tmp_path / "few.toml", shipped_table, out=tmp_path / "out")
    assert "test.cifar10 ESTIMATED" in repr(found)
    assert "regret" in found.to_json()["provenance"]["estimated"]["cifar10"]


def test_the_budget_and_the_epochs_that_were_taken_are_said(shipped_table):
    by_default = repr(bs.replay("random", shipped_table, seeds=2))
    assert "Budget: 100 trainings (default) of 200 epochs (default)." in by_default
    given = repr(bs.replay("random", shipped_table, seconds=3e4, queries=5, epochs=12, seeds=2))
    assert "Budget: 30,000 simulated seconds and 5 trainings of 12 epochs." in given
    of_seconds = repr(bs.replay("random", shipped_table, seconds=3e4, epochs=12, seeds=2))
    assert "Budget: 30,000 simulated seconds of trainings of 12 epochs." in of_seconds


def test_a_compressed_pick_may_be_of_any_cell(shipped_table):
    """It keeps to the bounds compressed; what is said of its cell as it is in the table is not."""
    setting = Setting("cifar10", bounds={"flops": 1e8})
    rows = pd.DataFrame({"feasible": True, "test.cifar10": 94 + np.arange(12) / 12, "kept": 0.9})
    found = summarise(rows, attainable(shipped_table, setting))
    assert found["test.cifar10"] == {**describe(rows["test.cifar10"]), "failed": 0}


def test_a_skewed_regret_would_have_begun_below_zero():
    assert describe([0.5, 0.6, 4.0, 0.5, 0.4])["lo"] < 0


def test_too_few_seeds_have_no_interval_still():
    found = summarise(pd.DataFrame({"feasible": True, "regret": [1.0]}), {"regret": (0.0, 9.0)})
    assert np.isnan(found["regret"]["lo"])


@pytest.mark.parametrize("below", [9e6, 1e9])
def test_cells_whose_test_accuracy_is_missing_are_judged_by_all_else(below):
    """Where no feasible cell had one, a replay ended in a traceback."""
    name, flops = f"cifar10.test.200ep.mean@{RELEASE}", made_up_table().values("cifar10.flops")
    values = np.where(flops < below, np.nan, made_up_table().values(name))
    column = accuracy_column("cifar10", "test", 200, "mean", RELEASE, "tests")
    data = made_up_table().without([name]).with_columns([Values(column, values, "not trained")])
    found = bs.replay("random", data, queries=3, seeds=3, bounds={"flops": 8e6})
    assert found.runs[["test.cifar10", "regret"]].isna().all(axis=None)
    assert found.summary["regret"]["n"] == 0
    assert found.summary["valid.cifar10"]["n"] == 3
    with pytest.raises(UserError, match="no test accuracy of cifar10 to judge by"):
        attainable(data.without([name]), Setting())
