"""Rank correlations of few cells or few resamples: no interval, and why."""

import functools

import numpy as np
import pytest

from benchsuite.errors import UserError
from benchsuite.stats import (
    bootstrap,
    kendall_bootstrap,
    paired_kendall_test,
    spearman,
    top_k_kendall,
)
from benchsuite.stats.intervals import CELLS


def test_few_cells_or_groups_have_no_interval():
    """Two cells have tau 1 in every resample, which says nothing of a third."""
    rng = np.random.default_rng(0)
    for n in (2, CELLS - 1, CELLS):
        x = np.arange(n, dtype=float)
        y = x.copy()
        y[:2] = y[1::-1]
        found = kendall_bootstrap([x], [y], rng, resamples=200)
        slow = bootstrap(spearman, x, y, rng)
        paired = paired_kendall_test(x, -x, y, rng, resamples=200)
        assert (found.units.item(), slow.units.item()) == (n, n)
        assert np.isfinite(found.interval()).all() == np.isfinite(slow.interval()).all()
        assert np.isfinite(found.interval()).all() == np.isfinite(paired.p) == (n >= CELLS)
        assert (paired.reason is None) == (n >= CELLS)
    x, label = np.arange(60.0), np.repeat(np.arange(15), 4)
    for perfect in (x, x[:2]):
        found = kendall_bootstrap([perfect], [perfect], rng, resamples=200)
        assert found.value.item() == 1
        assert np.isnan(found.interval()).all()
    grouped = kendall_bootstrap([x], [x], rng, groups=label, resamples=200)
    assert grouped.units.item() == 15
    assert np.isnan(grouped.interval()).all()
    top = bootstrap(functools.partial(top_k_kendall, k=5), x, x, rng)
    assert np.isnan(top.interval()).all()


@pytest.mark.parametrize("resamples", [1, 199])
def test_few_resamples_are_refused(resamples):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 50))
    found = kendall_bootstrap([x], [y], rng, resamples=resamples)
    for interval in (
        found.interval,
        functools.partial(paired_kendall_test, x, y, y, rng, resamples=resamples),
    ):
        with pytest.raises(UserError, match=f"resamples = {resamples} is too few"):
            interval()
