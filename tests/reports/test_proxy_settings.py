"""Proxies under other settings: the report's correlations against SciPy's on the same classes."""

import itertools
import re

import numpy as np
import pytest
import scipy.stats

from benchsuite.assembly import shipped
from benchsuite.reports import proxy_settings
from benchsuite.reports._common.tables import repeats_of
from benchsuite.space.equivalence import classes


@pytest.fixture(scope="module")
def result(table):
    return proxy_settings.REPORT.make(table)


def test_every_shipped_setting_differs_from_the_table_in_what_its_name_says(result):
    made = result.tables["proxy_settings_made"].set_index("setting")
    assert set(made.index) == set(shipped.variants())
    for name, row in made.iterrows():
        assert row["channels"] == 16
        assert row["cells_per_stage"] == 5
        assert row["resolution"] == (32 if "px32" in name else 16), name
        assert (row["images"] == "gaussian") == name.startswith("gaussian")
        assert row["classes"] == {"gaussian100": 100, "gaussian120": 120}.get(name, 10), name
        first = next(iter(shipped.variants()[name].columns))
        of_cells = shipped.variants()[name].values(first)
        scored = len(np.unique(classes("functional")[np.isfinite(of_cells)]))
        # A class of the sample without a path has no score.
        assert scored <= row["scored classes"] <= scored + 1, name
        assert row["repeats"] == (3 if "px32" in name else 1), name


def test_single_precision_is_not_held_against_double(result):
    rows = result.tables["proxy_settings"]
    of = rows[rows["proxy"].isin(["grasp", "plain", "epe_nas", "zico"])]
    assert set(of["setting"]) == {"px32_double"}


def test_correlations_are_those_of_scored_classes_counted_once(table, result):
    variants, of_cell = shipped.variants(), classes("functional")
    for row in result.tables["proxy_settings"].to_dict("records"):
        other = variants[row["setting"]]
        name = table.resolve(row["proxy"])
        single = re.compile(rf"{re.escape(row['proxy'])}\.r\d@\d+")
        drawn = [n for n in other.columns if single.match(n)] or [name]
        scores = [other.values(one) for one in drawn]
        first = {}
        for cell in np.flatnonzero(np.isfinite(scores).all(axis=0)):
            first.setdefault(of_cell[cell], cell)
        cells = np.array(list(first.values()))
        assert row["n"] == len(cells) <= other.provenance["rows"]
        assert row["repeats"] == len(drawn)
        there = [one[cells] for one in scores]
        here = [table.values(repeat)[cells] for repeat in repeats_of(table).get(name, [name])]
        others, between = [], []
        for (i, ours), (j, theirs) in itertools.product(enumerate(here), enumerate(there)):
            if i != j or len(here) == len(there) == 1:
                others.append(scipy.stats.kendalltau(ours, theirs)[0])
            if i != j and len(here) > 1:
                between.append(scipy.stats.kendalltau(ours, here[j])[0])
        assert row[proxy_settings.OTHER] == pytest.approx(np.mean(others))
        if between:
            assert row[proxy_settings.BETWEEN] == pytest.approx(np.mean(between))
        sign = -1 if table.columns[name].direction == "min" else 1
        truth = table.values("cifar10.test.200ep.mean")[cells]
        taus = [scipy.stats.kendalltau(sign * one, truth)[0] for one in there]
        assert row["tau there"] == pytest.approx(np.mean(taus))


def test_a_setting_that_reorders_is_named(result):
    rows = result.tables["proxy_settings"].copy()
    rows[proxy_settings.BETWEEN] = 0.9
    rows[proxy_settings.OTHER] = 0.89
    setting, proxy = rows.loc[0, ["setting", "proxy"]]
    rows.loc[0, proxy_settings.OTHER] = 0.5
    rows[proxy_settings.LOWER] = rows[proxy_settings.BETWEEN] - rows[proxy_settings.OTHER]
    said = proxy_settings._larger(rows)
    assert f"{setting} 1 of" in said
    assert proxy not in said, "the table names them, in a column of its own"


def test_how_much_more_a_setting_reorders_than_a_repeat_stands_in_the_table(result):
    rows = result.tables["proxy_settings"]
    more = rows[proxy_settings.BETWEEN] - rows[proxy_settings.OTHER]
    np.testing.assert_array_equal(rows[proxy_settings.LOWER], more)
