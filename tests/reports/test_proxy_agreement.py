"""Which proxies say the same: against SciPy, of scores of few cells, and that rank nothing."""

import numpy as np
import pytest
import scipy.stats

from benchsuite.errors import UserError
from benchsuite.reports import proxy_agreement
from benchsuite.reports._common.tables import upward
from benchsuite.space.cell import N_CELLS

SHOWN = ["naswot@1", "epsinas@1", "flops", "ntk_cond.k2@1"]


@pytest.fixture(scope="module")
def result(shipped_table):
    with pytest.MonkeyPatch.context() as patch:
        names = [shipped_table.resolve(name) for name in SHOWN]
        patch.setattr(proxy_agreement, "headline_proxies", lambda _: names)
        return proxy_agreement.REPORT.make(shipped_table)


def test_pairs_are_scipys_over_the_cells_that_have_both(shipped_table, result):
    pairs = result.tables["proxy_agreement_pairs"].drop_duplicates()
    assert len(pairs) == 6
    for row in pairs.to_dict("records"):
        names = row["proxy"], row["other"]
        one, other = (upward(shipped_table, shipped_table.resolve(name)) for name in names)
        both = np.isfinite(one) & np.isfinite(other)
        assert row["n"] == both.sum()
        assert row["tau"] == pytest.approx(scipy.stats.kendalltau(one[both], other[both])[0])


def test_a_proxy_of_fewer_cells_is_marked_in_the_figure(result):
    axes = result.figures["proxy_agreement"].axes[0]
    labels = {label.get_text() for label in axes.get_yticklabels()}
    assert {label for label in labels if label.endswith("*")} == {"Epsilon*"}
    assert "* scores fewer" in " ".join(result.notes)


@pytest.fixture(scope="module")
def two(shipped_table):
    """The table with two proxies alone."""
    kept = {"naswot", "flops"}
    columns = shipped_table.columns.items()
    return shipped_table.without(
        [n for n, c in columns if c.kind == "proxy" and c.family not in kept]
    )


def test_scores_that_rank_nothing_agree_with_nothing(two):
    """A constant and a single score have no tau, and end no report."""
    table = two.with_scores("constant", np.ones(N_CELLS)).with_scores("single", {6111: 1.0})
    result = proxy_agreement.REPORT.make(table)
    matrix = result.tables["proxy_agreement"].set_index("proxy")
    x, y = table.values("naswot"), table.values("flops")
    known = np.isfinite(x) & np.isfinite(y)
    tau = scipy.stats.kendalltau(x[known], y[known])[0]
    assert matrix.loc["naswot", "flops"] == pytest.approx(tau)
    assert matrix.loc["constant", ["naswot", "flops", "single"]].isna().all()
    assert matrix.loc["single", ["naswot", "flops", "constant"]].isna().all()
    assert "0 for one that is not defined" in " ".join(result.notes)
    assert result.tables["proxy_agreement_pairs"]["tau"].tolist() == [pytest.approx(tau)]


def test_a_pair_is_told_once(two):
    result = proxy_agreement.REPORT.make(two)
    assert len(result.tables["proxy_agreement_pairs"]) == 1
    assert "not defined" not in " ".join(result.notes)


def test_one_proxy_agrees_with_none(two):
    with pytest.raises(UserError, match="one proxy; agreement is between two"):
        proxy_agreement.REPORT.make(two.without(["flops@1"]))
