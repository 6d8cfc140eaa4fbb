"""Every shipped study, shortened, on a table cut down to what it looks at.

As a program it prints them as JSON, so that a test can run it as another processor would:

    python tests/helpers/short_studies.py TABLE.parquet [STUDY ...]
"""

import dataclasses
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchsuite import plugins
from benchsuite.devices._latency import monas
from benchsuite.devices._latency.latency import all_latencies
from benchsuite.parameters import fill
from benchsuite.proxies._scoring.ranks import rank_sum
from benchsuite.replays import jobs, study
from benchsuite.replays.run import replay
from benchsuite.simulation.problem import Problem
from benchsuite.simulation.search import Budget, Run
from benchsuite.space.network import OFFICIAL
from benchsuite.table.table import Table

Array = NDArray[np.float64]
Name = TypeVar("Name", int, str)

STUDIES = sorted(path.stem for path in study.SHIPPED.glob("*.toml"))
NEEDED = (
    *("index", "arch", "cifar10.", "cifar100.", "imagenet16-120.", "seconds.alone.", "skeleton."),
    *("depth", "ram.", "flash.weights"),
    *("latency.", "ntk_cond.k2", "ntk_cond.k0", "linear_regions.", "naswot", "zico", "synflow"),
    *("te_nas", "flops"),
)
SHORTER: dict[str, dict[str, Any]] = {
    "edgenas": {"steps": 60},
    "udc": {"steps": 40},
    "munas": {"rounds": 120},
    "munas_pruned": {"rounds": 16, "population": 12, "sample": 4, "least": 0.5, "most": 0.6},
    "munas_bo": {"rounds": 24, "candidates": 64},
    "udc_random": {"trials": 3},
}


def small(table: Table) -> Table:
    """The table without the columns that no shipped study looks at."""
    return table.without([name for name in table.columns if not name.startswith(NEEDED)])


def shortened(entry: study.Entry) -> study.Entry:
    queries = min(entry.budget.queries or 200, 120)
    return dataclasses.replace(
        entry,
        seeds=1,
        budget=Budget(entry.budget.seconds, queries),
        parameters={**entry.parameters, **SHORTER.get(entry.strategy, {})},
    )


def plan(name: str, table: Table) -> tuple[list[study.Entry], study.Plan]:
    loaded = study.load(study.find(name))
    searches = tuple(map(shortened, loaded.searches))
    return list(searches), study.plan(dataclasses.replace(loaded, searches=searches), table)


def disturbed(problem: Problem, size: float) -> Problem:
    """The problem with every accuracy and cheap column off by relative noise."""
    rng = np.random.default_rng(0)

    def noisy(columns: Mapping[Name, Array]) -> dict[Name, Array]:
        return {
            name: values * (1 + size * rng.uniform(-1, 1, values.shape))
            for name, values in columns.items()
        }

    return dataclasses.replace(
        problem, accuracy=noisy(problem.accuracy), columns=noisy(problem.columns)
    )


def runs(searches: Sequence[study.Entry], planned: study.Plan, noise: float = 0) -> dict[str, Run]:
    """The first seed of each search, by label; noise: of the columns, see `disturbed`."""
    problems = {
        key: disturbed(problem, noise) if noise else problem
        for key, problem in planned.problems.items()
    }
    found = {}
    for entry, (job,) in zip(searches, planned.jobs, strict=True):
        strategy = jobs.strategy_of(job.strategy)
        parameters = fill(strategy.parameters, job.parameters, job.strategy)
        found[entry.label] = replay(strategy, problems[job.problem], job.budget, parameters, 0)
    return found


def picks(found: dict[str, Run]) -> dict[str, list[Any]]:
    """What each search answers: its cells, and how the pick is compressed."""
    form = ("bits", "densities", "widths")
    return {
        label: [list(run.answer), [run.details.get(name) for name in form]]
        for label, run in found.items()
    }


def digest(values: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()[:12]


def columns() -> dict[str, str]:
    """Digests of columns that are sums of floats, made anew: latencies and ranks of proxies."""
    devices = {name: plugins.load("devices", name) for name in ("stm32l432", "stm32f746")}
    found = {
        f"{name} {runtime}": digest(all_latencies(OFFICIAL["cifar10"], device, runtime))
        for name, device in devices.items()
        for runtime in ("own", "x_cube_ai")
        if runtime != "own" or name == "stm32l432"
    }
    found |= {f"{name} monas2024": digest(monas.seconds(name)) for name in devices}
    proxies = np.random.default_rng(0).integers(100, size=(4, 15_625)).astype(float)
    found["ranks"] = digest(rank_sum(proxies, np.ones(15_625, dtype=bool), log=True))
    return found


def report(table: Table, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Picks by study, digests of what gradient searches looked at, and digests of columns."""
    planned = {name: plan(name, table) for name in names}
    found = {name: runs(*of) for name, of in planned.items()}
    looks = {
        f"{name}/{entry.label}": digest(found[name][entry.label].trace.value)
        for name, (searches, _) in planned.items()
        for entry in searches
        if entry.strategy in ("edgenas", "udc", "reinforce")
    }
    return {
        "picks": {name: picks(of) for name, of in found.items()},
        "looks": looks,
        "columns": columns(),
    }


if __name__ == "__main__":
    print(json.dumps(report(Table.open(Path(sys.argv[1])), sys.argv[2:] or STUDIES)))
