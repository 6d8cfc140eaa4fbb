"""Speed of the exact memory minimum as a ratio to a search over whole networks in the same run."""

import time

import pytest

from benchsuite.deployment.graph import Graph, pattern_graphs
from benchsuite.deployment.liveness import _solve, best_peak, waists
from benchsuite.space.network import Skeleton

SEARCHED = 15


def without_waists(graph: Graph) -> int:
    """The same shortest path over the executed sets, of the network as one segment."""
    in_place = tuple(kind == "add" for kind in graph.kinds)
    return _solve.__wrapped__(graph.inputs, graph.sizes, in_place)


@pytest.mark.perf
def test_the_exact_minimum_of_every_pattern(benchmark):
    graphs = pattern_graphs(Skeleton(cells_per_stage=2))
    chosen = graphs[7 :: len(graphs) // SEARCHED]
    assert all(len(waists(graph.inputs)) > 10 for graph in chosen)
    start = time.perf_counter()
    expected = [without_waists(graph) for graph in chosen]
    whole = (time.perf_counter() - start) / len(chosen)

    def cold() -> list[int]:
        _solve.cache_clear()
        return [best_peak(graph) for graph in graphs]

    found = benchmark.pedantic(cold, rounds=3)
    assert found[7 :: len(graphs) // SEARCHED] == expected
    ours = benchmark.stats.stats.min / len(graphs)
    assert whole / ours > 3
    benchmark.extra_info["ratio to a search over whole networks"] = whole / ours
