"""Reports of a table with few proxies, or no proxy or device: what there is, or a sentence."""

import pytest

from benchsuite.errors import UserError
from benchsuite.reports import (
    device_fit,
    monas_ntk,
    paper_versus_ours,
    proxy_repeats,
    proxy_settings,
)


@pytest.fixture(scope="module")
def one(shipped_table):
    """The table with one proxy and its repeats alone."""
    columns = shipped_table.columns.items()
    return shipped_table.without(
        [n for n, c in columns if c.kind in ("proxy", "detail") and c.family != "naswot"]
    )


@pytest.mark.parametrize("report", [proxy_repeats, proxy_settings])
def test_a_figure_of_one_proxy_has_room_for_it(one, report):
    (figure,) = report.REPORT.make(one).figures.values()
    figure.draw_without_rendering()  # A warning of collapsed axes is an error here.
    assert figure.axes[0].get_window_extent().height > 0.1 * figure.get_window_extent().height


def test_published_correlations_are_those_of_the_proxies_there(one):
    rows = paper_versus_ours.REPORT.make(one).tables["paper_versus_ours"]
    assert set(rows["proxy"]) == {"naswot@1"}


@pytest.mark.parametrize(
    ("report", "said"),
    [(paper_versus_ours, "no proxy whose correlation is published"), (monas_ntk, "no ntk_cond.k")],
)
def test_a_report_without_its_proxies_says_so(one, report, said):
    with pytest.raises(UserError, match=said):
        report.REPORT.make(one.without([n for n in one.columns if n.startswith("naswot")]))


def test_without_devices_nothing_is_said_to_fit(one):
    devices = [name for name, column in one.columns.items() if column.kind == "device"]
    with pytest.raises(UserError, match="does not say what fits a device"):
        device_fit.REPORT.make(one.without(devices))
