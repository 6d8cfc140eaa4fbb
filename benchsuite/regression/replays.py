"""Replays for a baseline: what every seed of a study's searches answers, and how fast they are."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchsuite.errors import PluginError
from benchsuite.parameters import fill
from benchsuite.regression import timing
from benchsuite.regression.baseline import FRAMES
from benchsuite.replays import jobs, study
from benchsuite.replays.judgement import judge
from benchsuite.replays.run import replay
from benchsuite.simulation.problem import Problem
from benchsuite.table.table import Table

if TYPE_CHECKING:
    import pandas as pd

LEAST_SECONDS = 0.01


def read_study(named: str) -> tuple[str, str]:
    """Return name and text of a study, a file or one of `benchsuite/studies`; checked."""
    loaded = study.load(study.find(named))
    return loaded.name, loaded.text


def replays(
    studies: Mapping[str, str],
    table: Table,
    plugin_folders: Sequence[Path],
    good: Mapping[str, float],
    say: Callable[[str], None],
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Return one row per study, search and seed, and the speed of every search.

    good: by `search STUDY/LABEL`, up to which ratio a speed is measured once; empty for a
    baseline.
    """
    import pandas as pd

    frames, speeds = [], []
    for name, text in studies.items():
        loaded = _loaded(text)
        planned = study.plan(loaded, table, plugin_folders)
        if planned.failed:
            raise PluginError(next(iter(planned.failed.values())))
        for entry, parts in zip(loaded.searches, planned.jobs, strict=True):
            say(f"Replaying {name}/{entry.label}, {entry.seeds} seeds ...")
            shared = jobs.Shared(planned.problems, tuple(plugin_folders))
            answers = [answer for job in parts for answer in jobs.answers(shared, job)]
            rows = judge(table, entry.setting, answers)
            rows = rows.assign(study=name, search=entry.label, dataset=entry.setting.dataset)
            frames.append(rows[list(FRAMES["replays"])])
            problem = planned.problems[parts[0].problem]
            timed, reference = _timed(parts[0], problem, plugin_folders), _reference()
            what = f"search {name}/{entry.label}"
            taken = timing.taken(timed, reference, good.get(what))
            speeds.append(taken.row(what, "plain Python"))
    return pd.concat(frames, ignore_index=True), speeds


def _loaded(text: str) -> study.Study:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.toml"
        path.write_text(text, encoding="utf-8")
        return study.load(path)


def _timed(job: jobs.Job, problem: Problem, plugin_folders: Sequence[Path]) -> timing.Timed:
    """Return a function that replays a few seeds and returns the processor time of one."""
    strategy = jobs.strategy_of(job.strategy, plugin_folders)
    parameters = fill(strategy.parameters, job.parameters, f"The strategy {job.strategy}")

    def once() -> float:
        start = time.process_time()
        for seed in range(seeds):
            replay(strategy, problem, job.budget, parameters, seed)
        return (time.process_time() - start) / seeds

    seeds = 1
    once()
    seeds = min(100, 1 + int(LEAST_SECONDS / max(1e-6, once())))
    return once


def _reference() -> timing.Timed:
    """Return a function that evolves integers in plain Python and returns its processor time.

    It uses nothing of this project, so it only changes with Python and the machine.
    """
    worth = np.random.default_rng(0).random(15_625).tolist()

    def once() -> float:
        start = time.process_time()
        state, alive = 1, list(range(50))
        for _ in range(10_000):
            state = (1_103_515_245 * state + 12_345) % 2**31
            child = (alive[state % 50] + state) % 15_625
            if worth[child] > worth[alive[state % 50]]:
                alive[state % 50] = child
        return time.process_time() - start

    return once
