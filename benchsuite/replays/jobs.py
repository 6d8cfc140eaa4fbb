"""Jobs of replays: a strategy, its parameters, a problem, a budget and a range of seeds.

A job's key is a digest of everything that its result is a function of: every field of the job and
of its problem, the code and data of whole packages and of the strategy's folder, the versions of
libraries, also of those of optimisers that need not be there, and the content of the images it
reads. So a file under that key never goes stale, and a study that is run again skips what is done.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchsuite import plugins
from benchsuite.api import Strategy
from benchsuite.bounds import of_json
from benchsuite.calling import failure, file_of
from benchsuite.digest import code, digest, files_beside
from benchsuite.errors import PluginError, UserError
from benchsuite.files import write_atomically, write_text
from benchsuite.notations import json_text
from benchsuite.parameters import check_seeds, fill
from benchsuite.provenance import optional_versions
from benchsuite.replays.judgement import Answer
from benchsuite.replays.run import replay
from benchsuite.simulation.problem import Problem
from benchsuite.simulation.search import Budget, Run
from benchsuite.simulation.trace import write_traces


@dataclass(frozen=True)
class Job:
    """Some seeds of one search; `problem` is the key of the problem in `Shared.problems`.

    Raises UserError for seeds that are none.
    """

    strategy: str
    parameters: Mapping[str, Any]
    problem: str
    budget: Budget
    first_seed: int
    seeds: int

    def __post_init__(self) -> None:
        check_seeds(self.first_seed, self.seeds)


@dataclass(frozen=True)
class Shared:
    """What every job of a map needs; it holds no test column (`simulation.problem`)."""

    problems: Mapping[str, Problem]
    plugin_folders: tuple[Path, ...] = ()
    folder: Path | None = None
    traces: bool = False
    provenance: Mapping[str, Any] = field(default_factory=dict)
    plugin_files: str = ""  # Of `read_anew`, for workers that live longer than a run.


def shards(job: Job, size: int) -> list[Job]:
    """Cut a job into jobs of at most `size` seeds."""
    return [
        dataclasses.replace(job, first_seed=job.first_seed + at, seeds=min(size, job.seeds - at))
        for at in range(0, job.seeds, size)
    ]


def read_anew(folders: Sequence[Path] = ()) -> str:
    """Have strategies whose files changed read again; return a digest of those files.

    A strategy stays as it was read until this is called, so that a run is of one code.
    """
    places = [root / plugins.KINDS["strategies"].folder for root in plugins.roots(folders)]
    found = digest([files_beside(place / "any.py") for place in places])
    _read[_resolved(folders)] = found
    return found


def strategy_of(name: str, folders: Sequence[Path] = ()) -> Strategy:
    """Return a strategy by name; UserError with the nearest names for an unknown one."""
    return _strategy(name, *_as_read(folders))


_read: dict[tuple[Path, ...], str] = {}  # By folders of plug-ins, what `read_anew` returned.


def _as_read(folders: Sequence[Path]) -> tuple[tuple[Path, ...], str]:
    found = _resolved(folders)
    return found, _read.get(found, "")


def _resolved(folders: Sequence[Path]) -> tuple[Path, ...]:
    return tuple(Path(folder).resolve() for folder in folders)


@functools.cache
def _strategy(name: str, folders: tuple[Path, ...], as_read: str) -> Strategy:
    strategy: Strategy = plugins.load("strategies", name, folders)
    return strategy


def checked_parameters(name: str, strategy: Strategy, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return all parameters of a strategy, given ones and defaults, ready for JSON.

    Where a strategy measures networks on images and none are named, stderr says so. Raises
    UserError for what it does not have, and PluginError for what its class of parameters raises.
    """
    try:
        filled = dataclasses.asdict(fill(strategy.parameters, given, f"The strategy {name}"))
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        what = f"The strategy {name} takes no such parameters"
        raise failure(what, error, file_of(strategy.run)) from error
    if strategy.images is not None:
        from benchsuite.proxies._scoring.images import say_stand_in

        say_stand_in(filled[strategy.images])
    return filled


def key(job: Job, folders: Sequence[Path] = ()) -> str:
    """Return the job's digest, 24 hexadecimal digits; it names the job's files."""
    own = _files(job.strategy, *_as_read(folders))
    return digest(job, code(), optional_versions(), own, _images(job, folders))[:24]


def problem_key(problem: Problem) -> str:
    """Return a digest of every field of a problem, 24 hexadecimal digits."""
    return digest(problem)[:24]


def answers(shared: Shared, job: Job) -> list[Answer]:
    """Run a job; return what each seed answered."""
    return [_answer(run) for run in _runs(shared, job)]


def stored_answers(shared: Shared, job: Job) -> list[Answer]:
    """Run a job and keep it below `shared.folder`; the answers come last, so they mark it done.

    What is returned is what was kept: a run that is resumed has the same, to the order of details.
    Raises UserError, which names the strategy, for a search that does not suit it.
    """
    assert shared.folder is not None
    try:
        runs = _runs(shared, job)
    except PluginError:
        raise
    except UserError as error:
        raise UserError(f"The strategy {job.strategy}: {error}") from error
    name = key(job, shared.plugin_folders)
    if shared.traces:
        provenance = {**shared.provenance, "job": name}
        traces = [(run.seed, run.trace) for run in runs]
        write_traces(shared.folder / f"{name}.trace.parquet", traces, provenance)
    _write_timing(shared.folder / f"{name}.timing.parquet", runs)
    kept = [{**dataclasses.asdict(_answer(run)), "optimiser_seconds": None} for run in runs]
    text = json_text(kept)
    write_text(shared.folder / f"{name}.json", text)
    return _answers_of(text)


def tried_answers(shared: Shared, job: Job) -> list[Answer] | str:
    """Do as `stored_answers`, or return why the strategy failed; nothing is kept then."""
    try:
        return stored_answers(shared, job)
    except PluginError as error:
        return str(error)


def read_answers(path: Path) -> list[Answer] | None:
    """Return the answers a job kept, or None where there are none that can be read."""
    try:
        return _answers_of(path.read_text("utf-8"))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _answers_of(text: str) -> list[Answer]:
    return [
        Answer(**{**row, "cells": tuple(row["cells"]), "optimiser_seconds": float("nan")})
        for row in of_json(text)
    ]


def _runs(shared: Shared, job: Job) -> list[Run]:
    if shared.plugin_files:
        _read[_resolved(shared.plugin_folders)] = shared.plugin_files
    strategy = strategy_of(job.strategy, shared.plugin_folders)
    parameters = fill(strategy.parameters, job.parameters, f"The strategy {job.strategy}")
    problem = shared.problems[job.problem]
    return [
        replay(strategy, problem, job.budget, parameters, seed)
        for seed in range(job.first_seed, job.first_seed + job.seeds)
    ]


def _answer(run: Run) -> Answer:
    return Answer(
        seed=run.seed,
        cells=run.answer,
        feasible=run.feasible,
        reason=run.reason,
        queries=run.queries,
        simulated_seconds=run.simulated_seconds,
        optimiser_seconds=run.total_optimiser_seconds,
        details=run.details,
    )


def _write_timing(path: Path, runs: Sequence[Run]) -> None:
    lengths = [len(run.optimiser_seconds) for run in runs]
    table = pa.table(
        {
            "seed": np.repeat([run.seed for run in runs], lengths).astype(np.int64),
            "step": np.concatenate([np.arange(n, dtype=np.int32) for n in lengths]),
            "optimiser_seconds": np.concatenate([run.optimiser_seconds for run in runs]),
        }
    )
    write_atomically(path, lambda part: pq.write_table(table, part, compression="zstd"))


@functools.cache
def _files(strategy: str, folders: tuple[Path, ...], as_read: str) -> dict[str, str]:
    return files_beside(plugins.find("strategies", folders)[strategy].path)


def _images(job: Job, folders: Sequence[Path]) -> str:
    """Return a digest of the images that a job's strategy measures networks with, or nothing."""
    named = strategy_of(job.strategy, folders).images
    if named is None:
        return ""
    from benchsuite.proxies._scoring.images import content

    return content(job.parameters.get(named))
