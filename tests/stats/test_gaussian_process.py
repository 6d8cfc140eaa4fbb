"""Gaussian-process regression against refitting, finite differences and another implementation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from scipy.spatial.distance import cdist

from benchsuite.stats import gaussian_process as gp

HYPER = gp.Hyperparameters((0.7, 0.2), 1.5, 0.3, 0.05, 0.2)


def problem(seed: int, n: int = 40):
    rng = np.random.default_rng(seed)
    groups = [rng.normal(size=(n, 2)), rng.normal(size=(n, 1))]
    repetitions = rng.integers(1, 5, n).astype(float)
    return groups, repetitions, np.sin(groups[0][:, 0]) + 0.1 * rng.normal(size=n), rng


def test_squared_distances_are_those_of_scipy():
    points = np.random.default_rng(0).normal(size=(30, 4))
    expected = cdist(points, points, "sqeuclidean")
    np.testing.assert_allclose(gp.squared_distances(points), expected, atol=1e-12)


def test_covariance_is_the_formula_entry_by_entry():
    groups, repetitions, _, _ = problem(1, 6)
    covariance = gp.covariance(groups, repetitions, HYPER)
    for i in range(6):
        for j in range(6):
            d = sum(
                w * ((g[i] - g[j]) ** 2).sum() for w, g in zip(HYPER.weights, groups, strict=True)
            )
            r = np.sqrt(5 * d)
            expected = 1.5 * (1 + r + r * r / 3) * np.exp(-r) + 0.3
            if i == j:
                expected += 0.05 + 0.2 / repetitions[i]
            assert covariance[i, j] == pytest.approx(expected, abs=1e-6)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_leave_one_out_equals_regressing_without_each(seed):
    groups, repetitions, observed, _ = problem(seed)
    covariance = gp.covariance(groups, repetitions, HYPER)
    predicted = gp.leave_one_out(covariance, observed)
    for i in range(len(observed)):
        known = np.arange(len(observed)) != i
        weights = np.linalg.solve(covariance[np.ix_(known, known)], observed[known])
        assert predicted[i] == pytest.approx(covariance[i, known] @ weights, abs=1e-8)


def test_posterior_is_the_conditional_of_the_joint_normal():
    """By the precision matrix: the block of an inverse is the inverse of a conditional."""
    groups, repetitions, observed, _ = problem(4, 30)
    n = 22
    mean, spread = gp.posterior(groups, repetitions[:n], observed[:n], HYPER)
    joint = gp.covariance(groups, repetitions, HYPER)
    noise = HYPER.noise + HYPER.noise_per_repetition / repetitions + gp._JITTER
    joint[np.arange(n, 30), np.arange(n, 30)] -= noise[n:]
    joint[np.arange(n, 30), np.arange(n, 30)] += 1e-7  # the precision of the latent part exists
    precision = np.linalg.inv(joint)
    np.testing.assert_allclose(spread, np.linalg.inv(precision[n:, n:]), atol=1e-5)
    expected = -np.linalg.solve(precision[n:, n:], precision[n:, :n] @ observed[:n])
    np.testing.assert_allclose(mean, expected, atol=1e-5)


def test_draws_have_the_mean_and_covariance_they_are_drawn_from():
    groups, repetitions, observed, rng = problem(5, 12)
    mean, spread = gp.posterior(groups, repetitions[:8], observed[:8], HYPER)
    drawn = np.array([gp.draw(mean, spread, rng) for _ in range(20_000)])
    scale = np.sqrt(np.diag(spread).max())
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=0.03 * scale)
    np.testing.assert_allclose(np.cov(drawn.T), spread, atol=0.05 * scale**2)


def test_a_limit_keeps_hyperparameters_near_the_prior_where_the_data_say_nothing():
    groups, repetitions, _, _ = problem(6, 4)
    free = gp.fit(groups, repetitions, np.zeros(4), steps=50)
    kept = gp.fit(groups, repetitions, np.zeros(4), steps=50, limit=1.0)
    assert free.amplitude < np.exp(-1.01)
    assert kept.amplitude >= np.exp(-1) - 1e-12


def test_gradient_is_that_of_finite_differences():
    groups, repetitions, observed, rng = problem(2)
    distances = np.stack([gp.squared_distances(group) for group in groups])
    centre, logs = np.full(6, -1.0), rng.normal(size=6)
    arguments = (distances, repetitions, observed, centre)
    _, gradient = gp._negative_log_posterior(logs, *arguments)
    expected = approx_fprime(logs, lambda x: gp._negative_log_posterior(x, *arguments)[0], 1e-6)
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-4)


def test_fit_finds_which_group_matters():
    groups, repetitions, observed, _ = problem(3, 120)
    hyper = gp.fit(groups, repetitions, observed)
    assert hyper.weights[0] > 5 * hyper.weights[1]
    covariance = gp.covariance(groups, repetitions, hyper)
    residual = gp.leave_one_out(covariance, observed) - observed
    assert residual.var() < 0.15 * observed.var()


def test_a_covariance_that_is_none_is_refused():
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        gp.leave_one_out(-np.eye(3), np.ones(3))
