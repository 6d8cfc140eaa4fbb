"""What 32 pixels change: the report's correlations against SciPy's on the same classes."""

import re

import numpy as np
import pytest
import scipy.stats

from benchsuite.assembly import shipped
from benchsuite.reports import proxy_resolution
from benchsuite.reports._common import effects, words
from benchsuite.space.equivalence import classes
from benchsuite.table.columns import DATASETS

# Scored of a random sample of classes.
FILES = {
    **dict.fromkeys(("grasp", "plain", "epe_nas", "zico"), "px32_double"),
    **dict.fromkeys(("grad_sign", "wrcor", "croze"), "px32_recent"),
}


@pytest.fixture(scope="module")
def result(shipped_table):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(effects, "RESAMPLES", 50)  # Effects have tests of their own.
        return proxy_resolution.REPORT.make(shipped_table)


def test_changes_of_all_classes_are_scipys(shipped_table, result):
    larger, rows = shipped.variants(), result.tables["proxy_resolution"]
    _, first = np.unique(classes("functional"), return_index=True)
    plain = rows[~rows["proxy"].isin(proxy_resolution._COMBINED)]
    assert len(plain) > 20 * len(DATASETS)
    for row in plain.to_dict("records"):
        of_32 = larger[FILES.get(row["proxy"], "px32")]
        single = re.compile(rf"{re.escape(row['proxy'])}\.r\d@\d+")
        draws, larger_draws = (
            [of.values(name)[first] for name in of.columns if single.match(name)]
            for of in (shipped_table, of_32)
        )
        there = larger_draws or [of_32.values(row["proxy"])[first]]
        truth = shipped_table.values(f"{row['dataset']}.test.200ep.mean")[first]
        known = np.isfinite([*there, *draws, truth]).all(axis=0)
        column = shipped_table.columns[shipped_table.resolve(row["proxy"])]
        sign = -1 if column.direction == "min" else 1
        each, others = (
            [scipy.stats.kendalltau(sign * x[known], truth[known])[0] for x in of]
            for of in (draws, there)
        )
        assert row["n"] == known.sum()
        assert row["classes"] == ("random" if row["proxy"] in FILES else "all")
        repeats = row["repeats"]
        assert repeats == min(len(draws), len(there))
        taus = np.mean(each[:repeats]), np.mean(others[:repeats])
        assert (row["tau, 16 px"], row["tau, 32 px"]) == pytest.approx(taus), row["proxy"]
        assert row["lo"] <= row["change"] <= row["hi"]
        reach = scipy.stats.t.ppf(0.975, len(draws) - 1) * np.sqrt(2 / repeats)
        assert row["apart"] == pytest.approx(reach * np.std(each, ddof=1), rel=1e-6, abs=1e-12)


def test_two_draws_lie_apart_by_students_t():
    """Of pairs of means with the deviation of three, 95 % lie no farther apart than is said."""
    rng = np.random.default_rng(0)
    for repeats in (1, 2, 3):
        drawn = rng.normal(size=(4000, 3 + 2 * repeats))
        held = [
            abs(new[:repeats].mean() - new[repeats:].mean())
            <= proxy_resolution._apart(list(seen), repeats)
            for seen, new in ((row[:3], row[3:]) for row in drawn)
        ]
        assert np.mean(held) == pytest.approx(0.95, abs=0.012)
    assert np.isnan(proxy_resolution._apart([0.5], 1))


def test_a_table_without_repeats_has_nothing_to_compare(shipped_table):
    names = [name for name in shipped_table.columns if re.search(r"\.r\d@", name)]
    found = proxy_resolution.REPORT.make(shipped_table.without(names))
    assert found.tables["proxy_resolution"].empty
    assert "The table has no repeat to compare with." in found.notes


def test_what_changes_most_is_named(result):
    rows = result.tables["proxy_resolution"].copy()
    assert proxy_resolution._beyond(rows) in result.notes
    rows["change"], rows["apart"] = 0.01, 0.02
    assert "for 0 of" in proxy_resolution._beyond(rows)
    rows.loc[0, ["change", "lo", "hi"]] = 0.03, 0.02, 0.04
    name = words.plain(rows.loc[0, "proxy"])
    assert f"{name} +0.030 [+0.020, +0.040]." in proxy_resolution._beyond(rows)
    rows.loc[0, "lo"] = -0.01  # not told from none
    assert "for 0 of" in proxy_resolution._beyond(rows)


def test_what_the_size_of_images_does_not_move_is_left_out(result):
    left = {"meco", "l2_norm", "az_nas.complexity"}
    rows = result.tables["proxy_resolution"]
    assert not left & set(rows["proxy"])
    assert not rows.duplicated(["proxy", "dataset"]).any(), "one precision alone"
    scores = np.random.default_rng(0).normal(size=(2, 50))
    assert proxy_resolution._unmoved(scores, 4 * scores * (1 + 1e-6))
    moved = scores.copy()
    moved[0, 0] += 0.1
    assert not proxy_resolution._unmoved(scores, moved)
