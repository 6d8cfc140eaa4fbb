"""Published rank correlations beside ours: like with like, and no guessed causes."""

import re

import numpy as np
import pytest

from benchsuite import stats
from benchsuite.reports import paper_versus_ours
from benchsuite.reports._common import causes
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


def test_verdicts_say_what_a_gap_is_held_against():
    verdict = paper_versus_ours._verdict
    assert verdict(0.03, 0.0) == "agrees"
    assert verdict(0.05, 0.03) == "sampling"
    assert verdict(0.05, 0.01) == "differs"


def test_every_gap_has_a_measured_cause_or_says_that_none_was_found(table):
    result = paper_versus_ours.REPORT.make(table)
    rows = result.tables["paper_versus_ours"]
    differ = rows["verdict"] == "differs"
    assert (rows.loc[~differ, "cause"] == "").all()
    for cause in rows.loc[differ, "cause"]:
        assert cause.startswith(causes.NOT_FOUND) or re.search(r"[+-]0\.\d{3} \[", cause), cause
    near = int((~differ).sum())
    assert any(f"{near} of {len(rows)} rows ({near / len(rows):.0%})" in n for n in result.notes)
