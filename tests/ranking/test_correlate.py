"""Correlations: what is resampled where all cells were scored, and where only some classes were."""

import dataclasses

import numpy as np
import pytest

import benchsuite as bs
from benchsuite import stats
from benchsuite.errors import UserError
from benchsuite.ranking import correlations as correlate
from benchsuite.ranking.truths import column_of
from benchsuite.space import equivalence
from benchsuite.space.cell import connected
from benchsuite.table.columns import Column, seconds_column
from benchsuite.table.table import Values

CLASSES = equivalence.classes("functional")


@pytest.fixture(scope="module")
def table(table):
    def column(name):
        return Column(name, "a test", "1", "max", "a test", "1", "proxy")

    rng = np.random.default_rng(0)
    score = rng.normal(size=CLASSES.max() + 1)[CLASSES]
    few = np.isin(CLASSES, rng.choice(CLASSES.max() + 1, 300, replace=False))
    return table.with_columns(
        [
            Values(column("all_cells@1"), score),
            Values(column("sample@1"), np.where(few, score, np.nan), "not tabulated"),
            Values(column("two@1"), np.where(np.arange(15_625) < 2, score, np.nan), "-"),
            Values(column("some@1"), np.where(np.arange(15_625) % 157 == 0, score, np.nan), "-"),
            Values(seconds_column("alone.sample", "a test"), np.where(few, 0.25, np.nan), "-"),
        ]
    )


def test_a_sample_of_classes_is_resampled_by_class(table):
    rows = correlate.correlations(table, ["all_cells", "sample"], datasets=["cifar10"])
    rows = rows.set_index("proxy")
    assert rows["resampled"].to_dict() == {"all_cells@1": "cells", "sample@1": "classes"}
    assert rows["n_classes"].to_dict() == {"all_cells@1": 5260, "sample@1": 300}
    assert rows.loc["sample@1", "n"] + rows.loc["sample@1", "missing"] == 15_625
    width = rows["hi"] - rows["lo"]
    # 300 independent values: a standard error of tau of about 0.04, and more as classes differ.
    assert width["sample@1"] > 4 * 0.03
    assert width["all_cells@1"] < 4 * 0.01
    assert rows.loc["sample@1", "seconds"] == 0.25
    assert np.isnan(rows.loc["all_cells@1", "seconds"])


def test_intervals_by_class_stand_beside_those_by_cell(table):
    rows = correlate.correlations(
        table, ["all_cells", "sample"], datasets=["cifar10"], resamples=200
    ).set_index("proxy")
    expected = stats.kendall_bootstrap(
        np.array([table.values("all_cells@1"), table.values("sample@1")]),
        table.values(column_of(table, "best", "cifar10"))[None],
        np.random.default_rng(0),
        groups=CLASSES,
        resamples=200,
    ).interval()
    for at, name in enumerate(("all_cells@1", "sample@1")):
        ends = rows.loc[name, ["class_lo", "class_hi"]].astype(float)
        assert [low_or_high[at, 0] for low_or_high in expected] == pytest.approx(ends.tolist())
    whole = rows.loc["all_cells@1"]
    assert whole["class_hi"] - whole["class_lo"] > 2 * (whole["hi"] - whole["lo"])
    sample = rows.loc["sample@1"]
    assert sample["resampled"] == "classes"
    assert (sample["lo"], sample["hi"]) == (sample["class_lo"], sample["class_hi"])


def test_the_seconds_of_a_combined_proxy_are_those_of_its_parts(table):
    for name, parts in (
        ("te_nas", ("ntk_cond", "linear_regions")),
        ("az_nas_rank", ("az_nas",)),  # its FLOPs cost nothing
    ):
        total = sum(table.values(f"seconds.alone.{part}") for part in parts)
        np.testing.assert_array_equal(table.values(f"seconds.alone.{name}"), total)


def test_a_truth_that_ties_most_cells_has_no_best_thousand(table):
    """Under a strong attack nearly every accuracy is 0: all cells are tied with the thousandth."""
    truth = np.where(np.arange(15_625) < 500, np.arange(15_625), 0.0)
    column = Column("cifar10.robust.pgd.9@1", "a test", "%", "max", "a test", "1", "accuracy")
    column = dataclasses.replace(column, dataset="cifar10", aggregation="robust_pgd_9")
    with_zeros = table.with_columns([Values(column, truth)])
    rows = correlate.correlations(
        with_zeros, ["flops"], datasets=["cifar10"], truth="robust.pgd.9", resamples=200
    )
    assert rows["n_top1000"].tolist() == [15_625]
    assert rows["tau_top1000"].isna().all()
    assert rows["reason"].tolist() == [
        "no tau_top1000: with ties for the last place the best 1,000 are 15,625"
    ]


def test_few_cells_have_no_interval_and_no_tau_of_the_best(table):
    """A sample of 100 cells holds a few of the best 1,000: no tau of those is given."""
    rows = correlate.correlations(table, ["two", "some", "flops"], resamples=200)
    rows = rows.set_index(["proxy", "dataset"])
    two, some, flops = (rows.loc[name] for name in ("two@1", "some@1", "flops@1"))
    assert (two["tau"].abs() == 1).all()
    assert two[["lo", "hi", "tau_top1000"]].isna().all(axis=None)
    assert two["reason"].str.startswith("no interval: 2 classes, 20 are needed").all()
    assert (some["n"] == 100).all()
    assert some[["lo", "hi"]].notna().all(axis=None)
    accuracy = table.values(column_of(table, "best", "cifar10"))
    scored = np.isfinite(table.values("some"))
    best = stats.top_k(accuracy, 1000) & scored
    assert some.loc["cifar10", "n_top1000"] == best.sum() < 20
    assert np.isnan(some.loc["cifar10", "tau_top1000"])
    assert f"no tau_top1000: {best.sum()} of the best" in some.loc["cifar10", "reason"]
    assert flops["tau_top1000"].notna().all()
    assert (flops["reason"] == "").all()
    assert (flops["n_top1000"] >= 1000).all()


def test_few_resamples_are_a_sentence(table):
    with pytest.raises(UserError, match="resamples = 1 is too few for an interval"):
        correlate.correlations(table, ["flops"], resamples=1)


def test_a_ceiling_is_of_the_cells_asked_for(table):
    seeds = [table.values(f"cifar100.valid.200ep.seed{seed}@nats-tss-v1_0") for seed in (777, 888)]
    for cells in (connected(), np.ones(15_625, dtype=bool)):
        found = correlate.ceilings(table, cells, ["cifar100"], "validation")["cifar100"].headline
        assert found.tau == stats.kendall(*(values[cells] for values in seeds))
        assert found.tau.n == cells.sum()


def test_nothing_to_correlate_is_a_sentence(table):
    for nothing in ({"cells": ()}, {"truth": ()}):
        with pytest.raises(UserError, match="one rule for cells and one truth"):
            bs.correlate(table, "flops", resamples=200, **nothing)
