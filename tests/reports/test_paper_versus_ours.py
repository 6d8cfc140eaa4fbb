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
        table, record, runs, {(proxy, record["dataset"], record["cells"], "test"): (0.4, 0.6)}
    )
    truth = table.values(f"{record['dataset']}.test.200ep.mean")
    kept = paper_versus_ours._mask(record["cells"])
    taus = [stats.kendall(table.values(name)[kept], truth[kept]).value for name in runs[proxy]]
    assert row["runs"] == len(taus) == (1 if proxy == "flops" else 3)
    assert row["ours"] == pytest.approx(np.mean(taus))
    if len(taus) > 1:
        assert row["between runs"] == pytest.approx(np.std(taus, ddof=1))


def test_a_source_that_names_validation_accuracy_is_held_against_it(table):
    records = published("correlations")
    assert set(records["truth"]) == {"test", "validation"}
    record = records[records["truth"].eq("validation") & records["metric"].eq("kendall")].iloc[0]
    proxy, dataset = str(record["proxy"]), str(record["dataset"])
    runs, interval = paper_versus_ours._runs(table, records), (0.4, 0.6)
    (row,) = paper_versus_ours._rows(
        table, record.to_dict(), runs, {(proxy, dataset, record["cells"], "validation"): interval}
    )
    truth = table.values(f"{dataset}.valid.200ep.mean")
    taus = [stats.kendall(table.values(name), truth).value for name in runs[proxy]]
    assert row["accuracy"] == "validation"
    assert row["ours"] == pytest.approx(np.mean(taus))


def test_verdicts_say_what_a_gap_is_held_against():
    verdict = paper_versus_ours._verdict
    assert verdict(0.03, 0.0) == paper_versus_ours.AGREES
    assert verdict(0.05, 0.06) == paper_versus_ours.SAMPLING
    assert verdict(0.05, 0.04) == paper_versus_ours.DIFFERS


@pytest.mark.parametrize("theirs", [1, 5])
def test_another_mean_of_runs_lies_within_the_error_as_often_as_it_says(theirs):
    rng = np.random.default_rng(2)
    ours, other = rng.normal(0, 0.02, (4000, 3)), rng.normal(0, 0.02, (4000, theirs))
    error = [paper_versus_ours._of_runs(row, theirs) for row in ours]
    within = np.abs(ours.mean(axis=1) - other.mean(axis=1)) <= error
    assert within.mean() == pytest.approx(0.95, abs=0.01)


def test_one_run_says_nothing_of_how_runs_deviate():
    assert paper_versus_ours._of_runs([0.5], 5) == 0


def test_every_gap_has_a_measured_cause_or_says_that_none_was_found(table):
    result = paper_versus_ours.REPORT.make(table)
    rows = result.tables["paper_versus_ours"]
    explained = rows["verdict"] == paper_versus_ours.SETTING
    differ = rows["verdict"] == paper_versus_ours.DIFFERS
    assert (rows.loc[~explained & ~differ, "cause"] == "").all()
    for cause in rows.loc[explained, "cause"]:
        assert re.search(r"[+-]0\.\d{3} \[[^:]*: all of it", cause), cause
    for cause in rows.loc[differ, "cause"]:
        assert cause.startswith(causes.NOT_FOUND) or re.search(r"[+-]0\.\d{3} \[", cause), cause
    near, like = int((~explained & ~differ).sum()), int((~differ).sum())
    said = f"{near} of {len(rows)} rows ({near / len(rows):.0%})"
    share = f", {like} ({like / len(rows):.0%})"
    assert any(said in note and share in note for note in result.notes)


def test_single_runs_of_an_output_are_runs_too(shipped_table):
    """`grad_sign.mean` is a detail, with repeats as a proxy has them."""
    runs = paper_versus_ours._runs(shipped_table, published("correlations"))
    assert runs["grad_sign.mean"] == [f"grad_sign.mean.r{r}@1" for r in range(3)]
    alone = {proxy for proxy, of in runs.items() if len(of) == 1}
    assert alone == {"flops", "params", "tensors"}
