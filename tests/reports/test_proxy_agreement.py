"""Which proxies say the same: pairs against SciPy, and who scores fewer cells is marked."""

import numpy as np
import pytest
import scipy.stats

from benchsuite.reports import proxy_agreement
from benchsuite.reports._common.tables import upward

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
