"""Published rank correlations beside ours: like with like, and no guessed causes."""

import numpy as np
import pytest

from benchsuite import stats
from benchsuite.reports import paper_versus_ours
from benchsuite.reports._common.tables import published


@pytest.mark.parametrize("proxy", ["grasp", "naswot", "flops"])
def test_ours_is_the_mean_of_single_run_taus(table, proxy):
    """Not the tau of the mean of the runs, which has less noise than a run that a paper prints."""
    records = published("correlations")
    chosen = records["proxy"].eq(proxy) & records["metric"].eq("kendall")
    record = records[chosen].iloc[0].to_dict()
    runs = paper_versus_ours._runs(table, records)
    (row,) = paper_versus_ours._rows(
        table, record, runs, {(proxy, record["dataset"], record["cells"]): (0.4, 0.6)}
    )
    truth = table.values(f"{record['dataset']}.test.200ep.mean")
    kept = paper_versus_ours._mask(record["cells"])
    taus = [stats.kendall(table.values(name)[kept], truth[kept]).value for name in runs[proxy]]
    assert row["runs"] == len(taus) == (1 if proxy == "flops" else 3)
    assert row["ours"] == pytest.approx(np.mean(taus))
    if len(taus) > 1:
        assert row["between runs"] == pytest.approx(np.std(taus, ddof=1))


def test_a_gap_has_its_measured_cause_or_none():
    verdict = paper_versus_ours._verdict
    assert verdict(0.02, 0.0, "zico", "any") == "agrees"
    assert verdict(0.05, 0.03, "zico", "any") == "sampling"
    assert verdict(0.05, 0.0, "zico", "any") == "differs: not tested"
    assert "-.055 +- .026" in verdict(0.05, 0.0, "zen", f"{paper_versus_ours.PORT} cifar10")
    assert verdict(0.05, 0.0, "zen", "another paper cifar10") == "differs: not tested"
    for proxy in ("vkdnw_single", "vkdnw_agg", "grasp"):
        assert verdict(0.0, 0.0, proxy, "any").startswith("cannot be tested here")
