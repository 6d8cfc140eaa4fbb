"""Speed of the device columns from cold caches, beside plain ways of getting the same in the run.

A cold start is a new process, import and all. References: deploying and adding up cell by cell,
as `latency` and `ram` of one cell do; and every topological order of a segment between waists.
"""

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from benchsuite import plugins
from benchsuite.deployment import liveness
from benchsuite.deployment.graph import pattern_graphs
from benchsuite.deployment.ram import all_ram, ram
from benchsuite.devices._latency.latency import all_latencies, latency
from benchsuite.space.cell import N_CELLS, Cell
from benchsuite.space.network import Skeleton

pytestmark = pytest.mark.perf

MCU = Skeleton(cells_per_stage=1)
COLUMNS = """
import time
from benchsuite.devices._footprint.columns import columns
start = time.perf_counter(), time.process_time()
made = len(list(columns()))
print(made, time.perf_counter() - start[0], time.process_time() - start[1])
"""
BEST = """
import time
from benchsuite.space.network import OFFICIAL, Skeleton
from benchsuite.deployment.ram import all_ram
start = time.perf_counter(), time.process_time()
for skeleton in (OFFICIAL["cifar10"], Skeleton(cells_per_stage=1)):
    all_ram("ram.best", skeleton)
print(2, time.perf_counter() - start[0], time.process_time() - start[1])
"""


def cold(code: str) -> tuple[int, float, float]:
    """Run a program that prints how many columns it made, in which seconds, of which on a CPU."""
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
    )
    count, seconds, cpu = done.stdout.split()
    return int(count), float(seconds), float(cpu)


def test_all_columns_of_all_devices_from_cold(benchmark):
    """Target: 15,625 cells, all devices and runtimes, two skeletons in 20 s on two cores."""
    found = []
    benchmark.pedantic(lambda: found.append(cold(COLUMNS)), rounds=1)
    count, seconds, cpu = found[-1]
    device = plugins.load("devices", "stm32f746")
    some = np.random.default_rng(0).integers(N_CELLS, size=25).tolist()
    start = time.process_time()
    one_by_one = [latency(Cell.from_index(i), MCU, device, "tflm_cmsis_nn") for i in some]
    plain = (time.process_time() - start) / len(some) * N_CELLS
    np.testing.assert_allclose(one_by_one, all_latencies(MCU, device, "tflm_cmsis_nn")[some])
    ratio = plain / (cpu / count)
    benchmark.extra_info.update(
        columns=count, seconds=seconds, cpu_seconds=cpu, times_faster_than_cell_by_cell=ratio
    )
    print(f"\n{count} columns in {seconds:.1f} s ({cpu:.1f} CPU s); {ratio:.0f} times cell by cell")
    assert ratio > 20


def test_the_exact_minimum_of_all_cells_from_cold(benchmark):
    """Target: `ram.best` of all cells, exact, in 10 s."""
    found = []
    benchmark.pedantic(lambda: found.append(cold(BEST)), rounds=1)
    count, seconds, cpu = found[-1]
    some = np.random.default_rng(0).integers(N_CELLS, size=25).tolist()
    start = time.process_time()
    one_by_one = [ram("ram.best", Cell.from_index(i), MCU) for i in some]
    plain = (time.process_time() - start) / len(some) * N_CELLS
    assert one_by_one == all_ram("ram.best", MCU)[some].tolist()
    ratio = plain / (cpu / count)
    benchmark.extra_info.update(
        seconds=seconds, cpu_seconds=cpu, times_faster_than_cell_by_cell=ratio
    )
    print(f"\ntwo skeletons in {seconds:.1f} s ({cpu:.1f} CPU s); {ratio:.0f} times cell by cell")
    assert ratio > 5


def test_the_exact_minimum_beside_brute_force(benchmark, monkeypatch):
    """Segments with hundreds of orders or more; brute force walks through all of them."""
    solve = liveness._solve.__wrapped__
    segments = set()

    def remember(*segment):
        segments.add(segment)
        return solve(*segment)

    monkeypatch.setattr(liveness, "_solve", remember)
    for graph in pattern_graphs(MCU):
        liveness.best_peak(graph)
    large = [s for s in sorted(segments, key=str) if 300 <= orders(s[0]) <= 5000]
    chosen = large[:: max(1, len(large) // 12)]
    assert len(chosen) >= 10
    start = time.perf_counter()
    expected = [brute_force(*segment) for segment in chosen]
    brute = time.perf_counter() - start
    found = benchmark(lambda: [solve(*segment) for segment in chosen])
    assert found == expected
    ratio = brute / benchmark.stats["min"]
    benchmark.extra_info.update(
        segments=len(chosen), orders=sum(orders(s[0]) for s in chosen), times_faster=ratio
    )
    print(f"\n{ratio:.0f} times brute force over {len(chosen)} segments")
    assert ratio > 5


def orders(inputs) -> int:
    """Count the topological orders of a segment."""
    counts = {0: 1}
    for _ in inputs:
        step = {}
        for done, count in counts.items():
            for k in ready(inputs, done):
                step[done | 1 << k] = step.get(done | 1 << k, 0) + count
        counts = step
    (total,) = counts.values()
    return total


def ready(inputs, done):
    return [
        k
        for k, reads in enumerate(inputs)
        if not done >> k & 1 and all(done >> i & 1 for i in reads)
    ]


def brute_force(inputs, sizes, in_place) -> int:
    """Return the least peak of a segment by walking through every topological order."""
    readers = [[k for k, reads in enumerate(inputs) if i in reads] for i in range(len(inputs))]

    def walk(done, peak):
        if done == (1 << len(inputs)) - 1:
            return peak
        live = [
            i
            for i in range(len(inputs))
            if done >> i & 1 and (not readers[i] or any(not done >> k & 1 for k in readers[i]))
        ]
        best = None
        for k in ready(inputs, done):
            freed = [
                i
                for i in inputs[k]
                if sizes[i] == sizes[k] and all(r == k or done >> r & 1 for r in readers[i])
            ]
            added = 0 if in_place[k] and freed else sizes[k]
            got = walk(done | 1 << k, max(peak, sum(sizes[i] for i in live) + added))
            best = got if best is None else min(best, got)
        return best

    return walk(0, 0)
