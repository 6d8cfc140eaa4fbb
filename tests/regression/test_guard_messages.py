"""What the guard says of a difference: the cell, the column and both values."""

import numpy as np
import pandas as pd
import pytest

from benchsuite.regression.baseline import FRAMES
from benchsuite.regression.compare import _close
from benchsuite.regression.compare_replays import compare_replays
from benchsuite.regression.compare_scores import Scores, compare_scores
from benchsuite.regression.tolerances import Tolerances

VALUES = np.array([3.0, 1.0, np.nan, 2.0, 5.0, np.nan])


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ([3, 1, np.nan, 2.5, 5, np.nan], "cell 40 had it 2.0 and has 2.5"),
        ([3, 1, np.nan, np.nan, 5, np.nan], "cell 40 had it 2.0 and has nothing (out of range)"),
        ([3, 1, np.nan, 2, 5, 7], "cell 60 had it nothing and has 7.0"),
        ([-3, -1, np.nan, -2, -5, np.nan], "cell 10 had it 3.0 and has -3.0"),
    ],
)
def test_messages_name_the_cell_the_column_and_both_values(after, said):
    cells, reasons = np.arange(10, 70, 10), ["", "", "", "out of range", "", ""]
    sides = Scores(VALUES, "max", "1"), Scores(np.array(after, dtype=float), "max", "1")
    found, *_ = compare_scores(
        "sample", "it", *sides, {}, Tolerances(), cells=cells, reasons=reasons
    )
    assert said.replace(".0 ", " ").removesuffix(".0") in found.message


def test_the_same_answers_by_more_queries_are_a_change():
    rows = pd.DataFrame({"study": "s", "search": "r", "dataset": "d", "seed": range(3)})
    rows = rows.assign(cell=7, feasible=True, regret=1.0, queries=10)
    (same,) = compare_replays(rows, rows, Tolerances())
    (found,) = compare_replays(rows, rows.assign(queries=[10, 10, 40]), Tolerances())
    assert (same.verdict, found.verdict) == ("same", "changed")
    assert found.message == "All 3 seeds answer as before, by other queries: 10, now 20."


def test_a_share_that_values_may_differ_by_is_of_the_larger_in_both_directions():
    pairs = [(100, 111), (111, 100), (-100, -111), (0, 1e-9), (np.inf, np.inf), (np.inf, 1)]
    x, y = np.array(pairs).T
    assert _close(x, y, 0.1).tolist() == _close(y, x, 0.1).tolist()
    assert _close(x, y, 0.1).tolist() == [True, True, True, False, True, False]
    assert _close(np.array([np.nan, np.nan]), np.array([np.nan, 1.0]), 0.1).tolist() == [
        True,
        False,
    ]


def test_scores_that_became_constant_are_no_agreement_of_rankings():
    allowed = Tolerances(rules={"scores": {"*": {"relative": 9, "cells": 0, "spearman": 0}}})
    sides = Scores(np.arange(9.0), "max", "1"), Scores(np.full(9, 4.0), "max", "1")
    found, *_ = compare_scores("sample", "it", *sides, {}, allowed)
    assert found.verdict == "regression"


@pytest.mark.parametrize(("noise", "reverse"), [(0.1, True), (3.0, False)])
def test_a_ranking_is_called_reversed_only_where_it_nearly_is(noise, reverse):
    """A tolerance of 0 for the agreement of rankings makes no reverse of a little disagreement."""
    allowed = Tolerances(rules={"scores": {"*": {"spearman": 0}}})
    x = np.arange(30.0)
    y = noise * x.max() * np.random.default_rng(2).normal(size=30) - x
    found, *_ = compare_scores(
        "sample", "it", Scores(x, "max", "1"), Scores(y, "max", "1"), {}, allowed
    )
    assert found.verdict == "regression"
    assert found.numbers["spearman"] < 0
    assert ("in reverse" in found.message) == reverse


def test_a_fall_of_tau_that_the_resamples_cannot_show_is_not_passed():
    """The least p of 1,000 resamples is 0.002, so that no fall was one at a level of 0.001."""
    truth = np.random.default_rng(0).random(60)
    sides = Scores(truth, "max", "1"), Scores(-truth, "max", "2")
    for alpha, verdict in ((0.01, "regression"), (0.001, "untold")):
        allowed = Tolerances(alpha=alpha)
        _, found = compare_scores("sample", "it", *sides, {"accuracy": truth}, allowed)
        assert (found.verdict, "1,000 resamples cannot show it" in found.message) == (
            verdict, verdict == "untold"
        )  # fmt: skip
    _, back = compare_scores("sample", "it", *sides[::-1], {"accuracy": truth}, allowed)
    assert back.verdict == "within"


def test_a_raised_version_whose_tau_cannot_be_tested_is_not_passed():
    rng = np.random.default_rng(0)
    values, truth = rng.random((2, 9))
    sides = Scores(values, "max", "1"), Scores(-values, "max", "2")
    checks = list(compare_scores("sample", "it", *sides, {"accuracy": truth}, Tolerances()))
    assert [c.verdict for c in checks] == ["changed", "untold"]


def replays(regret, seeds=6, cell=1):
    found = {
        "study": "s", "search": "r", "dataset": "d", "seed": range(seeds), "cell": cell,
        "feasible": ~np.isnan(np.broadcast_to(regret, seeds)), "regret": regret, "queries": 9,
    }  # fmt: skip
    return pd.DataFrame(found)[list(FRAMES["replays"])]


def test_a_regret_of_estimated_accuracies_says_so():
    sides = replays(1.0), replays(2.0, cell=7)
    (found,) = compare_replays(*sides, Tolerances(), {"d"})
    assert "The mean regret (of ESTIMATED accuracy) was 1.000 % and is 2.000 %" in found.message
    for others in ((), {"other"}):
        (found,) = compare_replays(*sides, Tolerances(), frozenset(others))
        assert "The mean regret was 1.000 %" in found.message


def test_replays_name_a_seed_and_both_answers_and_need_the_same_seeds():
    (found,) = compare_replays(replays(1.0), replays(2.0, cell=7), Tolerances())
    assert "Seed 0 answered cell 1 (regret 1.000 %), and now cell 7 (regret 2.000 %)" in (
        found.message
    )
    (found,) = compare_replays(replays(1.0), replays(1.0, seeds=5), Tolerances())
    assert found.verdict == "untold"
    (found,) = compare_replays(replays(np.nan), replays(1.0), Tolerances())
    assert (found.verdict, "answered no feasible cell" in found.message) == ("changed", True)
    (found,) = compare_replays(replays(1.0), replays(np.nan), Tolerances())
    assert found.verdict == "regression"


@pytest.mark.parametrize(
    ("before", "after", "verdict", "said"),
    [
        ([1.0] * 3, [19.0] * 3, "untold", "3 seeds cannot show it (p = 0.0234 at best"),
        ([1.0, 2, 3, 4], [19.0, 20, 21, 22], "untold", "; 5 or more are needed"),
        ([1.0] * 2, [np.nan] * 2, "untold", "is unknown over 2 and 2 seeds"),
        ([1.0] * 9, [*[1.0] * 8, 9.0], "untold", "9 seeds with so many equal regrets cannot"),
        ([1.0] * 3, [0.5] * 3, "changed", "is 0.500 %: -0.500 over 3 and 3 seeds"),
        ([1.0] * 3, [1.0] * 3, "changed", "no worse ones are shown"),
        ([1.0, 2, 3, 4, 5], [19.0, 20, 21, 22, 23], "regression", "The search got worse."),
    ],
)
def test_what_so_few_seeds_cannot_show_is_not_passed(before, after, verdict, said):
    """A search that lost 18 points with each of its 3 seeds was one that no test showed worse."""
    sides = replays(before, len(before)), replays(after, len(after), cell=7)
    (found,) = compare_replays(*sides, Tolerances())
    assert (found.verdict, said in found.message) == (verdict, True), found.message
    assert "nan" not in found.message
    exact = Tolerances(rules={"replays": {"*": {"exact": True}}})
    (found,) = compare_replays(*sides, exact)
    assert found.verdict == "regression"
    tolerant = Tolerances(rules={"replays": {"*": {"regret": 30.0}}})
    (found,) = compare_replays(*sides, tolerant)
    assert found.verdict == ("untold" if np.isnan(after).any() else "changed")


def test_a_direction_that_turned_is_named():
    """The values are the same: which end is better is what changed."""
    values = np.arange(30.0)
    before, after = (Scores(values, direction, "1") for direction in ("max", "min"))
    found, *_ = compare_scores("sample", "mine", before, after, {}, Tolerances())
    assert found.verdict == "regression"
    assert "its direction was max and is min" in found.message
    flipped, *_ = compare_scores(
        "sample", "mine", before, Scores(-values, "max", "1"), {}, Tolerances()
    )
    assert "direction" not in flipped.message
