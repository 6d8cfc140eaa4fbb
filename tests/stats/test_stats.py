"""Rank correlations: scipy, a pairwise count and invariances as oracles."""

import dataclasses
import itertools
import math
import subprocess
import sys
import warnings

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given
from hypothesis import strategies as st

import benchsuite.stats as stats
from benchsuite.errors import UserError
from benchsuite.stats import (
    Correlation,
    kendall,
    noise_ceiling,
    partial_kendall,
    spearman,
    top_k,
    top_k_kendall,
    weighted_kendall,
)

MISSING = [math.nan, math.inf, -math.inf]
STATISTICS = {
    "kendall": kendall,
    "weighted": weighted_kendall,
    "spearman": spearman,
    "top 5": lambda x, y, **kwargs: top_k_kendall(x, y, 5, **kwargs),
}
every_statistic = pytest.mark.parametrize("statistic", STATISTICS.values(), ids=STATISTICS)

tied_value = st.integers(-3, 3).map(float)
any_value = st.one_of(tied_value, st.floats(-1e6, 1e6), st.sampled_from(MISSING))


def cells(*values, min_size=0, max_size=25):
    """Columns of equal length, one for each strategy of a value."""
    rows = st.lists(st.tuples(*values), min_size=min_size, max_size=max_size)
    return rows.map(lambda drawn: tuple(np.array(drawn, dtype=float).reshape(-1, len(values)).T))


def complete(*columns):
    keep = np.isfinite(columns).all(axis=0)
    return [column[keep] for column in columns]


def same(a, b):
    return a == pytest.approx(b, abs=1e-12, nan_ok=True)


# tau-b


@given(cells(any_value, any_value))
def test_kendall_is_scipys(columns):
    x, y = columns
    ours = kendall(x, y)
    kept = complete(x, y)
    if len(kept[0]) < 2:
        assert math.isnan(ours.value)
    else:
        with warnings.catch_warnings(action="ignore"):
            theirs = scipy.stats.kendalltau(*kept).statistic
        assert ours.value == theirs or (math.isnan(ours.value) and math.isnan(theirs))
    assert (ours.n, ours.n_missing) == (len(kept[0]), len(x) - len(kept[0]))
    assert (ours.reason is None) != math.isnan(ours.value)


@given(cells(any_value, any_value))
def test_kendall_is_the_count_of_pairs(columns):
    x, y = complete(*columns)
    pairs = list(itertools.combinations(range(len(x)), 2))
    dx = np.array([np.sign(x[i] - x[j]) for i, j in pairs])
    dy = np.array([np.sign(y[i] - y[j]) for i, j in pairs])
    ours = kendall(*columns)
    assert (ours.ties_x, ours.ties_y) == ((dx == 0).sum(), (dy == 0).sum())
    if dx.any() and dy.any():
        assert same(ours.value, (dx * dy).sum() / math.sqrt((dx**2).sum() * (dy**2).sum()))
    else:
        assert math.isnan(ours.value)


@pytest.mark.parametrize("n", [10, 1000])
def test_kendall_on_random_values(n):
    rng = np.random.default_rng(n)
    x, y = rng.normal(size=(2, n))
    assert kendall(x, y).value == scipy.stats.kendalltau(x, y).statistic
    assert kendall(x, x).value == pytest.approx(1)
    assert kendall(x, -x).value == pytest.approx(-1)
    assert kendall(x, x, direction="min").value == pytest.approx(-1)


@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        ([], [], "0 cells with both values, two are needed"),
        ([1], [2], "1 cell with both values, two are needed"),
        ([1, math.nan, 3], [math.inf, 2, 3], "1 cell with both values, two are needed"),
        ([1, 1, 1], [1, 2, 3], "the score is constant"),
        ([1, 2, 3], [2, 2, 2], "the truth is constant"),
        ([1, 2, 7, math.nan], [2, 2, math.nan, 7], "the truth is constant"),
    ],
)
@every_statistic
def test_undefined_is_nan_with_a_reason(statistic, x, y, reason):
    result = statistic(x, y)
    assert math.isnan(result.value)
    assert result.reason == reason


def test_two_cells():
    assert kendall([1, 2], [3, 4]) == Correlation(1.0, 2, 0, 0, 0)
    assert kendall([1, 2], [4, 3]).value == -1


@every_statistic
@pytest.mark.parametrize("sign", [1, -1])
def test_no_rounding_leads_out_of_range(statistic, sign):
    """Before it is clipped the weighted tau of (1, 2) with itself is 1 + 2e-16."""
    for n in range(2, 40):
        value = statistic(sign * np.arange(n), np.arange(n)).value
        assert value == pytest.approx(sign)
        assert abs(value) <= 1


# weighted tau, Spearman, top k


def weighted_oracle(x, y):
    rank = [(y > value).sum() for value in y]
    over = under_x = under_y = 0.0
    for i, j in itertools.combinations(range(len(x)), 2):
        weight = 1 / (rank[i] + 1) + 1 / (rank[j] + 1)
        dx, dy = np.sign(x[i] - x[j]), np.sign(y[i] - y[j])
        over += weight * dx * dy
        under_x += weight * dx**2
        under_y += weight * dy**2
    return over / math.sqrt(under_x * under_y) if under_x and under_y else math.nan


@given(cells(any_value, any_value))
def test_weighted_kendall_is_its_definition(columns):
    ours = weighted_kendall(*columns).value
    assert ours == pytest.approx(weighted_oracle(*complete(*columns)), abs=1e-9, nan_ok=True)


def test_weighted_kendall_is_scipys_where_the_truth_has_no_ties():
    rng = np.random.default_rng(3)
    x, y = rng.integers(0, 20, 200).astype(float), rng.permutation(200).astype(float)
    theirs = scipy.stats.weightedtau(y, x, rank=None).statistic
    assert same(weighted_kendall(x, y).value, theirs)


def test_weighted_kendall_punishes_exchanges_at_the_top():
    truth = np.arange(50.0)
    top, bottom = truth.copy(), truth.copy()
    top[[-1, -2]], bottom[[0, 1]] = top[[-2, -1]], bottom[[1, 0]]
    assert kendall(top, truth).value == kendall(bottom, truth).value
    assert weighted_kendall(top, truth).value < weighted_kendall(bottom, truth).value


@given(cells(any_value, any_value))
def test_spearman_is_scipys(columns):
    kept = complete(*columns)
    assume(len(kept[0]) > 2)
    with warnings.catch_warnings(action="ignore"):
        theirs = scipy.stats.spearmanr(*kept).statistic
    assert same(spearman(*columns).value, theirs)


@given(cells(any_value), st.integers(1, 30))
def test_top_k_is_those_that_fewer_than_k_exceed(columns, k):
    (truth,) = columns
    finite = truth[np.isfinite(truth)]
    expected = [math.isfinite(value) and (finite > value).sum() < k for value in truth]
    assert top_k(truth, k).tolist() == expected


def test_ties_at_the_boundary_all_belong():
    assert top_k([5, 3, 4, 3, 1, math.nan, math.inf], 3).tolist() == [True] * 4 + [False] * 3


def test_the_truth_alone_chooses_the_top():
    result = top_k_kendall([math.nan, 2, 3, 9, 9], [9, 8, 7, 2, 1], 3)
    assert (result.value, result.n, result.n_missing) == (-1, 2, 1)


@given(cells(any_value, any_value))
def test_top_of_everything_is_everything(columns):
    x, y = columns
    everything = kendall(x, y)
    assert same(top_k_kendall(x, y, 1000).value, everything.value)


# invariances


@every_statistic
@given(columns=cells(any_value, any_value), data=st.data())
def test_the_order_of_the_cells_does_not_matter(statistic, columns, data):
    x, y = columns
    order = np.array(data.draw(st.permutations(range(len(x)))), dtype=int)
    assert same(statistic(x[order], y[order]).value, statistic(x, y).value)


@every_statistic
@given(columns=cells(any_value, any_value))
def test_increasing_functions_change_nothing(statistic, columns):
    x, y = columns
    _, inverse = np.unique(x, return_inverse=True)
    ranks = np.where(np.isfinite(x), inverse.reshape(-1) ** 3 - 7.0, np.nan)
    assert same(statistic(ranks, y).value, statistic(x, y).value)
    _, inverse = np.unique(y, return_inverse=True)
    ranks = np.where(np.isfinite(y), np.exp2(inverse.reshape(-1)), np.nan)
    assert same(statistic(x, ranks).value, statistic(x, y).value)


@every_statistic
@given(columns=cells(any_value, any_value))
def test_a_negated_score_negates_the_result(statistic, columns):
    x, y = columns
    assert same(statistic(-x, y).value, -statistic(x, y).value)
    assert repr(statistic(x, y, direction="min")) == repr(statistic(-x, y))


# partial tau


@given(cells(any_value, any_value, any_value, max_size=12))
def test_partial_kendall_is_the_partial_correlation_of_pair_signs(columns):
    ours = partial_kendall(*columns)
    x, y, z = complete(*columns)
    assert ours.n == len(x)
    assert ours.n_missing == len(columns[0]) - len(x)
    signs = [np.sign(np.subtract.outer(v, v)).ravel() for v in (x, y, z)]
    if not all(s.any() for s in signs):
        assert math.isnan(ours.value)
        return
    sx, sy, sz = signs
    rx, ry = (s - sz * (s @ sz) / (sz @ sz) for s in (sx, sy))
    if min(rx @ rx, ry @ ry) < 1e-9:
        assert math.isnan(ours.value)
        assert "held fixed determines" in ours.reason
    else:
        assert ours.value == pytest.approx((rx @ ry) / math.sqrt((rx @ rx) * (ry @ ry)), abs=1e-9)


def test_partial_kendall_gives_a_reason():
    x, y = [1, 2, 3, 4], [1, 3, 2, 4]
    assert partial_kendall(x, y, x).reason == "the variable held fixed determines the score"
    assert partial_kendall(x, y, [4, 3, 2, 1]).reason.endswith("determines the score")
    assert partial_kendall(x, y, [4, 2, 3, 1]).reason.endswith("determines the truth")
    assert partial_kendall(x, y, [1, 1, 1, 1]).reason == "the variable held fixed is constant"
    assert partial_kendall(x, y, [math.nan] * 3 + [1]).n_missing == 3
    assert partial_kendall([], [], []).reason.startswith("0 cells")


def test_partial_kendall_of_a_common_cause():
    rng = np.random.default_rng(0)
    z = rng.normal(size=4000)
    x, y = z + rng.normal(size=(2, 4000))
    plain, partial = kendall(x, y).value, partial_kendall(x, y, z).value
    assert partial < plain / 2
    assert partial_kendall(x, y, z, direction="min").value == pytest.approx(-partial)


# bad input


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: kendall([1, 2], [1, 2, 3]), "The score has 2 cells and the truth 3"),
        (lambda: kendall([1, 2, 3], [1, 2]), "The score has 3 cells and the truth 2"),
        (lambda: kendall([[1, 2]], [[1, 2]]), r"The score has shape \(1, 2\)"),
        (lambda: kendall(1, 2), r"The score has shape \(\)"),
        (lambda: kendall(["a", "b"], [1, 2]), "The score holds text"),
        (lambda: kendall([1, 2], [[1], [2, 3]]), "The truth is not an array of numbers"),
        (lambda: kendall([1, 2], [1, 2], direction="none"), "'none' is no direction"),
        (lambda: top_k([1, 2], 0), "best cells is a whole number of 1 or more, not 0"),
        (lambda: top_k_kendall([1, 2], [1, 2], -1), "whole number of 1 or more, not -1"),
        (lambda: top_k([1, 2, 3], 1.5), "whole number of 1 or more, not 1.5"),
        (lambda: partial_kendall([1, 2], [1, 2], [1]), "The variable held fixed has 1 cells"),
        (lambda: noise_ceiling([[1], [2]]), "The values hold 1 seed"),
        (lambda: noise_ceiling([1, 2]), "two axes are needed"),
        (lambda: noise_ceiling(np.zeros((2, 2, 2))), "two axes are needed"),
        (lambda: noise_ceiling([[1, 2]], 0), "best cells is a whole number of 1 or more, not 0"),
    ],
)
def test_bad_input_is_answered_by_a_sentence(call, sentence):
    with pytest.raises(UserError, match=sentence):
        call()


@pytest.mark.parametrize("statistic", [kendall, weighted_kendall, spearman, top_k_kendall])
def test_the_direction_is_said_by_name(statistic):
    x = [1.0, 2.0, 3.0]
    with pytest.raises(TypeError, match="positional"):
        statistic(x, x, *([2] if statistic is top_k_kendall else []), "min")
    with pytest.raises(TypeError, match="positional"):
        partial_kendall(x, x, [1, 3, 2], "min")


def test_none_is_missing():
    assert kendall([1, None, 3], [1, 2, 3]).n_missing == 1


def test_a_direction_only_negates():
    largest = np.finfo(float).max
    negated = kendall([largest, 1, 2], [1, 2, 3], direction="min")
    assert (negated.n_missing, negated.value) == (0, pytest.approx(1 / 3))


def test_the_public_names_exist():
    assert sorted(stats.__all__) == stats.__all__
    assert all(hasattr(stats, name) for name in stats.__all__)


def test_importing_stats_imports_neither_numba_nor_torch():
    code = (
        "import sys, benchsuite.stats; print([m for m in ('numba', 'torch') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_a_result_stays_what_it_is():
    found = kendall([1, 2, 3], [1, 3, 2])
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.value = 1.0
