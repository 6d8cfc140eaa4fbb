"""Order under rounding: ties are found, differences kept, and noise of 1e-15 changes nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata
from search_tables import column, table

from benchsuite.numerics import ties
from benchsuite.proxies._scoring.ranks import rank_sum
from benchsuite.search._hyperband import brackets
from benchsuite.search._pruning import Rules, Term, prune, ranks, relative
from benchsuite.simulation.problem import prepare
from benchsuite.simulation.search import Budget, ExhaustedError, Search
from benchsuite.simulation.setting import Setting
from benchsuite.space.cell import N_CELLS
from benchsuite.stats.pareto import non_dominated
from benchsuite.table.columns import accuracy_column
from benchsuite.table.table import Table, Values

numbers = st.integers(-50, 50).map(lambda n: n * 1.7e3)


def noisy(values, seed):
    x = np.asarray(values, dtype=float)
    return x * (1 + 1e-15 * np.random.default_rng(seed).uniform(-1, 1, x.shape))


@given(st.lists(numbers | st.just(np.nan), max_size=40), st.integers(0, 99))
def test_noise_moves_no_level_no_pick_and_no_bound(values, seed):
    x, off = np.array(values, dtype=float), noisy(values, seed)
    exact = np.unique(x, return_inverse=True)[1] if len(x) else np.zeros(0)
    assert ties.levels(off).tolist() == ties.levels(x).tolist() == exact.tolist()
    merged = ties.merged(off)
    np.testing.assert_allclose(merged, x, rtol=1e-14)
    assert len(np.unique(merged)) == len(np.unique(x))
    if np.isfinite(x).any():
        assert ties.argmin(off) == np.nanargmin(x)
        assert ties.argmax(off) == np.nanargmax(x)
        assert (ties.at_most(off, np.nanmedian(x)) == (x <= np.nanmedian(x))).all()


def test_whole_numbers_up_to_a_billion_are_told_apart():
    x = np.array([1_000_000_000, 999_999_999, 1_000_000_000], dtype=float)
    assert ties.levels(x).tolist() == [1, 0, 1]
    assert ties.merged(x).tolist() == x.tolist()
    assert ties.at_most(x, 999_999_999).tolist() == [False, True, False]


def test_size_is_that_of_the_operands():
    """1e8 + 1e-8 - 1e8 is zero; the same number by itself is not."""
    differences = np.array([1e-8, 0.0, -1e-8, 5.0])
    assert ties.levels(differences).tolist() == [2, 1, 0, 3]
    assert ties.levels(differences, size=1e8).tolist() == [0, 0, 0, 1]
    assert ties.argmax(differences[:3], size=1e8) == 0


def test_infinities_and_missing_values():
    x = np.array([np.nan, np.inf, -np.inf, 1.0, np.inf, np.nan])
    assert ties.levels(x).tolist() == [3, 2, 0, 1, 2, 3]
    np.testing.assert_array_equal(ties.merged(x), x)
    assert ties.argmin(x) == 2
    assert ties.argmax(x) == 1
    assert ties.less(-np.inf, 0)
    assert not ties.less(np.nan, 1)
    assert not ties.less(1, 1 + 1e-15)
    assert ties.less(1, 1 + 1e-9)
    with pytest.raises(ValueError, match="no least"):
        ties.argmin([np.nan])


@given(st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=30), st.integers(0, 99))
def test_a_front_does_not_depend_on_noise(points, seed):
    assert (non_dominated(noisy(points, seed)) == non_dominated(points)).all()


def test_a_cost_that_nothing_left_has_prunes_nothing():
    """Sums of 1e8 with errors of 1e-8: every Delta is zero, so operators go in their order."""

    def error(seed):
        rng = np.random.default_rng(seed)
        return lambda left: 1e8 + 1e-8 * rng.uniform(-1, 1)

    terms = [[Term(relative(error(seed), "it"), -1, 1.0)] for seed in range(10)]
    found = [prune(of, Rules(none=True)) for of in terms]
    assert all((left == found[0]).all() for left in found)
    assert found[0].argmax(axis=1).tolist() == [4] * 6


def test_tied_candidates_stand_by_operator_then_by_edge():
    values, ops = np.array([1e-17, 0.0, -1e-17, 2.0]), np.array([3, 1, 3, 0])
    assert ranks(values, ops, "positional").tolist() == [1, 0, 2, 3]
    assert ranks(values, ops).tolist() == [0, 0, 0, 1]


def test_columns_of_a_table_hold_no_ties_that_rounding_broke():
    """91.1 + 91.3 and 91.2 + 91.2 have one mean."""
    rng = np.random.default_rng(0)
    tenths = rng.integers(850, 950, size=(3, N_CELLS))
    means = (tenths / 10 / 3).sum(axis=0)
    exact = tenths.sum(axis=0)
    assert len(np.unique(means)) > len(np.unique(exact))
    about = accuracy_column("cifar10", "test", 200, "mean", "nb201-v1_0", "tests")
    kept = Table.empty().with_columns([Values(about, means)]).values(about.name)
    assert (rankdata(kept) == rankdata(exact)).all()
    np.testing.assert_allclose(kept, means, rtol=1e-14)


def test_counts_and_single_precision_stay_as_they_are():
    counts = np.arange(N_CELLS) + 10**15
    single = np.float32(1) + np.arange(N_CELLS, dtype=np.float32) * np.float32(2**-23)
    table = Table.empty().with_columns(
        [Values(column("flops", "cost"), counts), Values(column("zen", "proxy"), single)]
    )
    assert (table.values("flops") == counts).all()
    assert (table.values("zen") == single).all()


@pytest.mark.parametrize("log", [False, True])
def test_rank_sums_tie_where_their_terms_do(log):
    """2 x 6 = 3 x 4 and 2 + 7 = 4 + 5: in the order of any cell and of any term."""
    columns = np.array([[1.0, 2, 3, 4, 5, 6, 7], [7.0, 6, 4, 3, 5, 2, 1], [1.0, 2, 3, 4, 5, 6, 7]])
    exact = (rankdata(columns, axis=1).prod if log else rankdata(columns, axis=1).sum)(axis=0)
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2]):
        found = rank_sum(columns[order], np.ones(7, dtype=bool), log=log)
        assert (rankdata(found) == rankdata(exact)).all()


def test_a_budget_that_the_costs_add_up_to_is_enough():
    """UDC's 400 steps of 252.72 s add up to a little more than its 28.08 hours."""
    budget, step = 28.08 * 3600, 28.08 * 3600 / 400
    assert np.cumsum(np.full(400, step))[-1] > budget
    search = Search(prepare(table(), Setting()), Budget(budget))
    for _ in range(400):
        search.stated("a step", 0.0, seconds=step)
    with pytest.raises(ExhaustedError):
        search.stated("a step", 0.0, seconds=1e-3)


def test_rungs_are_whole_parts():
    """49 x 7^-2 is 0.9999999999999999."""
    for eta in range(2, 60):
        widest = next(brackets(1, eta**3, eta))
        assert widest == [eta**3, eta**2, eta, 1]
