"""Bootstrap: every value is scipy's tau-b of the resample written out, whatever computes it."""

import dataclasses
import functools
import math
import warnings

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchsuite.errors import UserError
from benchsuite.stats import (
    Bootstrap,
    bootstrap,
    fenwick,
    kendall,
    kendall_bootstrap,
    paired_kendall_test,
    spearman,
    top_k_kendall,
    weighted_kendall,
)
from benchsuite.stats import resampling as _bootstrap
from benchsuite.stats.fenwick import LANES, narrow, pair_counts

value = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e6, 1e6), st.just(math.nan))


def written_out(n, seed, resamples):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, n, n) for _ in range(resamples)]


def scipys_tau(x, y):
    keep = np.isfinite(x) & np.isfinite(y)
    if keep.sum() < 2:
        return math.nan
    with warnings.catch_warnings(action="ignore"):
        return scipy.stats.kendalltau(x[keep], y[keep]).statistic


@given(
    st.integers(1, 25).flatmap(
        lambda n: st.tuples(
            arrays(float, (2, n), elements=value), arrays(float, (2, n), elements=value)
        )
    ),
    st.integers(0, 2**32),
)
@settings(deadline=None, max_examples=60)
def test_kendall_bootstrap_is_scipy_on_the_resample(columns, seed):
    scores, truths = columns
    rng = np.random.default_rng(seed)
    result = kendall_bootstrap(scores, truths, rng, resamples=5, directions=["max", "min"])
    for r, i in enumerate(written_out(scores.shape[1], seed, 5)):
        for p, sign in enumerate((1, -1)):
            for t in range(2):
                theirs = scipys_tau(sign * scores[p][i], truths[t][i])
                np.testing.assert_array_equal(result.samples[p, t, r], theirs)
                whole = kendall(scores[p], truths[t], direction=("max", "min")[p]).value
                np.testing.assert_array_equal(result.value[p, t], whole)


def correlated(n, seed=0, ties=1):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    x, y = np.round(z + rng.normal(size=(2, n)), ties)
    return x, y


@pytest.mark.parametrize("ties", [0, 1, 9])
def test_kendall_bootstrap_of_many_cells(ties):
    x, y = correlated(3000, ties=ties)
    x[::7] = np.nan
    samples = kendall_bootstrap([x], [y], np.random.default_rng(5), resamples=3).samples
    theirs = [scipys_tau(x[i], y[i]) for i in written_out(3000, 5, 3)]
    assert samples[0, 0].tolist() == theirs


@pytest.mark.parametrize("resamples", [1, fenwick.LANES - 1, fenwick.LANES, 150])
def test_the_number_of_threads_changes_nothing(resamples):
    x, y = correlated(200)
    results = [
        kendall_bootstrap(
            [x, y], [y, x, -x], np.random.default_rng(1), resamples=resamples, threads=k
        )
        for k in (1, 4)
    ]
    assert results[0].samples.shape == (2, 3, resamples)
    np.testing.assert_array_equal(results[0].samples, results[1].samples)


def test_resamples_do_not_depend_on_what_is_computed_in_them():
    x, y = correlated(100)
    run = functools.partial(kendall_bootstrap, resamples=70)
    both = run([y, x], [x, y], np.random.default_rng(3)).samples[1, 1]
    alone = run([x], [y], np.random.default_rng(3)).samples[0, 0]
    slow = bootstrap(kendall, x, y, np.random.default_rng(3), resamples=70).samples
    np.testing.assert_array_equal(both, alone)
    np.testing.assert_array_equal(both, slow)


@pytest.mark.parametrize(
    "statistic", [weighted_kendall, spearman, functools.partial(top_k_kendall, k=20)]
)
def test_bootstrap_of_any_statistic(statistic):
    x, y = correlated(100)
    result = bootstrap(statistic, x, y, np.random.default_rng(3), resamples=9)
    assert result.value == statistic(x, y).value
    expected = [statistic(x[i], y[i]).value for i in written_out(100, 3, 9)]
    assert result.samples.tolist() == expected


def test_interval_is_the_percentile_interval():
    samples = np.array([[3.0, 1, 2, 5, 4], [1, np.nan, 3, np.nan, 2], [np.nan] * 5, [1.0] * 5])
    result = Bootstrap(np.zeros(4), np.repeat(samples, 41, axis=1), np.array([20, 20, 20, 19]))
    low, high = result.interval(0.5)
    np.testing.assert_array_equal(low, [2, 1, np.nan, np.nan])
    np.testing.assert_array_equal(high, [4, 3, np.nan, np.nan])
    assert result.n_undefined.tolist() == [0, 82, 205, 0]


def test_groups_are_drawn_whole():
    rng = np.random.default_rng(4)
    label = np.repeat([7, 3, 11, 5], [4, 9, 2, 6])
    label = label[rng.permutation(len(label))]
    x, y = rng.normal(size=(2, len(label)))
    x[2] = np.nan
    result = kendall_bootstrap([x], [y], np.random.default_rng(0), groups=label, resamples=80)
    draws = np.random.default_rng(0)
    for sample in result.samples[0, 0]:
        groups = np.unique(label)[draws.integers(0, 4, 4)]
        cells = np.concatenate([np.flatnonzero(label == group) for group in groups])
        expected = kendall(x[cells], y[cells]).value
        assert sample == pytest.approx(expected, nan_ok=True, abs=1e-12)
    alone = kendall_bootstrap([x], [y], np.random.default_rng(0), groups=np.arange(len(label)))
    plain = kendall_bootstrap([x], [y], np.random.default_rng(0))
    np.testing.assert_array_equal(alone.samples, plain.samples)
    with pytest.raises(UserError, match="one per cell"):
        kendall_bootstrap([x], [y], np.random.default_rng(0), groups=[1, 2])


def test_copies_of_cells_do_not_sharpen_a_grouped_interval():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 60))
    label = np.tile(np.arange(60), 5)
    many = kendall_bootstrap(
        [np.tile(x, 5)], [np.tile(y, 5)], np.random.default_rng(0), groups=label
    ).interval()
    once = kendall_bootstrap([x], [y], np.random.default_rng(0)).interval()
    np.testing.assert_allclose(many, once, atol=0.01)


def test_interval_agrees_with_scipys_bootstrap():
    """Two independent sets of 1,000 resamples; their ends differ by chance alone."""
    x, y = correlated(300)
    low, high = kendall_bootstrap([x], [y], np.random.default_rng(0)).interval(0.9)
    theirs = scipy.stats.bootstrap(
        (x, y),
        scipys_tau,
        paired=True,
        vectorized=False,
        n_resamples=1000,
        confidence_level=0.9,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert [low.item(), high.item()] == pytest.approx(theirs, abs=0.1 * (theirs[1] - theirs[0]))


def test_the_interval_covers_the_tau_of_the_population():
    """A normal population of correlation .5 has tau 1/3; 90 % intervals, 100 samples of 150."""
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(100):
        z = rng.normal(size=150)
        x, y = z + rng.normal(size=(2, 150))
        low, high = kendall_bootstrap([x], [y], rng, resamples=200).interval(0.9)
        inside += low.item() <= 1 / 3 <= high.item()
    assert 80 <= inside <= 97


def test_undefined_resamples_are_counted():
    result = kendall_bootstrap([[1, 2]], [[3, 5]], np.random.default_rng(0), resamples=200)
    assert set(result.samples[~np.isnan(result.samples)]) == {1.0}
    assert 60 < result.n_undefined.item() < 140


@pytest.mark.parametrize("n", [0, 1])
def test_no_cells_and_one_cell(n):
    result = kendall_bootstrap(np.ones((2, n)), np.ones((1, n)), np.random.default_rng(0))
    assert np.isnan(result.samples).all()
    assert np.isnan(result.interval()).all()
    slow = bootstrap(spearman, np.ones(n), np.ones(n), np.random.default_rng(0), resamples=3)
    assert result.units.tolist() == [[n], [n]]
    assert np.isnan(slow.samples).all()


def test_paired_test_tells_a_better_score():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=400)
    good, bad = truth + rng.normal(size=400), truth + 3 * rng.normal(size=400)
    good[:5], truth[-3:] = np.nan, np.inf
    result = paired_kendall_test(good, bad, truth, rng, resamples=500)
    used = slice(5, -3)
    difference = kendall(good[used], truth[used]).value - kendall(bad[used], truth[used]).value
    assert result.difference == difference
    assert 0 < result.low < difference < result.high
    assert result.p == 2 / 501
    assert (result.n, result.n_missing, result.n_undefined) == (392, 8, 0)
    mirrored = paired_kendall_test(
        -bad, good, truth, np.random.default_rng(0), direction_a="min", resamples=500
    )
    assert mirrored.difference == -difference
    assert mirrored.p == 2 / 501


@pytest.mark.parametrize(("seed", "level"), [(0, 0.8), (1, 0.5), (2, 0.95)])
def test_paired_test_is_its_definition(seed, level):
    """A truth that few cells differ in: some resamples have no tau, some differences are zero."""
    a, b, y = np.random.default_rng(seed).integers(0, 3, (3, 26)).astype(float)
    y[3:], y[:3], a[5] = 0, (0, 1, 2), np.nan
    result = paired_kendall_test(
        a, b, y, np.random.default_rng(5), direction_b="min", resamples=300, level=level
    )
    a, b, y = (np.delete(column, 5) for column in (a, -b, y))
    drawn = written_out(25, 5, 300)
    differences = np.array([scipys_tau(a[i], y[i]) - scipys_tau(b[i], y[i]) for i in drawn])
    differences = differences[~np.isnan(differences)]
    assert 0 < result.n_undefined == 300 - len(differences)
    sides = (differences <= 0).sum(), (differences >= 0).sum()
    assert result.p == min(1, 2 * (1 + min(sides)) / (len(differences) + 1))
    ends = np.quantile(differences, [(1 - level) / 2, (1 + level) / 2])
    np.testing.assert_allclose([result.low, result.high], ends, atol=1e-12)
    assert result.level == level
    assert (result.n, result.n_missing, result.reason) == (25, 1, None)


def test_defaults():
    x, y = correlated(20)
    result = kendall_bootstrap([x], [y], np.random.default_rng(0))
    assert result.samples.shape == (1, 1, 1000)
    np.testing.assert_array_equal(result.interval(), result.interval(0.95))
    assert bootstrap(spearman, x, y, np.random.default_rng(0)).samples.shape == (200,)
    paired = paired_kendall_test(x, -x, y, np.random.default_rng(0))
    assert paired == paired_kendall_test(
        x, -x, y, np.random.default_rng(0), resamples=1000, level=0.95
    )


def test_no_rounding_leads_out_of_range():
    for n in range(2, 40):
        x = np.arange(n)
        samples = kendall_bootstrap([x, -x], [x], np.random.default_rng(0), resamples=20).samples
        assert not (abs(samples) > 1).any()
        defined = samples[0][~np.isnan(samples[0])]
        np.testing.assert_allclose(defined, 1)


def test_results_cannot_change():
    x, y = correlated(9)
    for result in (
        kendall_bootstrap([x], [y], np.random.default_rng(0), resamples=1),
        paired_kendall_test(x, x, y, np.random.default_rng(0), resamples=200),
    ):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(result, dataclasses.fields(result)[0].name, None)


def test_paired_test_of_a_score_with_itself():
    x, y = correlated(50)
    result = paired_kendall_test(x, x**3, y, np.random.default_rng(0), resamples=200)
    assert (result.difference, result.low, result.high, result.p) == (0, 0, 0, 1)


def test_paired_p_is_uniform_when_the_scores_are_equally_good():
    rng = np.random.default_rng(0)
    p = []
    for _ in range(120):
        truth = rng.normal(size=120)
        a, b = truth + rng.normal(size=(2, 120))
        p.append(paired_kendall_test(a, b, truth, rng, resamples=200).p)
    assert scipy.stats.kstest(p, "uniform").pvalue > 0.001


def test_paired_test_without_a_tau():
    result = paired_kendall_test([1, 1, 1], [1, 2, 3], [1, 2, 3], np.random.default_rng(0))
    assert result.reason == "the score is constant"
    assert math.isnan(result.p)
    assert math.isnan(result.difference)
    assert result.n_undefined == 1000


@pytest.mark.parametrize(
    ("arguments", "options", "sentence"),
    [
        (([[1, 2]], [[1, 2, 3]]), {}, "The scores have 2 cells, the truths 3"),
        (([[1, 2, 3]], [[1, 2]]), {}, "The scores have 3 cells, the truths 2"),
        (([[1, 2]], [[1, 2]]), {"groups": [1, 2, 3]}, r"2 cells and groups of shape \(3,\)"),
        (([1, 2], [[1, 2]]), {}, r"The scores have shape \(2,\)"),
        (([[1, 2]], [1, 2]), {}, r"The truths have shape \(2,\)"),
        (([[1, 2]], [[1, 2]]), {"directions": ["max", "min"]}, "1 scores and 2 directions"),
        (([[1, 2]], [[1, 2]]), {"directions": "up"}, "'up' is no direction"),
        (([[1, 2]], [[1, 2]]), {"resamples": 0}, "resamples is a whole number of 1 or more, not 0"),
        (([[1, 2]], [[1, 2]]), {"threads": 0}, "threads is a whole number of 1 or more, not 0"),
        (([[1, 2]], [[1, 2]]), {"resamples": 250.5}, "whole number of 1 or more, not 250.5"),
        (([[1, 2]], [[1, 2]]), {"threads": "2"}, "whole number of 1 or more, not '2'"),
    ],
)
def test_bad_input_is_answered_by_a_sentence(arguments, options, sentence):
    with pytest.raises(UserError, match=sentence):
        kendall_bootstrap(*arguments, np.random.default_rng(0), **options)


def test_more_bad_input():
    rng = np.random.default_rng(0)
    with pytest.raises(UserError, match="whole number of 1 or more, not -1"):
        bootstrap(kendall, [1, 2], [1, 2], rng, resamples=-1)
    with pytest.raises(UserError, match="The second score has 3 cells and the truth 2"):
        paired_kendall_test([1, 2], [1, 2, 3], [1, 2], rng)
    for level in (-0.5, 0, 1, 95):
        with pytest.raises(UserError, match=f"A level of {level} was asked for"):
            Bootstrap(np.array(0.0), np.zeros(300), np.array(30)).interval(level)


@pytest.mark.parametrize(
    ("call", "values"), [(kendall_bootstrap, [[1, 2]]), (paired_kendall_test, [1, 2])]
)
def test_options_are_said_by_name(call, values):
    columns = [values] * (3 if call is paired_kendall_test else 2)
    with pytest.raises(TypeError, match="positional"):
        call(*columns, np.random.default_rng(0), "max")
    with pytest.raises(TypeError, match="positional"):
        bootstrap(kendall, [1, 2], [1, 2], np.random.default_rng(0), 3)


def test_nothing_is_drawn_from_the_global_generator():
    x, y = correlated(30)
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    kendall_bootstrap([x], [y], np.random.default_rng(0), resamples=3)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_a_kernel_without_a_cache_folder_is_compiled_all_the_same(monkeypatch):
    import numba

    def njit(**options):
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: (function, options)

    monkeypatch.setattr(numba, "njit", njit)
    assert fenwick.compiled(abs) == (abs, {"nogil": True})


def test_the_compiled_kernel_does_what_its_source_says():
    """The same kernel run by the interpreter: shows the branches to coverage, too."""
    x, y = correlated(40, ties=0)
    plan = _bootstrap._Plan.of(x, y)
    weights = np.random.default_rng(0).integers(0, 3, (40, fenwick.LANES), dtype=np.int32)
    compiled = fenwick.pair_counts(plan.x, plan.y, plan.by_y, weights)
    interpreted = fenwick.pair_counts.py_func(plan.x, plan.y, plan.by_y, weights)
    np.testing.assert_array_equal(compiled, interpreted)


def test_multiplicities_are_narrow_only_where_no_sum_can_leave_16_bits():
    """At the largest sum of 16 bits both widths count the same; one more and the wide one stays."""
    rng = np.random.default_rng(0)
    n = 200
    x = np.sort(rng.integers(0, 50, n)).astype(np.int32)
    y = rng.integers(0, 50, n).astype(np.int32)
    order = np.lexsort((y, x))
    x, y = rank_of(x[order]), rank_of(y[order])
    by_y = np.argsort(y, kind="stable")
    wide = np.full((n, LANES), (2**15 - 1) // n, dtype=np.int32)
    wide[0] += 2**15 - 1 - wide.sum(axis=0)
    assert narrow(wide).dtype == np.int16
    counted = pair_counts(x, y, by_y, narrow(wide))
    np.testing.assert_array_equal(counted, pair_counts(x, y, by_y, wide))
    w = wide[:, 0].astype(object)
    less = (x[:, None] < x) & (y[:, None] > y)
    assert counted[1, 0] == (w[:, None] * w * less).sum()
    assert counted[0, 0] == (2**15 - 1) * (2**15 - 2) // 2
    wide[1] += 1
    assert narrow(wide).dtype == np.int32


def rank_of(values):
    return np.unique(values, return_inverse=True)[1].astype(np.int32)
