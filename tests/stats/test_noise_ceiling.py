"""The noise ceiling: every pair of seeds, the headline pair, and the mean that chooses the best."""

import dataclasses
import itertools
import math
import warnings

import numpy as np
import pytest

from benchsuite import stats
from benchsuite.stats import ceiling as _ceiling
from benchsuite.stats import kendall, noise_ceiling


def test_noise_ceiling_compares_each_pair_of_seeds():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(200, 1)) + 0.3 * rng.normal(size=(200, 3))
    values[150:, 0] = np.nan
    values[180:, 2] = np.inf
    ceiling = noise_ceiling(values)
    assert [pair.seeds for pair in ceiling.pairs] == [(0, 1), (0, 2), (1, 2)]
    for pair in ceiling.pairs:
        assert pair.tau == kendall(values[:, pair.seeds[0]], values[:, pair.seeds[1]])
    assert ceiling.headline.seeds == (1, 2)
    assert ceiling.headline.tau.n == 180
    top = noise_ceiling(values, 20)
    mean = np.nanmean(np.where(np.isfinite(values), values, np.nan), axis=1)
    chosen = np.argsort(-mean)[:20]
    assert top.headline == stats.SeedPair((1, 2), kendall(values[chosen, 1], values[chosen, 2]))
    assert (top.k, top.n_cells) == (20, 20)


def test_noise_ceiling_keeps_ties_of_the_mean():
    """In floating point 0.1 + 0.2 + 0.3 is not 0.3 + 0.2 + 0.1; the means are equal still."""
    values = np.array([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1], [0.0, 0.0, 0.0], [math.nan] * 3])
    for scale in (1, 1e-20, 1e20):
        assert noise_ceiling(scale * values, 1).n_cells == 2
    for difference, kept in ((4e-12, 1), (4e-13, 2)):
        assert noise_ceiling([[1, 1], [1 - difference] * 2], 1).n_cells == kept


@pytest.mark.parametrize("scale", [1e-20, 1, 1e20])
def test_the_mean_of_a_ceiling_is_over_the_seeds_a_cell_has(scale):
    rng = np.random.default_rng(0)
    values = np.where(rng.random((50, 3)) < 0.6, rng.normal(size=(50, 3)), np.nan)
    values[:3], values[3, :2] = np.nan, np.nan
    with warnings.catch_warnings(action="ignore"):
        expected = scale * np.nanmean(values, axis=1)
    np.testing.assert_allclose(_ceiling._mean(scale * values), expected, atol=1e-12 * scale * 3)
    assert _ceiling._mean(np.array([[1e15, math.nan], [0.3, 0.3]])).tolist() == [1e15, 0]


def test_the_headline_is_the_pair_that_most_cells_have():
    runs = [set(range(10)), set(range(5)), {*range(8), *range(10, 20)}, {0, *range(20, 40)}]
    for order in itertools.permutations(runs, 3):
        values = np.random.default_rng(0).normal(size=(40, 3))
        for seed, cells_run in enumerate(order):
            values[[cell for cell in range(40) if cell not in cells_run], seed] = np.nan
        ceiling = noise_ceiling(values)
        shared = [len(a & b) for a, b in itertools.combinations(order, 2)]
        assert [pair.tau.n for pair in ceiling.pairs] == shared
        assert ceiling.headline == ceiling.pairs[shared.index(max(shared))]


def test_results_cannot_change():
    ceiling = noise_ceiling([[1, 2], [2, 1]])
    for result in (ceiling, ceiling.headline, ceiling.headline.tau):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(result, dataclasses.fields(result)[0].name, None)


def test_noise_ceiling_of_nothing():
    empty = noise_ceiling(np.full((5, 2), np.nan), 3)
    assert empty.n_cells == 0
    assert math.isnan(empty.headline.tau.value)
    assert noise_ceiling(np.zeros((5, 2)), 3).n_cells == 5
