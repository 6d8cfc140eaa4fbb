"""What 32 pixels change: the report's correlations against SciPy's on the same classes."""

import re

import numpy as np
import pytest
import scipy.stats

from benchsuite.assembly import shipped
from benchsuite.reports import proxy_resolution
from benchsuite.space.equivalence import classes
from benchsuite.table.columns import DATASETS


@pytest.fixture(scope="module")
def result(shipped_table):
    return proxy_resolution.REPORT.make(shipped_table)


def test_changes_of_all_classes_are_scipys(shipped_table, result):
    larger, rows = shipped.variants()["px32"], result.tables["proxy_resolution_all"]
    _, first = np.unique(classes("functional"), return_index=True)
    plain = rows[~rows["proxy"].isin(proxy_resolution._COMBINED)]
    assert len(plain) > 20 * len(DATASETS)
    for row in plain.to_dict("records"):
        there = larger.values(row["proxy"])[first]
        single = re.compile(rf"{re.escape(row['proxy'])}\.r\d@\d+")
        draws = [shipped_table.values(n)[first] for n in shipped_table.columns if single.match(n)]
        here, truth = draws[0], shipped_table.values(f"{row['dataset']}.test.200ep.mean")[first]
        known = np.isfinite([there, *draws, truth]).all(axis=0)
        column = shipped_table.columns[shipped_table.resolve(row["proxy"])]
        sign = -1 if column.direction == "min" else 1
        taus = [scipy.stats.kendalltau(sign * x[known], truth[known])[0] for x in (here, there)]
        assert row["n"] == known.sum()
        assert (row["tau, 16 px"], row["tau, 32 px"]) == pytest.approx(tuple(taus)), row["proxy"]
        assert row["lo"] <= row["change"] <= row["hi"]
        each = [scipy.stats.kendalltau(x[known], truth[known])[0] for x in draws]
        reach = scipy.stats.t.ppf(0.975, len(draws) - 1) * np.sqrt(2)
        assert row["apart"] == pytest.approx(reach * np.std(each, ddof=1), rel=1e-6, abs=1e-12)


def test_two_draws_lie_apart_by_students_t():
    """Of pairs of runs with the deviation of three, 95 % lie no farther apart than is said."""
    rng = np.random.default_rng(0)
    held = [
        abs(one - other) <= proxy_resolution._apart(list(seen))
        for *seen, one, other in rng.normal(size=(4000, 5))
    ]
    assert np.mean(held) == pytest.approx(0.95, abs=0.012)
    assert np.isnan(proxy_resolution._apart([0.5]))


def test_a_table_without_repeats_has_the_sample_alone(shipped_table):
    names = [name for name in shipped_table.columns if re.search(r"\.r\d@", name)]
    found = proxy_resolution.REPORT.make(shipped_table.without(names))
    assert found.tables["proxy_resolution_all"].empty
    assert "The table has no repeat to compare with." in found.notes


def test_what_changes_most_is_named(result):
    rows = result.tables["proxy_resolution_all"].copy()
    assert proxy_resolution._beyond(rows) in result.notes
    rows["change"], rows["apart"] = 0.01, 0.02
    assert "for 0 of" in proxy_resolution._beyond(rows)
    rows.loc[0, ["change", "lo", "hi"]] = 0.03, 0.02, 0.04
    assert f"{rows.loc[0, 'proxy']} +0.030 [+0.020, +0.040]." in proxy_resolution._beyond(rows)
