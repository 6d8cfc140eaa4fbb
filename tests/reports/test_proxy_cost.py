"""What proxies cost: tau beside the seconds of one repeat is that of single repeats."""

import itertools

import numpy as np
import pytest
import scipy.stats

from benchsuite.reports import (
    proxy_cost,
    proxy_feasible,
    proxy_heatmap,
    proxy_repeats,
    proxy_truths,
)
from benchsuite.reports._common.picked import expected
from benchsuite.space.cell import connected


@pytest.fixture(scope="module")
def rows(shipped_table):
    return proxy_cost.REPORT.make(shipped_table).tables["proxy_cost"].set_index("proxy")


@pytest.mark.parametrize(
    ("proxy", "repeats"), [("naswot", 3), ("te_nas", 3), ("dextr", 3), ("ntk_cond.k0", 3)]
)
def test_tau_is_the_mean_of_single_repeats_on_cells_with_a_path(
    shipped_table, rows, proxy, repeats
):
    truth = shipped_table.values("cifar10.test.200ep.mean")
    sign = -1 if shipped_table.column(shipped_table.resolve(proxy)).direction == "min" else 1
    taus = []
    for number in range(repeats):
        score = sign * shipped_table.values(f"{proxy}.r{number}")
        known = np.isfinite(score) & connected()
        taus.append(scipy.stats.kendalltau(score[known], truth[known])[0])
    assert rows.loc[proxy, "tau CIFAR-10"] == pytest.approx(np.mean(taus))


def test_proxies_that_score_fewer_cells_are_marked(shipped_table, rows):
    assert rows.loc["naswot", "n"] == connected().sum()
    assert rows.loc["epsinas", "n"] == 9_226
    kept = {"epsinas", "naswot", "meco", "flops", "params"}
    few = shipped_table.without(
        [n for n, c in shipped_table.columns.items() if c.kind == "proxy" and c.family not in kept]
    )
    for report in (proxy_cost, proxy_feasible, proxy_heatmap, proxy_repeats, proxy_truths):
        result = report.REPORT.make(few)
        (figure,) = result.figures.values()
        axes = figure.axes[0]
        drawn = axes.texts if report is proxy_cost else axes.get_yticklabels()
        marked = {text.get_text() for text in drawn if "*" in text.get_text()}
        assert [text.partition("*")[0] for text in marked] == ["Epsilon"], report.__name__
        assert "* scores fewer" in " ".join(result.notes)


def test_counts_are_judged_on_the_same_cells(shipped_table, rows):
    truth = shipped_table.values("cifar10.test.200ep.mean")[connected()]
    convs = shipped_table.values("convs")[connected()]
    assert rows.loc["convs", "tau CIFAR-10"] == pytest.approx(
        scipy.stats.kendalltau(convs, truth)[0]
    )
    assert rows.loc["convs", "cells in 60 s"] == connected().sum()


@pytest.mark.parametrize("drawn", [1, 2, 4, 5])
def test_the_expected_pick_is_the_mean_over_all_draws(drawn):
    score, truth = np.array([1.0, 3.0, 3.0, 2.0, 0.0]), np.array([50.0, 90.0, 80.0, 95.0, 10.0])
    of_equal = [truth[score == one].mean() for one in score]
    picks = [
        of_equal[max(cells, key=lambda cell: score[cell])]
        for cells in itertools.combinations(range(len(score)), drawn)
    ]
    assert expected(score, truth, drawn) == pytest.approx(np.mean(picks))


def test_of_no_cell_there_is_no_pick():
    score = np.array([1.0, 2.0])
    assert np.isnan(expected(score, np.array([50.0, 90.0]), 0))
    assert np.isnan(expected(np.full(2, np.nan), np.array([50.0, 90.0]), 3))
