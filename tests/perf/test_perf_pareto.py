"""Speed of fronts and hypervolumes beside plain sweeps of numpy in the same run."""

import time

import numpy as np
import pytest

from benchsuite.space.cell import N_CELLS
from benchsuite.stats.pareto import hypervolume, non_dominated


def plain_front(p):
    """Compare every point with the front so far, in lexicographic order."""
    kept = np.ones(len(p), dtype=bool)
    front = np.empty((0, p.shape[1]))
    for i in np.lexsort(p.T[::-1]):
        if ((front <= p[i]).all(axis=1) & (front < p[i]).any(axis=1)).any():
            kept[i] = False
        else:
            front = np.vstack([front, p[i]])
    return kept


def plain_volume(p, r):
    """Add up slabs of the last objective, each a volume of one objective less."""
    if p.shape[1] == 1:
        return r[0] - p.min() if len(p) else 0.0
    p = p[np.argsort(p[:, -1])]
    heights = np.diff(np.append(p[:, -1], r[-1]))
    slabs = (plain_volume(p[: i + 1, :-1], r[:-1]) for i in range(len(p)))
    return float(sum(height * slab for height, slab in zip(heights, slabs, strict=True)))


def beside(benchmark, fast, plain, *arguments):
    fast(*arguments)
    start = time.perf_counter()
    expected = plain(*arguments)
    seconds = time.perf_counter() - start
    np.testing.assert_allclose(benchmark(fast, *arguments), expected)
    benchmark.extra_info["plain_ms"] = seconds * 1e3
    benchmark.extra_info["times_faster_than_plain"] = seconds / benchmark.stats["min"]
    assert benchmark.stats["min"] < seconds


@pytest.mark.perf
@pytest.mark.parametrize("objectives", [2, 3, 6])
def test_the_front_of_all_cells(benchmark, objectives):
    p = np.random.default_rng(0).normal(size=(N_CELLS, objectives))[
        : 3000 if objectives > 3 else None
    ]
    beside(benchmark, non_dominated, plain_front, p)


@pytest.mark.perf
@pytest.mark.parametrize(("objectives", "n"), [(2, 300), (3, 100), (4, 40), (6, 14)])
def test_the_hypervolume(benchmark, objectives, n):
    p = np.abs(np.random.default_rng(0).normal(size=(n, objectives)))
    p /= np.linalg.norm(p, axis=1, keepdims=True)
    beside(benchmark, hypervolume, plain_volume, 1 - p, np.full(objectives, 1.1))
