"""Studies: a TOML file that names searches, run as content-addressed jobs that can be resumed.

    schema = 1
    name = "published-budget"

    [[searches]]
    strategy = "rea"
    dataset = "cifar10"
    epochs = 12
    seeds = 500
    budget = { seconds = 12000 }
    parameters = { population = 10 }
    bounds = { "cifar10.flops" = 1e8 }

Optional at the top: `traces = true`, `shard = 50` (seeds per job) and `[defaults]` with any field
of a search, in whose place the search's own stands, also a whole table of bounds. A search may also
set `label`, `device`, `runtime`, `first_seed`, `proxy_seconds` and
`skeleton = { cells_per_stage = 1 }`.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchsuite import plugins
from benchsuite.bounds import of_toml
from benchsuite.digest import digest
from benchsuite.errors import PluginError, UserError, did_you_mean
from benchsuite.files import read_text, shipped
from benchsuite.notations import json_text
from benchsuite.parallel.lost import resumable
from benchsuite.parallel.pool import map_jobs
from benchsuite.parameters import LAST_SEED, check_number, fill
from benchsuite.replays import jobs
from benchsuite.replays.jobs import Job, Shared
from benchsuite.replays.judgement import Answer
from benchsuite.simulation.problem import Problem, prepare
from benchsuite.simulation.search import Budget
from benchsuite.simulation.setting import Setting
from benchsuite.simulation.trace import is_whole
from benchsuite.space.network import OFFICIAL, Skeleton
from benchsuite.table.table import Table

SCHEMA = 1
SHIPPED = shipped("studies")


@dataclass(frozen=True)
class Entry:
    """One search of a study, as written; see the module's text for the fields."""

    strategy: str
    budget: Budget
    setting: Setting
    parameters: Mapping[str, Any]
    seeds: int
    first_seed: int
    label: str


@dataclass(frozen=True)
class Study:
    """A checked study file; `text` is the file's, so that a result can say what made it."""

    name: str
    searches: tuple[Entry, ...]
    traces: bool = False
    shard: int = 50
    text: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of all that the study says and of its file, 12 hexadecimal digits.

        It also tells searches that were changed after they were read, as a quick run does.
        """
        return digest(self)[:12]


@dataclass(frozen=True)
class Plan:
    """The jobs of a study on one table: per search its jobs, and the problems they share.

    failed: by the position of a search without jobs, why its strategy cannot be used;
    plugin_files: of `jobs.read_anew`.
    """

    jobs: tuple[tuple[Job, ...], ...]
    problems: Mapping[str, Problem]
    failed: Mapping[int, str] = field(default_factory=dict)
    plugin_files: str = ""


@dataclass(frozen=True)
class _Fields:
    strategy: str = ""
    dataset: str = "cifar10"
    epochs: int | None = None
    seeds: int = 0
    first_seed: int = 0
    device: str | None = None
    runtime: str | None = None
    label: str | None = None
    budget: Any = None
    parameters: Any = None
    bounds: Any = None
    skeleton: Any = None
    proxy_seconds: Any = None


@dataclass(frozen=True)
class _Top:
    schema: int = 0
    name: str = ""
    traces: bool = False
    shard: int = 50


_TABLES = ("budget", "parameters", "bounds", "skeleton", "proxy_seconds")


def find(named: str | Path, folders: Sequence[Path] = ()) -> Path:
    """Return the file of a study: that of its name, the plug-in folders' first, or a path.

    named: a name like `baselines`, of `studies/baselines.toml`, or the path of any file. Raises
    UserError, with the nearest names, for a name that neither is a study nor a file.
    """
    path = Path(named)
    if path.suffix == ".toml" or path.name != str(named):
        return path
    known = named_files(folders)
    if path.name in known or os.path.isfile(path):  # Which takes names of any length.
        return known.get(path.name, path)
    raise UserError(
        f"There is no study {path.name!r}, and no file of that name; there are "
        f"{', '.join(sorted(known))}." + did_you_mean(path.name, known)
    )


def named_files(folders: Sequence[Path] = ()) -> dict[str, Path]:
    """Return the files of the studies that have a name, sorted; the plug-in folders' come first.

    Raises UserError as `plugins.find`.
    """
    of_others = [root / plugins.STUDIES for root in plugins.roots(folders)]
    places = [SHIPPED, *reversed(of_others)]
    known = {file.stem: file for place in places for file in place.glob("[!.]*.toml")}
    return dict(sorted(known.items()))


def about(path: Path) -> str:
    """Return the first sentence of the comment that a study file begins with, empty for none."""
    comment = itertools.takewhile(lambda line: line[:1] == "#", read_text(path).split("\n"))
    return re.split(r"(?<=\.) ", " ".join(line[1:].strip() for line in comment))[0]


def load(path: Path) -> Study:
    """Read and check a study file; every mistake is a UserError that names the search it is in."""
    try:
        text = read_text(path)
        written = of_toml(text)
    except ValueError as error:
        raise UserError(f"The study {path} is not TOML: {error}.") from error
    searches = written.pop("searches", None)
    defaults = written.pop("defaults", {})
    top = fill(_Top, _known(_Top, written, str(path), ("searches", "defaults")), str(path))
    if top.schema != SCHEMA:
        raise UserError(f"{path} has schema {top.schema}; this version reads schema = {SCHEMA}.")
    if not top.name or not top.name.replace("-", "").replace("_", "").isalnum():
        raise UserError(f"{path} needs a name of letters, digits, - and _; it has {top.name!r}.")
    if top.shard < 1:
        raise UserError(f"{path} has {top.shard} seeds per job; 1 or more are needed.")
    if not isinstance(defaults, dict):
        raise UserError(f"{path}: defaults are a table, as in [defaults], not {defaults!r}.")
    if not isinstance(searches, list) or not searches:
        raise UserError(f"{path} names no search: at least one [[searches]] is needed.")
    entries = tuple(
        _named_entry(defaults, one, f"Search {i} of {path}")
        for i, one in enumerate(searches, start=1)
    )
    labels = [entry.label for entry in entries]
    if twice := {label for label in labels if labels.count(label) > 1}:
        raise UserError(
            f"{path} has several searches labelled {twice.pop()!r}; give each its own `label`."
        )
    return Study(top.name, entries, top.traces, top.shard, text)


def plan(study: Study, table: Table, folders: Sequence[Path] = ()) -> Plan:
    """Check a study against a table and cut it into jobs; nothing runs and nothing is written.

    Strategies are those of the files as they are now; `run` goes on with them.
    """
    plugin_files = jobs.read_anew(folders)
    planned: list[tuple[Job, ...]] = []
    problems, failed = {}, {}
    keys: dict[str, str] = {}  # searches of one setting share a problem, which takes time to cut
    for position, entry in enumerate(study.searches):
        try:
            strategy = jobs.strategy_of(entry.strategy, folders)
            parameters = jobs.checked_parameters(entry.strategy, strategy, entry.parameters)
            setting = digest(entry.setting)
            at = keys.get(setting)
            if at is None:
                problem = prepare(table, entry.setting)
                at = keys[setting] = jobs.problem_key(problem)
                problems[at] = problem
        except PluginError as error:
            failed[position] = str(error)
            planned.append(())
            continue
        except UserError as error:
            raise UserError(f"Search {entry.label}: {error}") from error
        job = Job(entry.strategy, parameters, at, entry.budget, entry.first_seed, entry.seeds)
        planned.append(tuple(jobs.shards(job, study.shard)))
    return Plan(tuple(planned), problems, failed, plugin_files)


def run(
    plan: Plan,
    folder: Path,
    *,
    traces: bool = False,
    workers: int = 1,
    cluster: str | None = None,
    plugin_folders: Sequence[Path] = (),
    provenance: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], None] = lambda done, all_: None,
) -> list[list[Answer] | str]:
    """Run the jobs that are not done yet; return the answers of each search, by seed.

    Of a search whose strategy fails, return the sentence about it; the others go on.
    folder: where finished jobs are kept, `<key>.json` each; a run that was stopped or killed loses
    only the jobs under way. progress: called with the jobs done and the jobs there are.
    """
    flat = [job for search in plan.jobs for job in search]
    paths = [folder / f"{jobs.key(job, plugin_folders)}.json" for job in flat]
    found = {path: jobs.read_answers(path) for path in paths}
    if traces:
        found = {p: a for p, a in found.items() if is_whole(p.with_suffix(".trace.parquet"))}
    missing = {p: job for p, job in zip(paths, flat, strict=True) if found.get(p) is None}
    done = len(set(paths)) - len(missing)
    progress(done, len(set(paths)))
    if cluster:  # Its workers run in folders of their own.
        folder, plugin_folders = folder.resolve(), [path.resolve() for path in plugin_folders]
    shared = Shared(
        plan.problems,
        tuple(plugin_folders),
        folder,
        traces,
        dict(provenance or {}),
        plan.plugin_files,
    )
    targets = list(missing)
    failed: dict[Path, str] = {}
    mapped = map_jobs(
        jobs.tried_answers, list(missing.values()), shared, workers=workers, cluster=cluster
    )
    with resumable(), closing(mapped) as running:
        for at, answers in running:
            if isinstance(answers, str):
                failed[targets[at]] = answers
            elif not targets[at].exists():
                raise UserError(
                    f"A worker kept its results elsewhere: {folder} has to be a folder that all "
                    "machines share, and the workers need the same code, libraries and images, "
                    "which do not change meanwhile."
                )
            else:
                found[targets[at]] = answers
            done += 1
            progress(done, len(set(paths)))
    results: list[list[Answer] | str] = []
    position = 0
    for at, search in enumerate(plan.jobs):
        of_search = paths[position : position + len(search)]
        position += len(search)
        why = plan.failed.get(at) or next((failed[p] for p in of_search if p in failed), None)
        kept = [found.get(path) or [] for path in of_search]
        results.append(why or [answer for answers in kept for answer in answers])
    return results


def described(entry: Entry) -> dict[str, Any]:
    """Return a search as plain values, for provenance."""
    return json.loads(json_text(dataclasses.asdict(entry), default=str))  # type: ignore[no-any-return]


def _named_entry(defaults: Mapping[str, Any], written: Any, where: str) -> Entry:
    """Return `_entry`; what is wrong with a budget or a skeleton in itself names the search too."""
    try:
        return _entry(defaults, written, where)
    except UserError as error:
        if where.lower() in str(error).lower():
            raise
        raise UserError(f"{where}: {error}") from error


def _entry(defaults: Mapping[str, Any], written: Any, where: str) -> Entry:
    if not isinstance(written, dict):
        raise UserError(f"{where} is no table of fields.")
    merged = {**defaults, **written}
    given = _known(_Fields, merged, where)
    tables = {name: given.pop(name) for name in _TABLES if name in given}
    for name, value in tables.items():
        if not isinstance(value, dict):
            raise UserError(f"{where}: {name} is a table, as in {name} = {{ ... }}, not {value!r}.")
    fields = fill(_Fields, given, where)
    if not fields.strategy:
        raise UserError(f"{where} names no strategy.")
    if fields.seeds < 1 or not 0 <= fields.first_seed <= LAST_SEED + 1 - fields.seeds:
        raise UserError(
            f"{where} needs seeds = 1 or more, starting at 0 or later and ending below 2^63."
        )
    if "budget" not in tables:
        raise UserError(f"{where} has no budget, as in budget = {{ seconds = 12000 }}.")
    skeleton = tables.get("skeleton")
    if skeleton is not None:
        whole = OFFICIAL.get(fields.dataset, Skeleton())
        skeleton = dataclasses.asdict(whole) | skeleton
        skeleton = fill(Skeleton, skeleton, f"{where}: skeleton")
    setting = Setting(
        dataset=fields.dataset,
        epochs=fields.epochs,
        bounds=_numbers(tables.get("bounds", {}), f"{where}: a bound"),
        device=fields.device,
        runtime=fields.runtime,
        skeleton=skeleton,
        proxy_seconds=_numbers(tables.get("proxy_seconds", {}), f"{where}: a proxy's seconds"),
    )
    return Entry(
        strategy=fields.strategy,
        budget=fill(Budget, tables["budget"], f"{where}: budget"),
        setting=setting,
        parameters=tables.get("parameters", {}),
        seeds=fields.seeds,
        first_seed=fields.first_seed,
        label=fields.label or fields.strategy,
    )


def _known(
    kind: type, given: Mapping[str, Any], where: str, also: Sequence[str] = ()
) -> dict[str, Any]:
    known = [f.name for f in dataclasses.fields(kind)]
    for name in given:
        if name not in known:
            raise UserError(
                f"{where} has an unknown field {name!r}; known are {', '.join([*known, *also])}."
                + did_you_mean(name, [*known, *also])
            )
    return dict(given)


def _numbers(given: Mapping[str, Any], what: str) -> dict[str, float]:
    return {name: float(check_number(value, f"{what}, {name},")) for name, value in given.items()}
