"""Statistics of what searches answer: intervals hold nothing that cannot be."""

import numpy as np
import pandas as pd
import pytest

from benchsuite.replays.judgement import Answer, attainable, describe, judge, summarise
from benchsuite.simulation.problem import Setting


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
