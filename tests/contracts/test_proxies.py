"""What every proxy promises, whoever wrote it."""

from pathlib import Path

import numpy as np
import pytest

from benchsuite import plugins
from benchsuite.assembly.shipped import settings
from benchsuite.cli.commands import _network_options
from benchsuite.proxies._tabulation.settings import UNSAFE
from benchsuite.space.cell import N_CELLS
from benchsuite.space.network import OFFICIAL

PROXIES = plugins.find("proxies")
ANALYTIC = [name for name in PROXIES if plugins.load("proxies", name).all_cells]


@pytest.mark.parametrize("name", PROXIES)
def test_it_says_what_it_is(name):
    proxy = plugins.load("proxies", name)
    assert PROXIES[name].description.endswith(".")
    assert proxy.formula
    assert proxy.source
    assert proxy.version >= 1
    assert proxy.direction in ("max", "min")
    for suffix, column in proxy.columns(name, PROXIES[name].description).items():
        assert column.name.startswith(f"{name}.{suffix}" if suffix else name)
        assert column.description


@pytest.mark.parametrize("name", ANALYTIC)
@pytest.mark.parametrize("dataset", OFFICIAL)
def test_analytic_proxies_score_every_cell(name, dataset):
    proxy = plugins.load("proxies", name)
    values = proxy.all_cells(OFFICIAL[dataset])
    assert set(values) == set(proxy.outputs)
    for one in values.values():
        assert np.shape(one) == (N_CELLS,)
        assert not np.isinf(one).any()
        assert N_CELLS - np.isnan(one).sum() >= 15_284


HOW = {"analytic": "all_cells", "combined": "combine"}


@pytest.mark.parametrize("name", PROXIES)
def test_its_cost_is_written_out_and_true(name):
    """The cost is read without importing the file, so it has to be a literal."""
    proxy = plugins.load("proxies", name)
    assert PROXIES[name].facts["cost"] == proxy.cost
    assert getattr(proxy, HOW.get(proxy.cost, "score")) is not None


def test_proxies_that_need_double_precision_say_so_and_ship_in_it():
    needing = {
        name for name in plugins.find("proxies") if plugins.load("proxies", name).needs_double
    }
    assert needing == set(UNSAFE)
    ships = settings()["proxies_double"]
    assert needing == set(ships["proxies"])
    assert ships["dtype"] == "float64"
    help_of = Path(_network_options.__file__).read_text(encoding="utf-8")
    assert all(name in help_of for name in needing)
