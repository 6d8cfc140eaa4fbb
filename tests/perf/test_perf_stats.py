"""Speed of the tau-b bootstrap and of the weighted tau as ratios to scipy in the same run."""

import time

import numpy as np
import pytest
import scipy.stats

from benchsuite.space.cell import N_CELLS
from benchsuite.stats import kendall_bootstrap, weighted_kendall

PROXIES, DATASETS, RESAMPLES = 20, 3, 1000


@pytest.fixture(scope="module")
def columns():
    """Scores without ties and accuracies with two decimals, as the real ones are."""
    rng = np.random.default_rng(0)
    quality = rng.normal(size=N_CELLS)
    scores = quality + rng.normal(size=(PROXIES, N_CELLS))
    accuracy = 50 + 20 * np.tanh(quality + 0.5 * rng.normal(size=(DATASETS, N_CELLS)))
    return scores, np.round(accuracy, 2)


@pytest.mark.perf
def test_bootstrap_of_twenty_proxies_on_three_datasets(benchmark, columns):
    scores, truths = columns
    kendall_bootstrap(scores[:1], truths[:1], np.random.default_rng(0), resamples=1)  # compiles
    rng = np.random.default_rng(1)
    start = time.perf_counter()
    for _ in range(40):
        i = rng.integers(0, N_CELLS, N_CELLS)
        scipy.stats.kendalltau(scores[0, i], truths[0, i])
    scipys = (time.perf_counter() - start) / 40
    benchmark.pedantic(
        lambda: kendall_bootstrap(
            scores, truths, np.random.default_rng(1), resamples=RESAMPLES, threads=2
        ),
        rounds=1,
    )
    ours = benchmark.stats["min"] / (PROXIES * DATASETS * RESAMPLES)
    benchmark.extra_info["scipy_ms_per_tau"] = scipys * 1e3
    benchmark.extra_info["ms_per_tau"] = ours * 1e3
    benchmark.extra_info["times_faster_than_scipy"] = scipys / ours
    assert scipys / ours > 8


@pytest.mark.perf
def test_the_weighted_tau_beside_scipys(benchmark, columns):
    scores, truths = columns
    weighted_kendall(scores[0], truths[0])  # compiles
    benchmark(weighted_kendall, scores[0], truths[0])
    times = []
    for _ in range(20):
        start = time.perf_counter()
        scipy.stats.weightedtau(scores[0], truths[0], rank=None)
        times.append(time.perf_counter() - start)
    benchmark.extra_info["scipy_ms"] = min(times) * 1e3
    benchmark.extra_info["times_faster_than_scipy"] = min(times) / benchmark.stats["min"]
    assert benchmark.stats["min"] < min(times)
