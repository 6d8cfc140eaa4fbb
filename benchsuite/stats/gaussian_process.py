"""Gaussian-process regression on grouped features: leave-one-out predictions, posterior draws.

The covariance of two points is `a * M(d) + b`, where `d` is the sum over feature groups of
`w_g * |x_g - x'_g|^2` and `M` is the Matern function of smoothness 5/2. An observation that is the
mean of `n` repetitions has the noise variance `s + t / n`.

Source: Rasmussen & Williams, "Gaussian Processes for Machine Learning", 2006: Matern covariance
(4.17), predictive distribution (2.23, 2.24), marginal likelihood (5.8) and its gradient (5.9),
leave-one-out (5.12).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize

Floats = NDArray[np.float64]

_JITTER = 1e-8
_DRAW_JITTER = 1e-6
_PRIOR_PRECISION = 0.02
_N_SCALARS = 4  # a, b, s, t


@dataclass(frozen=True)
class Hyperparameters:
    """Weights per feature group, amplitude a, bias b, and noise s + t / n; all above 0."""

    weights: tuple[float, ...]
    amplitude: float
    bias: float
    noise: float
    noise_per_repetition: float

    @classmethod
    def from_logs(cls, logs: Floats) -> Hyperparameters:
        """Return the hyperparameters whose logarithms are [groups + 4]: weights, a, b, s, t."""
        values = [float(value) for value in np.exp(logs)]
        return cls(tuple(values[:-_N_SCALARS]), *values[-_N_SCALARS:])


def covariance(groups: Sequence[Floats], repetitions: Floats, hyper: Hyperparameters) -> Floats:
    """Return the covariance [N, N] of N observations, noise included.

    groups: features [N, *] per group; repetitions: [N], how many values each observation averages.
    """
    scaled = np.hstack([np.sqrt(w) * g for w, g in zip(hyper.weights, groups, strict=True)])
    result = _matern(squared_distances(scaled))[0]
    result *= hyper.amplitude
    result += hyper.bias
    result[np.diag_indices_from(result)] += _noise(repetitions, hyper)
    return result


def leave_one_out(covariance: Floats, observed: Floats) -> Floats:
    """Return what all other observations predict for each: `y_i - (K^-1 y)_i / (K^-1)_ii`.

    This equals, without doing it, a regression for every observation that never saw it.
    covariance: K [N, N], noise included; observed: y [N]. Returns the predictive means [N].
    Raises LinAlgError if K is not positive definite.
    """
    factor, failed = linalg.lapack.dpotrf(covariance, lower=1)
    if failed:
        raise np.linalg.LinAlgError(f"The covariance is not positive definite at row {failed}.")
    solved = linalg.cho_solve((factor, True), observed)
    inverse, _ = linalg.lapack.dpotri(factor, lower=1, overwrite_c=1)
    return np.asarray(observed - solved / np.diag(inverse))


def posterior(
    groups: Sequence[Floats], repetitions: Floats, observed: Floats, hyper: Hyperparameters
) -> tuple[Floats, Floats]:
    """Return mean [M] and covariance [M, M] of the function itself at the points after the first N.

    groups: features [N + M, *] per group; repetitions, observed: [N]. The noise of the observations
    is in neither. Raises LinAlgError if their covariance is not positive definite.
    """
    n = len(observed)
    everywhere = covariance(groups, np.full(len(groups[0]), np.inf), hyper)
    everywhere[np.diag_indices_from(everywhere)] -= _noise(np.array(np.inf), hyper)
    seen = everywhere[:n, :n].copy()
    seen[np.diag_indices_from(seen)] += _noise(repetitions, hyper)
    factor = linalg.cholesky(seen, lower=True)
    whitened = linalg.solve_triangular(factor, everywhere[:n, n:], lower=True)
    mean = whitened.T @ linalg.solve_triangular(factor, observed, lower=True)
    return np.asarray(mean), np.asarray(everywhere[n:, n:] - whitened.T @ whitened)


def draw(mean: Floats, covariance: Floats, rng: np.random.Generator) -> Floats:
    """Return one function [M] drawn from the joint normal distribution of `posterior`."""
    jittered = covariance.copy()
    jittered[np.diag_indices_from(jittered)] += _DRAW_JITTER * np.diag(covariance).max()
    factor = linalg.cholesky(jittered, lower=True)
    return np.asarray(mean + factor @ rng.standard_normal(len(mean)))


def fit(
    groups: Sequence[Floats],
    repetitions: Floats,
    observed: Floats,
    steps: int = 50,
    limit: float | None = None,
) -> Hyperparameters:
    """Return the hyperparameters of the highest posterior density, by L-BFGS.

    The logarithms have independent, wide normal priors, so that unused groups stay finite.
    groups: features [N, *] per group; repetitions, observed: [N]; steps: at most so many; limit:
    how far a logarithm may go from the prior's mean: few observations bound nothing themselves.
    """
    distances = np.stack([squared_distances(group) for group in groups])
    spread = np.maximum(distances.mean(axis=(1, 2)), 1e-12)
    centre = np.concatenate([-np.log(len(groups) * spread), [0.0, 0.0, -4.0, -4.0]])
    found = optimize.minimize(
        _negative_log_posterior,
        centre,
        args=(distances, repetitions, observed, centre),
        jac=True,
        method="L-BFGS-B",
        bounds=None if limit is None else [(c - limit, c + limit) for c in centre],
        options={"maxiter": steps},
    )
    return Hyperparameters.from_logs(found.x)


def squared_distances(features: Floats) -> Floats:
    """Return the squared Euclidean distances [N, N] of the rows of features [N, D]."""
    norms = (features**2).sum(axis=1)
    result = features @ (-2.0 * features.T)
    result += norms[:, None]
    result += norms
    return np.asarray(np.maximum(result, 0.0, out=result))


def _negative_log_posterior(
    logs: Floats, distances: Floats, repetitions: Floats, observed: Floats, centre: Floats
) -> tuple[float, Floats]:
    hyper = Hyperparameters.from_logs(logs)
    weights = np.array(hyper.weights)
    shape, slope = _matern(np.tensordot(weights, distances, 1), with_slope=True)
    total = hyper.amplitude * shape + hyper.bias
    total[np.diag_indices_from(total)] += _noise(repetitions, hyper)
    factor = linalg.cholesky(total, lower=True)
    solved = linalg.cho_solve((factor, True), observed)
    value = 0.5 * observed @ solved + np.log(np.diag(factor)).sum()
    # d value / d K = (K^-1 - y' y'^T) / 2 with y' = K^-1 y
    by_covariance = linalg.cho_solve((factor, True), np.eye(len(total)))
    by_covariance -= np.outer(solved, solved)
    by_covariance *= 0.5
    diagonal = np.diag(by_covariance)
    assert slope is not None
    by_distance = (by_covariance * slope).ravel() * hyper.amplitude
    gradient = np.concatenate(
        [
            weights * (distances.reshape(len(weights), -1) @ by_distance),
            [
                hyper.amplitude * np.vdot(by_covariance, shape),
                hyper.bias * by_covariance.sum(),
                hyper.noise * diagonal.sum(),
                hyper.noise_per_repetition * (diagonal / repetitions).sum(),
            ],
        ]
    )
    away = logs - centre
    return (
        float(value + 0.5 * _PRIOR_PRECISION * away @ away),
        gradient + _PRIOR_PRECISION * away,
    )


def _matern(distances: Floats, *, with_slope: bool = False) -> tuple[Floats, Floats | None]:
    """Return M(d) = (1 + r + r^2 / 3) exp(-r) with r = sqrt(5 d), and its slope in d."""
    root = np.sqrt(5.0 * distances)
    decay = np.exp(-root)
    value = (1.0 + root + root**2 / 3.0) * decay
    return value, (-5.0 / 6.0) * (1.0 + root) * decay if with_slope else None


def _noise(repetitions: Floats, hyper: Hyperparameters) -> Floats:
    return np.asarray(hyper.noise + hyper.noise_per_repetition / repetitions + _JITTER)
