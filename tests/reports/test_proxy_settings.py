"""Proxies under other settings: the report's correlations against SciPy's on the same classes."""

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


def test_correlations_are_those_of_scored_classes_counted_once(table, result):
    variants, of_cell = shipped.variants(), classes("functional")
    for row in result.tables["proxy_settings"].to_dict("records"):
        other = variants[row["setting"]]
        name = table.resolve(row["proxy"])
        scores = other.values(name)
        first = {}
        for cell in np.flatnonzero(np.isfinite(scores)):
            first.setdefault(of_cell[cell], cell)
        cells = np.array(list(first.values()))
        assert row["n"] == len(cells) <= other.provenance["rows"]
        repeats = repeats_of(table).get(name, [name])
        one, *others = (table.values(repeat)[cells] for repeat in repeats)
        others = others or [one]
        tau = np.mean([scipy.stats.kendalltau(x, scores[cells])[0] for x in others])
        assert row[proxy_settings.OTHER] == pytest.approx(tau)
        if len(repeats) > 1:
            tau = np.mean([scipy.stats.kendalltau(x, one)[0] for x in others])
            assert row[proxy_settings.BETWEEN] == pytest.approx(tau)
        sign = -1 if table.columns[name].direction == "min" else 1
        truth = table.values("cifar10.test.200ep.mean")[cells]
        tau = scipy.stats.kendalltau(sign * scores[cells], truth)[0]
        assert row["tau there"] == pytest.approx(tau)


def test_a_setting_that_reorders_is_named(result):
    rows = result.tables["proxy_settings"].copy()
    rows[proxy_settings.BETWEEN] = 0.9
    rows[proxy_settings.OTHER] = 0.89
    setting, proxy = rows.loc[0, ["setting", "proxy"]]
    rows.loc[0, proxy_settings.OTHER] = 0.5
    said = proxy_settings._larger(rows)
    assert f"{setting}: 1 of" in said
    assert f"{proxy} (0.50 against 0.90)" in said
