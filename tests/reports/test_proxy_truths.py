"""Proxies against every truth: taus against SciPy's; estimates marked; what is absent, left out."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from attacked_tables import attacked
from matplotlib.backends.backend_agg import FigureCanvasAgg

from benchsuite.ranking.correlations import correlations
from benchsuite.reports import proxy_truths
from benchsuite.reports._common.style import NAMES
from benchsuite.space.cell import connected
from benchsuite.stats.intervals import FEWEST_RESAMPLES

KEPT = ("flops@", "meco@", "ntk_cond.")


@pytest.fixture(scope="module")
def given(table):
    others = [
        name
        for name, column in table.columns.items()
        if column.kind in ("proxy", "detail") and not name.startswith(KEPT)
    ]
    return attacked(table.without(others))


@pytest.fixture(scope="module")
def result(given):
    return proxy_truths.REPORT.make(given)


def test_taus_are_scipys_and_more_is_better(given, result):
    rows = result.tables["proxy_truths"]
    sign = {"max": 1, "min": -1}
    for row in rows.to_dict("records"):
        score = sign[given.columns[row["proxy"]].direction] * given.values(row["proxy"])
        score[~connected()] = np.nan
        truth = given.values(row["column"])
        both = np.isfinite(score) & np.isfinite(truth)
        assert row["n"] == both.sum()
        assert row["tau"] == pytest.approx(scipy.stats.kendalltau(score[both], truth[both])[0])
        assert row["lo"] < row["tau"] < row["hi"]
    assert {"flops@1", "meco@1"} < set(rows["proxy"])


def test_every_truth_is_there_and_estimates_are_marked(given, result):
    rows = result.tables["proxy_truths"]
    trained = {"validation", "test", "12ep"}
    for dataset in ("cifar100", "imagenet16-120"):
        assert set(rows[rows["dataset"] == dataset]["truth"]) == trained
    of_first = set(rows[rows["dataset"] == "cifar10"]["truth"])
    assert of_first >= trained | {"float", "int8.ptq", "int8.qat", "analog", "robust.pgd.1"}
    assert not {"robust.pgd.8", "analog.noisy"} & of_first
    estimated = rows["column"].str.contains("@estimate-", regex=False)
    assert ((rows["measured"] == "ESTIMATED") == estimated).all()
    labels = [
        label.get_text() for label in result.figures["proxy_truths"].axes[0].get_xticklabels()
    ]
    drawn = rows[["truth", "dataset", "measured"]].drop_duplicates()
    marked = (drawn["measured"] == "ESTIMATED").sum()
    assert sum("ESTIMATED" in label for label in labels) == marked
    said = " ".join(result.notes)
    assert ("ESTIMATED by this project" in said) == (marked > 0)
    assert ("Every truth is measured." in said) == (marked == 0)


def test_heads_of_groups_stand_apart():
    """By two letters at least, as columns of a printed table do, with as many truths as there are.

    A group is as wide as its columns, and a name may be wider.
    """
    sizes = {**dict.fromkeys(NAMES.values(), 3), "another training": 4, "CIFAR-10, attacked": 8}
    groups = [group for group, size in sizes.items() for _ in range(size)]
    truths = [
        proxy_truths.Truth(group, "cifar10", f"t{i}", f"t{i}", f"c{i}", np.zeros(1), False)
        for i, group in enumerate(groups)
    ]
    rows = pd.DataFrame(
        {"proxy": f"{name}@1", "column": truth.column, "n": 9, "tau": 0.5}
        for name in ("flops", "dextr.svd", "log_synflow")
        for truth in truths
    )
    figure = proxy_truths._figure(rows, truths)
    FigureCanvasAgg(figure).draw()
    texts = figure.axes[0].texts
    heads = [
        text for text in texts if text.get_text().replace("-\n", "-").replace("\n", " ") in sizes
    ]
    assert len(heads) == len(sizes)
    boxes = sorted((head.get_window_extent() for head in heads), key=lambda box: box.x0)
    letter = heads[0].get_fontsize() / 2 * figure.dpi / 72
    assert all(right.x0 - left.x1 > 2 * letter for left, right in pairwise(boxes))


def test_intervals_are_those_of_the_correlations(given, result):
    """Of the same resamples of classes, which one seed gives everything here."""
    rows = result.tables["proxy_truths"].set_index(["proxy", "column"])
    other = correlations(given, ["meco"], datasets=["cifar10"], resamples=FEWEST_RESAMPLES)
    one = other.iloc[0]
    assert rows.loc[(one["proxy"], one["accuracy"]), ["tau", "lo", "hi"]].tolist() == pytest.approx(
        one[["tau", "class_lo", "class_hi"]].tolist()
    )


def test_truths_that_a_table_lacks_are_left_out(given):
    poor = given.without(
        [n for n in given.columns if ".robust." in n or "analog-nasbench" in n or ".12ep." in n]
    )
    made = proxy_truths.REPORT.make(poor)
    assert set(made.tables["proxy_truths"]["truth"]) == {"validation", "test"}
    assert "No accuracy under attack: `benchsuite fetch` brings it." in made.notes
