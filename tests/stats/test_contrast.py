"""Contrasts of means: against a plain loop over resampled groups, their cover, their refusals."""

import numpy as np
import pytest

from benchsuite.errors import UserError
from benchsuite.stats.contrast import mean_contrast


@pytest.fixture
def drawn():
    rng = np.random.default_rng(1)
    groups = rng.integers(0, 40, 300)
    one = rng.random(300) < 0.3
    return rng.normal(size=(2, 300)), one, ~one & (rng.random(300) < 0.8), groups


def test_against_a_loop_over_the_cells_of_every_drawn_group(drawn):
    values, one, other, groups = drawn
    found = mean_contrast(values, one, other, groups, np.random.default_rng(5), 200)
    expected = values[:, one].mean(axis=1) - values[:, other].mean(axis=1)
    assert found.value == pytest.approx(expected)
    rng, labels = np.random.default_rng(5), np.unique(groups)
    for r in range(20):
        picked = labels[rng.integers(0, len(labels), len(labels))]
        cells = np.concatenate([np.flatnonzero(groups == label) for label in picked])
        of_one, of_other = cells[one[cells]], cells[other[cells]]
        expected = values[:, of_one].mean(axis=1) - values[:, of_other].mean(axis=1)
        assert found.samples[:, r] == pytest.approx(expected)


def test_the_interval_covers_where_cells_of_a_group_are_alike():
    """Of groups that share their value and their set; as independent cells it would not cover."""
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(80), 6)
    one = groups < 40
    covered = alone = 0
    for _ in range(200):
        values = rng.normal(size=80)[groups][None] + 0.1 * rng.normal(size=(1, 480))
        low, high = mean_contrast(values, one, ~one, groups, rng, 200).interval()
        covered += bool(low[0] <= 0 <= high[0])
        low, high = mean_contrast(values, one, ~one, np.arange(480), rng, 200).interval()
        alone += bool(low[0] <= 0 <= high[0])
    assert covered >= 180
    assert alone < 150


def test_few_groups_have_no_interval(drawn):
    values, _, other, groups = drawn
    few = np.isin(groups, range(19)) & ~other
    found = mean_contrast(values, few, other, groups, np.random.default_rng(0), 200)
    assert found.units.tolist() == [19, 19]
    assert np.isnan(found.interval()[0]).all()
    nobody = np.zeros(300, dtype=bool)
    assert np.isnan(mean_contrast(values, nobody, other, groups, np.random.default_rng(0)).value[0])


def test_what_is_refused(drawn):
    values, one, other, groups = drawn
    rng = np.random.default_rng(0)
    with pytest.raises(
        UserError, match=r"have the shapes \(2, 300\), \(300,\), \(300,\), \(299,\)"
    ):
        mean_contrast(values, one, other, groups[1:], rng)
    with pytest.raises(UserError, match="of which some are missing"):
        mean_contrast(np.where(one, np.nan, values), one, other, groups, rng)
    with pytest.raises(UserError, match="too few for an interval"):
        mean_contrast(values, one, other, groups, rng, 100)
