"""Proxies together and forests: all of one figure are judged on the same cells."""

import numpy as np
import pytest

from benchsuite.ranking.combinations import tried_on
from benchsuite.reports import proxy_combinations
from benchsuite.reports._common.tables import headline_proxies


def test_forests_rank_the_cells_that_proxies_together_rank(table, monkeypatch):
    """A cell without a path is last for sure: whoever is judged on it too looks better."""
    pytest.importorskip("sklearn")
    kept = {"naswot", "synflow", "az_nas"}
    few = table.without(
        [n for n, c in table.columns.items() if c.kind == "proxy" and c.family not in kept]
    )
    monkeypatch.setattr(proxy_combinations, "DATASETS", ("cifar10",))
    monkeypatch.setattr(proxy_combinations, "TRAINED", (60,))
    rows = proxy_combinations.REPORT.make(few).tables["proxy_combinations"]
    tried, cells = tried_on(few, headline_proxies(few))
    assert set(rows["method"]) >= {"best proxy", *proxy_combinations.FORESTS}
    assert set(rows["n"]) == {cells.sum()}
    scored = [np.isfinite(few.values(name)) for name in tried]
    assert (cells == np.all(scored, axis=0)).all()
    assert cells.sum() < 15_625
