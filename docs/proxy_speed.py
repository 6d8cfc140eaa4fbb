"""What proxies cost, in processor seconds of one class and repeat, one thread: prints a table.

    python docs/proxy_speed.py --resolution 16 --classes 4 --ratios
    python docs/proxy_speed.py --resolution 32 --classes 2

`alone`: with all passes a proxy needs; `own`: what it adds to the others; the sum of `own` and of
the shared passes is a class with all proxies together. Each is the least of two runs, averaged over
classes drawn by seed 1. `times`: how many times as long the definition by plain autograd takes
(`tests/helpers/reference_proxies.py`), on the first class, in the same run. The machine's load is
printed: what others do beside it shows in the seconds, less in the ratios.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

from benchsuite.api import Proxy
from benchsuite.proxies._scoring.score import passes_of, score_network
from benchsuite.proxies._scoring.threads import one_thread
from benchsuite.proxies._tabulation.spec import Spec, scoring_proxies
from benchsuite.space.cell import Cell
from benchsuite.space.equivalence import representatives
from benchsuite.space.network import Skeleton

sys.path[:0] = [str(Path(__file__).parents[1] / "tests" / room) for room in ("helpers", "perf")]
SLOW = ("ntk_frozen", "knas", "vkdnw")  # Whose definitions take minutes.


def main() -> None:
    """Measure, and print."""
    options = argparse.ArgumentParser()
    options.add_argument("--resolution", type=int, default=16)
    options.add_argument("--classes", type=int, default=4)
    options.add_argument("--dtype", default="float32")
    options.add_argument("--proxy", default="")
    options.add_argument("--ratios", action="store_true")
    given = options.parse_args()
    names = tuple(filter(None, given.proxy.split(","))) or scoring_proxies()
    spec = Spec(names, Skeleton(resolution=given.resolution), images="synthetic", dtype=given.dtype)
    print(f"{given}\ntorch {torch.__version__}, load {os.getloadavg()}", flush=True)
    with one_thread():
        seconds, first = measured(spec, given.classes)
        for name, value in sorted(seconds.items(), key=lambda item: -item[1]):
            print(f"{name:24} {value:.4f}")
        print(f"{'together':24} {sum(seconds.values()):.4f}\n", flush=True)
        for name, proxy in spec.load().items():
            alone = sum(seconds.get(key, 0.0) for key in passes_of(name, proxy))
            times = ratio(spec, name, proxy, first) if given.ratios and name not in SLOW else ""
            print(f"{name:18} {alone:.4f} {times}", flush=True)
    print(f"load {os.getloadavg()}")


def measured(spec: Spec, classes: int) -> tuple[dict[str, float], int]:
    """Return mean seconds by pass and proxy, and the first of the cells."""
    drawn = np.random.default_rng(1).permutation(representatives("functional"))
    cells = [int(cell) for cell in drawn if any(Cell.from_index(int(cell)).ops)]
    proxies, batches, taken = spec.load(), spec.batches(0), defaultdict(list)
    chosen = [cell for cell in cells[: 4 * classes] if spec.passes(cell, 0, batches).connected]
    score_network(proxies, spec.passes(chosen[0], 0, batches))  # Compiles and allocates.
    for cell in chosen[:classes]:
        runs = [score_network(proxies, spec.passes(cell, 0, batches)).seconds for _ in range(2)]
        for name in runs[0]:
            taken[name].append(min(run[name] for run in runs))
    return {name: float(np.mean(values)) for name, values in taken.items()}, chosen[0]


def ratio(spec: Spec, name: str, proxy: Proxy, cell: int) -> str:
    """Return how many times as long the definition takes, the least of two runs of each."""
    import reference_proxies as reference
    from test_perf_proxies import REFERENCES

    if name not in REFERENCES:
        return ""
    # Of this cell's thin network, not of that of the benchmarks.
    definition = {**REFERENCES, "ntk_cond": lambda n, x, _: reference.ntk(n, x)}[name]
    slow, fast = [], []
    batches = spec.batches(0)
    net = spec.passes(cell, 0, batches).module()
    if name == "ntk_cond":
        net = spec.passes(cell, 0, batches).module(
            "kaiming_fan_out", Skeleton(3, 1, spec.skeleton.resolution)
        )
    for _ in range(2):
        passes = spec.passes(cell, 0, batches)
        assert passes.weights
        start = time.process_time()
        definition(net, passes.images, passes.labels)
        slow.append(time.process_time() - start)
        start = time.process_time()
        assert proxy.score is not None
        with torch.no_grad():
            proxy.score(passes)
        fast.append(time.process_time() - start)
    return f"{min(slow) / min(fast):.1f}"


if __name__ == "__main__":
    main()
