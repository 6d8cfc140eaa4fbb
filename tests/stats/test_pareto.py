"""Non-dominated sets and hypervolumes against definitions and an exact grid decomposition."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchsuite.errors import UserError
from benchsuite.stats.pareto import (
    attained,
    dominated,
    hypervolume,
    non_dominated,
    reference,
    sorted_front,
)


def points(m, most=9):
    """Points on a coarse grid, so that ties and duplicates are common."""
    sizes = st.integers(0, most)
    return sizes.flatmap(
        lambda n: arrays(np.float64, (n, m), elements=st.integers(-4, 4).map(float))
    )


def dominates(a, b):
    return all(x <= y for x, y in zip(a, b, strict=True)) and any(
        x < y for x, y in zip(a, b, strict=True)
    )


def grid_volume(p, r):
    """Sum the boxes of the grid spanned by all coordinates whose lower corner is dominated."""
    p = [x for x in p.tolist() if all(a < b for a, b in zip(x, r, strict=True))]
    axes = [sorted({x[i] for x in p} | {r[i]}) for i in range(len(r))]
    total = 0.0
    for corner in itertools.product(*[range(len(axis) - 1) for axis in axes]):
        low = [axis[i] for axis, i in zip(axes, corner, strict=True)]
        if any(all(a <= b for a, b in zip(x, low, strict=True)) for x in p):
            edges = [axis[i + 1] - axis[i] for axis, i in zip(axes, corner, strict=True)]
            total += float(np.prod(edges))
    return total


@settings(deadline=None)
@given(st.integers(1, 6).flatmap(points))
def test_non_dominated_is_the_definition(p):
    expected = [not any(dominates(other, one) for other in p) for one in p]
    assert non_dominated(p).tolist() == expected


@given(st.integers(1, 4).flatmap(lambda m: st.tuples(points(m), points(m))))
def test_dominated_is_the_definition(sets):
    those, by = sets
    expected = [any(dominates(other, one) for other in by) for one in those]
    assert dominated(those, by).tolist() == expected


@given(points(2))
def test_a_sorted_front_is_the_front_by_its_first_objective_once_each(p):
    front = sorted_front(p)
    assert p[front].tolist() == np.unique(p[non_dominated(p)], axis=0).tolist()
    assert all(at == (p == p[at]).all(axis=1).argmax() for at in front)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6).flatmap(lambda m: points(m, 7 if m < 4 else 4)))
def test_hypervolume_is_the_grid_decomposition(p):
    r = [2.5, 3.0, 4.0, 1.0, 3.5, 2.0][: p.shape[1]]
    assert hypervolume(p, r) == pytest.approx(grid_volume(p, r))


@settings(max_examples=50, deadline=None)
@given(points(3), st.randoms())
def test_order_duplicates_and_dominated_points_change_nothing(p, random):
    r = np.full(3, 5.0)
    shuffled = list(range(len(p))) * 2
    random.shuffle(shuffled)
    assert hypervolume(p[shuffled], r) == pytest.approx(hypervolume(p, r))
    assert hypervolume(p[non_dominated(p)], r) == pytest.approx(hypervolume(p, r))


def test_what_no_point_attains_is_missing():
    assert attained([[2.0, 5.0], [4.0, 1.0]], [1, 2, 3, 9]).tolist()[1:] == [5, 5, 1]
    assert np.isnan(attained([[2.0, 5.0]], [1.0])).all()
    assert np.isnan(attained(np.empty((0, 2)), [1.0, 2.0])).all()  # a seed that found nothing


def test_hypervolume_by_hand():
    assert hypervolume([[1, 3], [2, 1]], [4, 4]) == 1 * 3 + 2 * 2
    assert hypervolume([[0, 0, 0]], [2, 3, 4]) == 24
    assert hypervolume([[5, 5]], [4, 4]) == 0
    assert hypervolume(np.empty((0, 2)), [1, 1]) == 0


def test_hypervolume_agrees_with_sampling_on_many_points():
    rng = np.random.default_rng(0)
    p = rng.random((60, 3))
    drawn = rng.random((40_000, 3)) * 1.1
    inside = (p[None, :, :] <= drawn[:, None, :]).all(axis=2).any(axis=1).mean()
    assert hypervolume(p, [1.1] * 3) == pytest.approx(inside * 1.1**3, abs=0.02)


def test_reference_is_the_nadir_plus_a_tenth():
    one, two = [[0.0, 10.0], [1.0, 5.0]], [[2.0, 0.0], [9.0, 9.0]]
    np.testing.assert_allclose(reference(one, two), [2.2, 11.0])
    np.testing.assert_allclose(reference([[3.0, 0.0]]), [3.3, 0.1])


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda: non_dominated([1.0, 2.0]), "N, M"),
        (lambda: non_dominated([[1.0, np.nan]]), "missing or infinite"),
        (lambda: hypervolume([[1.0, 2.0]], [1.0, 2.0, 3.0]), "have 2, the reference 3"),
        (lambda: hypervolume([[1.0, 2.0]], 3.0), "have 2, the reference 1"),
        (lambda: hypervolume([[1.0, 2.0]], [np.inf, 1.0]), "not finite"),
        (lambda: reference(np.empty((0, 2))), "at least one point"),
    ],
)
def test_what_has_no_answer_is_refused(call, hint):
    with pytest.raises(UserError, match=hint):
        call()
