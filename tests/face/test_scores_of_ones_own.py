"""Own scores from Python: to which cells they go, from where, and what they are correlated with."""

import numpy as np
import pandas as pd
import pytest

import benchsuite as bs
from benchsuite.space.cell import N_CELLS, all_archs


@pytest.fixture(scope="module")
def table():
    return bs.load()


def shuffled(values):
    order = np.random.default_rng(0).permutation(N_CELLS)
    return order, values[order]


def test_own_scores_go_to_the_cells_that_their_labels_name(table):
    flops = table["cifar10.flops"]
    order, values = shuffled(flops)
    archs = np.array(all_archs())
    for given in (
        flops,
        pd.Series(values, index=order),
        pd.Series(values, index=archs[order]),
        dict(zip(order.tolist(), values.tolist(), strict=True)),
        pd.Series(values[:9000], index=archs[order[:9000]]),
    ):
        own = table.with_scores("mine", given)
        there = np.isfinite(own["mine"])
        assert there.sum() == len(given)
        assert np.array_equal(own["mine"][there], flops[there])
    assert "mine" not in table
    assert "mine@1: 9,000 cells" in own.provenance_line


def test_own_scores_come_from_files_too(table, tmp_path):
    flops = table["cifar10.flops"]
    order, values = shuffled(flops)
    csv, parquet = tmp_path / "a.csv", tmp_path / "a.parquet"
    pd.DataFrame({"arch": np.array(all_archs())[order], "s": values}).to_csv(csv, index=False)
    pd.DataFrame({"index": order[:9], "mine": values[:9], "b": values[:9]}).to_parquet(parquet)
    assert np.array_equal(table.with_scores("mine", csv)["mine"], flops)
    few = table.with_scores("mine", str(parquet), direction="min")["mine"]
    assert np.isfinite(few).sum() == 9
    assert np.array_equal(few[order[:9]], values[:9])
    with pytest.raises(bs.UserError, match="has no score 'yours'; it has mine, b"):
        table.with_scores("yours", parquet)
    with pytest.raises(bs.UserError, match="cannot be read"):
        table.with_scores("mine", tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1.0, 2.0], "has shape"),
        ({15625: 1.0}, "no cell"),
        ({"|nor_conv_9x9~0|": 1.0}, "no cell"),
        ({True: 1.0}, "no cell"),
        ({0: 1.0, all_archs()[0]: 2.0}, "label a cell twice"),
        ({0: "good"}, "not numbers|holds 'good'"),
        (pd.Series([1.0, 2.0], index=[0, 0]), "label a cell twice"),
        (pd.Series([1.0, 2.0], index=[0.5, 2]), "no cell"),
    ],
)
def test_scores_of_no_cells_are_refused(values, said, table):
    with pytest.raises(bs.UserError, match=said):
        table.with_scores("mine", values)


def test_a_name_that_is_there_and_a_direction_that_is_none_are_refused(table):
    for name in ("naswot@1", "naswot", "naswot@99", "cifar10.flops", "az_nas"):
        with pytest.raises(bs.UserError, match="Give yours another name"):
            table.with_scores(name, np.zeros(N_CELLS))
    with pytest.raises(bs.UserError, match="'max' or 'min'"):
        table.with_scores("mine", np.zeros(N_CELLS), direction="higher")


def test_a_name_says_that_less_is_better(table):
    own = table.with_scores("mine:min", {6111: 1.0, 0: 2.0})
    assert own.columns["mine@1"].direction == "min"
    assert table.with_scores("mine:max", {0: 2.0}).columns["mine@1"].direction == "max"
    with pytest.raises(bs.UserError, match=r"'mine' is better at its min, the direction .* 'max'"):
        table.with_scores("mine:min", {0: 2.0}, direction="max")
    with pytest.raises(bs.UserError, match="'mine:less' is no name of a score"):
        table.with_scores("mine:less", {0: 2.0})


def test_own_scores_are_correlated_like_any_other(table):
    accuracy = table["cifar10.test.200ep.mean"]
    own = table.with_scores("mine", -accuracy, direction="min")
    row = bs.correlate(own, "mine", dataset="cifar10", truth="test", resamples=200).iloc[0]
    assert row["tau"] == pytest.approx(1)
    assert row["accuracy"] == table.resolve("cifar10.test.200ep.mean")
    assert bs.correlate(own, "mine", resamples=200, truth="int8.qat")["dataset"].tolist() == [
        "cifar10"
    ]
    with pytest.raises(bs.UserError, match="only on cifar10"):
        bs.correlate(own, "mine", dataset="cifar100", truth="int8.qat")
