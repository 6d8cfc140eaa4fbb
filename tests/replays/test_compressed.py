"""What compressed picks are worth: every interval holds the error of the response too."""

import numpy as np
import pandas as pd
import pytest

from benchsuite.deployment import response
from benchsuite.deployment.compressed import Compressed
from benchsuite.replays import compressed
from benchsuite.replays.judgement import describe, summarise
from benchsuite.stats import intervals

NAME = "compressed.test.cifar10"
TIGHT, LOOSE = Compressed((1, 1, 1), (0.2, 0.2, 0.2)), Compressed((8, 8, 8))


def runs(form, seeds=20, shift=0.0):
    plain = 90 + shift + np.random.default_rng(seeds).normal(size=seeds)
    details = {
        "kept": response.response().fraction(form),
        "kept_without": [each.fraction(form) for each in response.without_each()],
    }
    rows = [{"feasible": True, "test.cifar10": value, **details} for value in plain]
    return pd.DataFrame([{**row, **compressed.accuracies(row, details)} for row in rows])


def test_an_accuracy_is_judged_anew_without_each_cell():
    rows = runs(TIGHT)
    found = compressed.without_each(rows, NAME)
    assert found.shape == (6, 20)
    for by, each in zip(found, response.without_each(), strict=True):
        by_hand = 10 + (rows["test.cifar10"] - 10) * each.fraction(TIGHT)
        np.testing.assert_allclose(by, by_hand)
    plain = compressed.without_each(rows, "test.cifar10")
    np.testing.assert_array_equal(plain, rows["test.cifar10"].to_numpy()[None])


@pytest.mark.parametrize("form", [TIGHT, LOOSE])
def test_the_interval_of_a_mean_holds_both_errors(form):
    rows = runs(form)
    seeds, both = intervals.mean(rows[NAME]), compressed.mean(rows, NAME)
    means = compressed.without_each(rows, NAME).mean(axis=1)
    jackknife = 5 / 6 * ((means - means.mean()) ** 2).sum()
    assert both.error**2 == pytest.approx(seeds.error**2 + jackknife)
    assert compressed.mean(rows, "test.cifar10").lasting == 0


def of_response(estimate):
    """Return the part of an error that the response has in it [points]."""
    return float(np.sqrt(estimate.lasting) * estimate.error)


def test_two_searches_are_judged_by_the_same_response():
    """Its error is in a difference as far as their compressions differ."""
    mean = compressed.mean(runs(TIGHT), NAME)
    alike = compressed.difference(runs(TIGHT), runs(TIGHT, shift=-1), NAME)
    apart = compressed.difference(runs(TIGHT), runs(LOOSE), NAME)
    plain = compressed.difference(runs(TIGHT), runs(LOOSE), NAME, "test.cifar10")
    assert of_response(alike) < of_response(mean) / 10
    assert of_response(apart) > of_response(mean) / 2
    assert of_response(plain) == pytest.approx(of_response(mean))


def test_a_response_that_costs_nothing_adds_no_error():
    rows = runs(TIGHT).assign(kept_without=[[]] * 20)
    assert compressed.mean(rows, NAME).lasting == 0


def test_a_run_without_a_compressed_pick_has_no_such_accuracy():
    rows = runs(TIGHT)
    cut = rows.copy()
    cut[NAME], cut["kept_without"] = (
        cut[NAME].where(cut.index > 0),
        cut["kept_without"].where(cut.index > 0),
    )
    found = compressed.without_each(cut, NAME)
    assert np.isnan(found[:, 0]).all()
    np.testing.assert_array_equal(found[:, 1:], compressed.without_each(rows, NAME)[:, 1:])
    summary = summarise(cut, {})[NAME]
    assert summary["n"] == len(rows) - 1
    assert summary["lo"] < summary["mean"] < summary["hi"]
    assert np.isnan(compressed.without_each(cut.iloc[:1], NAME)).all()


def test_no_run_has_no_value():
    none, some = runs(TIGHT).iloc[:0], runs(TIGHT)
    assert np.isnan(compressed.mean(none, NAME).value)
    assert np.isnan(compressed.difference(none, some, NAME).value)


def test_a_summary_has_both_errors():
    rows = runs(TIGHT)
    found, plain = summarise(rows, {}), describe(rows[NAME])
    low, high = (float(end) for end in compressed.mean(rows, NAME).interval())
    assert (found[NAME]["lo"], found[NAME]["hi"]) == (low, high)
    assert low < plain["lo"]
    assert found[NAME]["iqm_lo"] < plain["iqm_lo"] < plain["iqm_hi"] < found[NAME]["iqm_hi"]
    assert found["test.cifar10"]["lo"] == describe(rows["test.cifar10"])["lo"]
