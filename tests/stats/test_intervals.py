"""Intervals over seeds: that they cover, what they are, and where there is none."""

import importlib.util
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchsuite.replays.judgement import describe
from benchsuite.stats import intervals

DOCS = Path(__file__).parents[2] / "docs"
NORMAL, OTHER, SLACK = 0.94, 0.90, 2.0


@pytest.fixture(scope="module")
def simulation():
    spec = importlib.util.spec_from_file_location("intervals_of_docs", DOCS / "intervals.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _expected(name, n):
    """Return the least coverage that is promised of a population and n seeds or cells."""
    # Few cells at chance are in no sample, and six skewed ones say little of a tail.
    if "a random cell" in name or name.endswith("on lognormal"):
        return 0.85 if n >= 20 else 0.0
    plain = set(re.split(" - | on ", name)) == {"normal"} or name.startswith("correlation 0.")
    return NORMAL if plain and "three values" not in name else OTHER if n >= 20 else 0.0


def test_every_interval_of_the_table_covers(simulation):
    for rule, (_, _, names, repeats) in simulation.RULES.items():
        if rule.startswith("Not used"):
            continue
        rows = _rows_of(rule)
        assert rows.keys() == {"seeds or cells n", *map(str, names)}
        error = np.sqrt(0.95 * 0.05 / repeats) if repeats else 0.0
        for name in map(str, names):
            for n, cell in zip(simulation.SEEDS, rows[name], strict=True):
                if cell != "none":
                    least = _expected(name, n) - SLACK * error
                    assert float(cell.split()[0]) >= least, (rule, name, n)


@pytest.mark.parametrize(
    ("rule", "names", "seeds"),
    [
        ("Mean over seeds", ("lognormal", "60 % zeros, the rest exponential"), (3, 5, 20)),
        ("Difference of two means", ("normal - normal", "lognormal - normal"), (5, 20)),
        ("Mean over seeds that are judged by 6 cells", ("normal on normal",), (5, 20)),
        ("Proportion of seeds", (0.05, 0.8), (2, 20, 200)),
    ],
)
def test_cells_made_anew_are_those_of_the_table(simulation, rule, names, seeds):
    rows = _rows_of(rule)
    for name in names:
        for n in seeds:
            shown = rows[str(name)][simulation.SEEDS.index(n)]
            assert simulation.cell(rule, name, n) == shown


def _rows_of(rule):
    text = (DOCS / "intervals.md").read_text()
    part = text.partition(f"## {rule}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \|(.+)\|$", part, re.MULTILINE)
    return {name: [cell.strip() for cell in cells.split("|")] for name, cells in rows}


def test_the_mean_of_few_ties_and_tails_is_covered_anew():
    """As the table says it, with other random numbers: 4,000 samples of 20."""
    rng = np.random.default_rng(123)
    draws = {
        "normal": (rng.normal(size=(20, 4000)), 0.0, NORMAL),
        "lognormal": (rng.lognormal(size=(20, 4000)), np.exp(0.5), OTHER),
        "zeros": (rng.exponential(size=(20, 4000)) * (rng.random((20, 4000)) > 0.6), 0.4, OTHER),
    }
    for name, (x, truth, least) in draws.items():
        low, high = intervals.mean(x).interval()
        assert ((low <= truth) & (truth <= high)).mean() >= least, name


some = arrays(float, st.integers(5, 30), elements=st.floats(-50, 50, width=32))


@given(some, st.floats(0.1, 10), st.floats(-100, 100))
def test_an_interval_moves_with_its_values(x, scale, shift):
    found, moved = intervals.mean(x), intervals.mean(scale * x + shift)
    if found.n > 1 and np.ptp(x) > 1e-3:
        np.testing.assert_allclose(
            moved.interval(), scale * np.array(found.interval()) + shift, rtol=1e-6, atol=1e-6
        )
        low, high = found.interval()
        assert low < found.value < high
        np.testing.assert_allclose((-found).interval(), [-high, -low])


@given(some, st.floats(0.5, 0.99))
def test_p_is_the_level_at_which_the_interval_is_reached(x, level):
    found = intervals.mean(x)
    if found.n > 1:
        for end in found.interval(level):
            assert found.p_value(float(end)) == pytest.approx(1 - level, abs=1e-6)


def test_without_skewness_it_is_students_and_welchs():
    one, other = np.array([1.0, 2, 3, 4, 5, 6]), np.array([0.0, 4, 8, 12, 16])
    low, high = intervals.mean(one).interval()
    student = scipy.stats.ttest_1samp(one, 0).confidence_interval()
    assert (low, high) == pytest.approx(tuple(student))
    found = intervals.difference(one, other)
    welch = scipy.stats.ttest_ind(one, other, equal_var=False)
    assert found.interval() == pytest.approx(tuple(welch.confidence_interval()))
    assert found.p_value() == pytest.approx(welch.pvalue)


def test_a_skewed_interval_is_at_least_students():
    x = np.random.default_rng(0).lognormal(size=(12, 200))
    low, high = intervals.mean(x).interval()
    student = scipy.stats.ttest_1samp(x, 0).confidence_interval()
    assert (low <= student.low + 1e-12).all()
    assert (high >= student.high - 1e-12).all()
    assert (high > student.high + 1e-6).mean() > 0.9


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([], "no seed"),
        ([91.0], "one seed, or one answer of all"),
        ([91.0] * 30, "one seed, or one answer of all"),
        ([91.0, 92.0], "2 seeds"),
        ([91.0, 92.0, 93.0, 94.0], "4 seeds"),
        ([91.0, np.nan] * 10, "without a value"),
    ],
)
def test_where_there_is_no_interval_it_says_why(values, why):
    found = intervals.mean(values)
    assert why in found.reason
    assert np.isnan(found.interval()).all()
    assert np.isnan(found.p_value())
    other = intervals.difference(values, np.arange(30.0))
    assert other.reason is not None
    assert np.isnan(other.interval()).all()


def test_equal_sums_in_another_order_are_one_answer():
    values = [0.1 + 0.2, 0.3, 0.1 + 0.1 + 0.1] * 10
    assert len(set(values)) > 1
    assert intervals.mean(values).n == 1


@pytest.mark.parametrize("n", [0, 1, 5, 9])
def test_statistics_of_few_seeds_have_no_interval_of_their_middle(n):
    found = describe(np.arange(float(n)))
    assert found["n"] == n
    assert np.isnan([found["iqm_lo"], found["iqm_hi"]]).all()
    assert np.isnan([found["lo"], found["hi"]]).all() == (n < intervals.FOR_MEAN)


@given(st.integers(10, 40), st.integers(0, 9))
@settings(max_examples=10, deadline=None)
def test_the_middle_mean_lies_in_its_interval(n, seed):
    x = np.random.default_rng(seed).normal(size=n)
    value, low, high = intervals.middle_mean(x)
    assert value == pytest.approx(scipy.stats.trim_mean(x, 0.25))
    assert low < value < high
    assert intervals.middle_mean(np.ones(n))[1:] == pytest.approx((np.nan, np.nan), nan_ok=True)


@pytest.mark.parametrize(("count", "n"), [(0, 12), (12, 12), (3, 20), (19, 20), (1, 1)])
def test_proportions_are_those_of_scipy(count, n):
    exact = scipy.stats.binomtest(count, n).proportion_ci(0.95, "exact")
    assert intervals.proportion(count, n) == pytest.approx((count / n, exact.low, exact.high))
    for end in (exact.low, exact.high):
        if 0 < end < 1:
            assert intervals.proportion_p(count, n, end) == pytest.approx(0.05)


def test_a_mean_by_the_jackknife_is_the_mean():
    x = np.random.default_rng(1).lognormal(size=(6, 4))
    without = np.array([np.delete(x, at, axis=0).mean(axis=0) for at in range(6)])
    found, plain = intervals.jackknife(x.mean(axis=0), without), intervals.mean(x)
    np.testing.assert_allclose(found.interval(), plain.interval())


def test_errors_of_seeds_and_of_what_judges_them_add_up():
    rng = np.random.default_rng(2)
    seeds, basis = intervals.mean(rng.normal(size=30)), intervals.mean(rng.normal(size=6))
    both = intervals.together(seeds, basis)
    assert both.value == seeds.value
    assert both.n == 30
    assert both.error == pytest.approx(np.hypot(seeds.error, basis.error))
    assert both.lasting == pytest.approx(basis.error**2 / both.error**2)
    assert 5 < both.degrees < 35
    alone = intervals.together(seeds, intervals.jackknife(seeds.value, np.full(1, seeds.value)))
    np.testing.assert_allclose(alone.interval(), seeds.interval())
    assert alone.lasting == 0


def test_a_middle_mean_is_as_sure_as_what_judges_it():
    x = np.random.default_rng(3).normal(size=20)
    value, low, high = intervals.middle_mean(x)
    shifts = np.array([0.5, -0.5, 0.4, -0.4, 0.1, -0.1])[:, None]
    same, lower, higher = intervals.middle_mean(x, without=x + shifts)
    ends = intervals.jackknife(value, value + shifts[:, 0]).interval()
    assert same == value
    assert lower == pytest.approx(value - np.hypot(value - low, value - ends[0]))
    assert higher == pytest.approx(value + np.hypot(value - high, value - ends[1]))
    assert intervals.middle_mean(x, without=x[None]) == (value, low, high)


@pytest.mark.parametrize("some", [2, 3, 6])
def test_groups_that_say_nothing_are_not_counted(some):
    """A value of a few of six groups: its interval holds the mean that they were drawn about."""
    rng = np.random.default_rng(4)
    held = []
    for x in rng.normal(size=(2000, some)):
        without = [np.delete(x, at).mean() for at in range(some)] + [x.mean()] * (6 - some)
        found = intervals.jackknife(x.mean(), without)
        assert found.n == some
        assert found.degrees == some - 1
        both = intervals.together(intervals.mean(rng.normal(0, 0.01, 20)), found)
        low, high = both.interval()
        held.append(low + x.mean() <= 0 <= high + x.mean())
    assert np.mean(held) > 0.94


def test_a_value_that_rests_on_one_group_rests_on_two_of_which_one_is_missing():
    found = intervals.jackknife(1.0, [0.8, 1.0, 1.0])
    assert (found.n, found.degrees) == (2, 1)
    assert found.error == pytest.approx(0.2 / np.sqrt(2))
    assert np.isnan(intervals.jackknife(1.0, [np.nan, 1.0]).error)


def test_a_middle_mean_that_its_basis_does_not_move_keeps_its_interval():
    x = np.random.default_rng(5).normal(90, 1, 20)
    plain = intervals.middle_mean(x)
    assert intervals.middle_mean(x, without=np.tile(x, (6, 1))) == pytest.approx(plain)
    few = intervals.middle_mean(x, without=np.stack([x + 0.1, x - 0.1, x]))
    assert few[1] < plain[1] < plain[2] < few[2]


def test_a_seed_without_a_value_is_not_the_best_of_an_interquartile_mean():
    values = np.arange(20.0)
    values[[3, 7]] = np.nan
    assert np.isnan(intervals.middle_mean(values)).all()
    assert np.isnan(intervals.middle_mean(values[:9])).all()
