"""Proxies and accuracy: differences of tau against the paired test, and what is not told apart."""

import numpy as np
import pytest

from benchsuite import stats
from benchsuite.ranking.correlations import functional_classes
from benchsuite.reports import correlations
from benchsuite.reports._common.tables import upward
from benchsuite.space.cell import connected
from benchsuite.stats.intervals import FEWEST_RESAMPLES

KEPT = {"flops", "convs", "naswot", "meco", "epsinas", "dextr"}


@pytest.fixture(scope="module")
def given(table):
    return table.without(
        [n for n, c in table.columns.items() if c.kind == "proxy" and c.family not in KEPT]
    )


@pytest.fixture(scope="module")
def result(given):
    return correlations.REPORT.make(given)


def test_differences_are_those_of_the_paired_test(given, result):
    rows = result.tables["correlations_against"]
    for proxy in ("naswot@1", "epsinas@1"):
        found = rows[(rows["proxy"] == proxy) & (rows["dataset"] == "cifar10")]
        row = found[found["against"] == "convs@1"].iloc[0]
        accuracy = result.tables["correlations"]["accuracy"].iloc[0]
        expected = stats.paired_kendall_test(
            *(np.where(connected(), upward(given, name), np.nan) for name in (proxy, "convs@1")),
            given.values(accuracy),
            np.random.default_rng(1),
            groups=functional_classes(given),
            resamples=FEWEST_RESAMPLES,
        )
        assert row["n"] == expected.n
        assert row["difference"] == pytest.approx(expected.difference)
        width = expected.high - expected.low
        assert row["lo"] == pytest.approx(expected.low, abs=0.3 * width)
        assert row["hi"] == pytest.approx(expected.high, abs=0.3 * width)


def test_a_proxy_that_may_be_as_good_is_named_beside_the_best(result):
    rows, best = result.tables["correlations_against"], result.tables["correlations_best"]
    assert (best["not told from"] != "").all()
    for one in best.to_dict("records"):
        of = rows[(rows["dataset"] == one["dataset"]) & (rows["against"] == one["proxy"])]
        alike = (of["lo"] <= 0) & (of["hi"] >= 0)
        named = one["not told from"].replace(" and ", ", ").split(", ")
        assert (len(named) == alike.sum()) or (one["not told from"] == "no other")
        assert alike.any() == (one["not told from"] != "no other")
