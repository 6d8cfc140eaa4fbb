"""The guard's limit of speed: a slowdown of 1.5 is caught, and what is as before is not blamed.

BENCHSUITE_GUARD_TRIALS=100 BENCHSUITE_GUARD_LOAD=2 counts: so many tries, beside so many processes
that compute in bursts. Each side of a comparison is measured in a process of its own.
"""

import json
import multiprocessing
import os
import random
import time

import numpy as np
import pandas as pd
import pytest
import scipy.stats  # noqa: F401  Before the processes fork.

from benchsuite.proxies._tabulation import sample
from benchsuite.proxies._tabulation.spec import Spec
from benchsuite.proxies._tabulation.tabulate import choose_cells
from benchsuite.regression import replays, timing
from benchsuite.regression.compare_speeds import compare_speeds
from benchsuite.regression.tolerances import Speed, Tolerances
from benchsuite.space.network import Skeleton

TRIALS = int(os.environ.get("BENCHSUITE_GUARD_TRIALS", "3"))
LOAD = int(os.environ.get("BENCHSUITE_GUARD_LOAD", "0"))
UNITS = {"as before": 8, "slow": 12}
PROXY = '''"""Work in units."""

import os

import numpy as np

from benchsuite.api import Proxy


def score(passes):
    value, units = 0.0, int(os.environ["UNITS"])
    {work}
    return {{"": value}}


PROXY = Proxy(version=1, direction="max", formula="x", source="t", cost="forward", score=score)
'''
WORK = {
    "convolutions": "for _ in range(units // 2): value = float("
    "passes.forward(passes.images[:8]).logits.abs().mean())",
    "eigenvalues": "for _ in range(units): value = float(np.linalg.eigvalsh("
    "np.outer(*2 * [np.arange(80.0)]) + np.eye(80))[0])",
}


def bursts(seed):
    source = random.Random(seed)
    while True:
        end, block = time.time() + source.uniform(0.2, 3), np.ones((400, 400))
        while time.time() < end:
            block = block @ block / 400
        time.sleep(source.uniform(0, 1.5))


@pytest.fixture(scope="module", autouse=True)
def load():
    made = [multiprocessing.Process(target=bursts, args=(i,), daemon=True) for i in range(LOAD)]
    for process in made:
        process.start()
    yield
    for process in made:
        process.kill()
        process.join()


def python():
    """Evolves records in plain Python, as a search does."""

    def once():
        start = time.process_time()
        for _ in range(int(os.environ["UNITS"])):
            alive = [{"cell": i, "value": float(i * 7919 % 101)} for i in range(60)]
            for i in range(600):
                best = max(alive[i % 50 : i % 50 + 10], key=lambda one: one["value"])
                alive[i % 60] = {"cell": best["cell"] ^ i, "value": best["value"] * 0.99}
        return time.process_time() - start

    return once


def spec_of(kind, folder):
    return Spec((kind,), Skeleton(8, 1, 16), 16, 0, "synthetic", (folder,))


def measured(kind, folder, units, good):
    """Measure in a process of its own."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.environ["UNITS"] = str(units)
            if kind == "python":
                run, reference = python(), replays._reference()
            else:
                spec = spec_of(kind, folder)
                run, reference = sample.timed(spec, kind, choose_cells("60", 0)), sample.reference()
            row = timing.taken(run, reference, good).row(kind, "it")
            os.write(write, json.dumps(row).encode())
        finally:
            os._exit(0)
    os.close(write)
    with open(read, "rb") as file:
        text = file.read()
    assert os.waitpid(child, 0)[1] == 0
    return pd.DataFrame([json.loads(text)])


@pytest.mark.perf
@pytest.mark.parametrize("kind", ["python", *WORK])
def test_a_slowdown_is_caught_and_nothing_else_is_blamed(tmp_path, kind):
    (tmp_path / "proxies").mkdir()
    for name, work in WORK.items():
        (tmp_path / "proxies" / f"{name}.py").write_text(PROXY.format(work=work))
    if kind in WORK:  # What is imported and drawn once, before the processes fork.
        spec_of(kind, tmp_path).load()
        spec_of(kind, tmp_path).batches(0)
    found, quotients = {name: [] for name in UNITS}, {name: [] for name in UNITS}
    for _ in range(TRIALS):
        before = measured(kind, tmp_path, UNITS["as before"], None)
        good = before["ratio"][0] * (1 + (Speed().slower - 1) / 2)
        for name, units in UNITS.items():
            after = measured(kind, tmp_path, units, good)
            (check,) = compare_speeds(before, after, Tolerances())
            found[name].append(check.verdict)
            quotients[name].append(check.numbers["slower"])
        counted = {n: {v: found[n].count(v) for v in sorted(set(found[n]))} for n in found}
        spread = {n: [round(float(f(q)), 3) for f in (min, np.median, max)]
                  for n, q in quotients.items()}  # fmt: skip
        print(kind, counted, spread, flush=True)
    assert found["as before"].count("regression") <= TRIALS // 100
    assert found["slow"].count("regression") >= 0.95 * TRIALS
