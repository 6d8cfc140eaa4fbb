"""Replays for a baseline: what every seed of a study's searches answers, and how fast they are."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchsuite.errors import PluginError, UserError
from benchsuite.parameters import fill
from benchsuite.regression import timing
from benchsuite.regression.baseline import FRAMES
from benchsuite.regression.compare_replays import seeds_needed
from benchsuite.regression.tolerances import Tolerances
from benchsuite.replays import jobs, study
from benchsuite.replays.judgement import Answer, judge
from benchsuite.replays.run import replay
from benchsuite.simulation.problem import Problem
from benchsuite.table.table import Table

if TYPE_CHECKING:
    import pandas as pd

LEAST_SECONDS = 0.01


def read_studies(
    named: Sequence[str],
    folders: Sequence[Path] = (),
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, str]:
    """Return the texts of studies, files or such as have a name (`study.find`), by their names.

    say: called with a sentence on each search whose seeds could not show that it became worse.
    Raises UserError for what is no study, and for two studies that are called the same.
    """
    texts: dict[str, str] = {}
    given: dict[str, str] = {}
    needed = seeds_needed(Tolerances().alpha)
    for one in named:
        loaded = study.load(study.find(one, folders))
        if texts.setdefault(loaded.name, loaded.text) != loaded.text:
            raise UserError(
                f"The studies {given[loaded.name]} and {one} are both called {loaded.name!r}, and "
                "a baseline keeps one of a name: change the `name` of one of them."
            )
        given.setdefault(loaded.name, one)
        for entry in loaded.searches:
            if entry.seeds < needed:
                say(
                    f"Note: The {entry.seeds} seeds of {loaded.name}/{entry.label} are too few "
                    f"to show that it became worse; {needed} or more can, or `exact = true` in the "
                    "tolerances of a search without chance."
                )
    return texts


@dataclass(frozen=True)
class _Search:
    """A search of a study, which is named, ready to run."""

    of: str
    entry: study.Entry
    parts: tuple[jobs.Job, ...]
    shared: jobs.Shared

    @property
    def name(self) -> str:
        return f"{self.of}/{self.entry.label}"

    def answers(self, parts: Sequence[jobs.Job]) -> list[Answer]:
        """Return the answers of some of its jobs; UserError for one that is compressed."""
        found = [answer for job in parts for answer in jobs.answers(self.shared, job)]
        if any(answer.details for answer in found):
            raise UserError(
                f"The search {self.name} answers with compressed networks, which have no regret "
                "that a baseline could keep: leave this search out."
            )
        return found


def replays(
    studies: Mapping[str, str],
    table: Table,
    plugin_folders: Sequence[Path],
    good: Mapping[str, float],
    say: Callable[[str], None],
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Return one row per study, search and seed, and the speed of every search.

    good: by `search STUDY/LABEL`, up to which ratio a speed is measured once; empty for a
    baseline. Raises UserError for a search that cannot run, or whose picks are compressed: one
    seed of each is tried before all are replayed.
    """
    import pandas as pd

    frames, speeds = [], []
    searches = list(_searches(studies, table, plugin_folders))
    for search in searches:
        search.answers([replace(search.parts[0], seeds=1)])
    for search in searches:
        entry, first = search.entry, search.parts[0]
        say(f"Replaying {search.name}, {entry.seeds} seeds ...")
        rows = judge(table, entry.setting, search.answers(search.parts))
        rows = rows.assign(study=search.of, search=entry.label, dataset=entry.setting.dataset)
        frames.append(rows[list(FRAMES["replays"])])
        timed = _timed(first, search.shared.problems[first.problem], plugin_folders)
        what = f"search {search.name}"
        taken = timing.taken(timed, _reference(), good.get(what))
        speeds.append(taken.row(what, "plain Python"))
    return pd.concat(frames, ignore_index=True), speeds


def _searches(
    studies: Mapping[str, str], table: Table, plugin_folders: Sequence[Path]
) -> Iterator[_Search]:
    for name, text in studies.items():
        loaded = _loaded(text)
        planned = study.plan(loaded, table, plugin_folders)
        if planned.failed:
            raise PluginError(next(iter(planned.failed.values())))
        folders = tuple(plugin_folders)
        shared = jobs.Shared(planned.problems, folders, plugin_files=planned.plugin_files)
        for entry, parts in zip(loaded.searches, planned.jobs, strict=True):
            yield _Search(name, entry, parts, shared)


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
