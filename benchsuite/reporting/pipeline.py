"""Run the studies that reports need and make the reports, several at a time, the longest first."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from benchsuite import plugins
from benchsuite.api import Result
from benchsuite.calling import call, failure, file_of, misuse
from benchsuite.digest import digest
from benchsuite.errors import PluginError, UserError
from benchsuite.packages import files_below
from benchsuite.parallel import clusters, memory, schedule
from benchsuite.parallel.cores import cores
from benchsuite.parallel.lost import resumable
from benchsuite.reporting import durations
from benchsuite.table.table import Table

if TYPE_CHECKING:
    from benchsuite.api import Report
    from benchsuite.replays.outcome import Outcome
    from benchsuite.replays.study import Entry, Study
    from benchsuite.reporting.page import MadeReport

    Made = Outcome | str | MadeReport

TABLE = "table.parquet"
QUICK_SEEDS = 1
QUICK_STEPS = 0.25
QUICK_FORMATS = ("png",)
SECONDS = 3.0  # of a job of a study, where nothing is known: they are cut to take about as long
STUDY = "study "  # Before the name of a study that is a job; reports are jobs by their own names.
MEMORY = 700e6  # B, of a worker: up to 640 MB were measured
PRELOADED = f"{__package__}.preloaded"


@dataclass(frozen=True)
class Making:
    """What a worker needs: the folder to write below, which holds the table, and how to search.

    seeds: per search, None for the studies' own; quick: figures as PNG alone, and see `shortened`;
    cluster: where the workers are, empty for processes of this machine; read: checksum of the table
    and digest of the plug-ins, which those of a cluster have to find the same.
    """

    folder: Path
    plugin_folders: tuple[Path, ...] = ()
    seeds: int | None = None
    quick: bool = False
    cluster: str = ""
    read: tuple[str, str] = ("", "")

    @property
    def table(self) -> Table:
        """The table, read once by each process."""
        return _table(self.folder / TABLE, self.read[0])

    def sent(self) -> Making:
        """Return it for workers of a cluster, whose current folder is another."""
        folders = tuple(folder.resolve() for folder in self.plugin_folders)
        read = self.table.checksum, digest([files_below(folder, links=True) for folder in folders])
        return replace(self, folder=self.folder.resolve(), plugin_folders=folders, read=read)

    def check(self) -> None:
        """Raise UserError where this worker has not the table and the plug-ins of the caller."""
        if not self.cluster:
            return
        where, missed = self.folder / TABLE, not (self.folder / TABLE).is_file()
        if missed or self.table.checksum != self.read[0]:
            raise UserError(
                f"A worker of {self.cluster} finds {'no' if missed else 'another'} table in "
                f"{where}: --out has to be a folder that all machines share, under the same path."
            )
        if _plugin_files(self.plugin_folders) != self.read[1]:
            raise UserError(
                f"A worker of {self.cluster} has other files in --plugins, or read them before "
                "they were edited: share the folder under the same path, and restart the workers."
            )


@contextmanager
def workers(number: int | None, cluster: str = "") -> Iterator[tuple[Executor, int]]:
    """Yield workers and how many jobs to give them at a time; see `schedule.workers`, `clusters`.

    Processes of this machine import what they need while the caller makes the table.
    """
    for kept in (_table, _reports, _plugin_files):  # Of an earlier run in this process.
        kept.cache_clear()
    if cluster:
        with clusters.opened(cluster, number) as opened:
            yield opened
        return
    number = number or most_workers()
    with schedule.workers(number, (PRELOADED,), each=MEMORY) as pool:
        yield pool, number


def most_workers() -> int:
    """Return how many workers there are by default: one per core, if memory has room for them."""
    return min(cores(), memory.room(MEMORY))


def needs(plugin_folders: tuple[Path, ...]) -> dict[str, tuple[str, ...]]:
    """Return every report by name with the studies that it needs; none if it does not import."""
    return {
        name: () if isinstance(report, str) else tuple(report.studies)
        for name, report in _reports(plugin_folders).items()
    }


def jobs(
    reports: Mapping[str, Sequence[str]], seconds: Mapping[str, float]
) -> dict[str, tuple[str, ...]]:
    """Return studies and reports as jobs, with the jobs they need, in the order to start them.

    seconds: that jobs will take: the longest come first, so that none of them is left for the end.
    Of others studies come before all, for reports wait for them, and reports after all.
    """
    studies = {STUDY + study: () for of in reports.values() for study in of}
    of_reports = {name: tuple(STUDY + study for study in of) for name, of in reports.items()}
    needs: dict[str, tuple[str, ...]] = {**studies, **of_reports}
    unknown = {name: math.inf if name in studies else 0.0 for name in needs}
    order = sorted(needs, key=lambda name: -seconds.get(name, unknown[name]))
    return {name: needs[name] for name in order}


def run(
    making: Making, pool: Executor, number: int, reports: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, Made]]:
    """Yield every study and report as it is done and written.

    A study is (name, its outcome or why there is none), a report (name, its entry). Finished jobs
    of studies are kept below `studies/<name>/jobs`; a run that was stopped goes on. Raises
    LostError where the workers of a cluster were lost for good, and UserError where two reports
    write one file.
    """
    from benchsuite.reporting.artefacts import check_apart
    from benchsuite.reporting.page import MadeReport

    written: dict[Path, str] = {}
    for name, made in _made(making, pool, number, reports):
        if isinstance(made, MadeReport):
            check_apart(written, name, made.files)
        yield name, made


def _made(
    making: Making, pool: Executor, number: int, reports: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, Made]]:
    order = jobs(reports, seconds_of(making, reports))
    if not making.cluster:
        for name, made in schedule.run(pool, number, _job, order, making):
            yield name.removeprefix(STUDY), made
        return
    sent = making.sent()
    with resumable(), clusters.losses(making.cluster):
        for name, made in schedule.run(pool, number, _job, order, sent):
            yield name.removeprefix(STUDY), _received(making, sent, made)


def _received(making: Making, sent: Making, made: Made) -> Made:
    """Return what a worker of a cluster made, with its files as the caller names them."""
    from benchsuite.reporting.page import MadeReport

    if not isinstance(made, MadeReport):
        return made
    files = tuple(making.folder / path.relative_to(sent.folder) for path in made.files)
    if gone := [path for path in files if not path.exists()]:
        raise UserError(
            f"A worker of {making.cluster} wrote {gone[0]} elsewhere: --out has to be a folder "
            "that all machines share, under the same path."
        )
    return replace(made, files=files)


def seconds_of(making: Making, reports: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Return how long jobs will take: as long as before; studies that never ran, by their size."""
    from benchsuite.replays import study

    seconds = {}
    for name in {name for of in reports.values() for name in of}:
        with suppress(UserError):
            chosen = study.load(study.find(name, making.plugin_folders))
            shards = sum(math.ceil(entry.seeds / chosen.shard) for entry in chosen.searches)
            seconds[STUDY + name] = SECONDS * shards
    return seconds | durations.known(durations.folder(making.quick))


def _job(making: Making, name: str, needed: Mapping[str, Made]) -> Made:
    making.check()
    if making.seeds is not None:  # as long as they say
        return _done(making, name, needed)
    with durations.timed(durations.folder(making.quick), name):
        return _done(making, name, needed)


def _done(making: Making, name: str, needed: Mapping[str, Made]) -> Made:
    if name.startswith(STUDY):
        return run_study(making, name.removeprefix(STUDY))
    studies = cast("Mapping[str, Outcome | str]", needed)
    return make_report(making, name, {of.removeprefix(STUDY): it for of, it in studies.items()})


class Failed(str):
    """Why a study has no outcome, where that is because a plug-in fails."""


def run_study(making: Making, name: str) -> Outcome | str:
    """Run a study and write what it found; return it, or why it cannot be run on this table."""
    from benchsuite.replays import outcome as outcomes
    from benchsuite.replays import study

    folder = making.folder / "studies" / name
    try:
        chosen = study.load(study.find(name, making.plugin_folders))
        outcome = outcomes.run(
            shortened(chosen) if making.quick else chosen,
            making.table,
            folder,
            seeds=making.seeds,
            at_most=QUICK_SEEDS if making.quick else None,
            plugin_folders=making.plugin_folders,
        )
    except PluginError as error:
        return Failed(error)
    except UserError as error:
        return str(error)
    outcome.write(folder, making.table.provenance_line)
    return outcome


def shortened(study: Study) -> Study:
    """Return a study for a quick run: gradient descents take `QUICK_STEPS` of their steps.

    What a descent costs on the simulated clock is stated for all its steps, so it stays the same.
    """
    return replace(study, searches=tuple(map(_shortened, study.searches)))


def _shortened(entry: Entry) -> Entry:
    steps = entry.parameters.get("steps")
    if not isinstance(steps, int):
        return entry
    fewer = max(1, int(steps * QUICK_STEPS))
    return replace(entry, parameters={**entry.parameters, "steps": fewer})


def make_report(making: Making, name: str, studies: Mapping[str, Outcome | str]) -> MadeReport:
    """Make and write a report; what it lacks is the reason in its entry.

    studies: what those that it needs found, or the reasons why there is nothing.
    """
    from benchsuite.reporting import artefacts
    from benchsuite.reporting.page import MadeReport

    report = _reports(making.plugin_folders)[name]
    if isinstance(report, str):
        return MadeReport(name, name, "", reason=report, failed=True)
    lost = [f"study {of}: {why}" for of, why in studies.items() if isinstance(why, str)]
    found = {of: outcome for of, outcome in studies.items() if not isinstance(outcome, str)}
    for of, outcome in found.items():
        lost += [f"study {of}, search {at}: {why}" for at, why in outcome.failed.items()]
    if lost:
        return MadeReport.of(name, report, reason="; ".join(lost))
    table = making.table
    formats = QUICK_FORMATS if making.quick else artefacts.FORMATS
    make: Callable[..., Result] = report.make
    try:
        result = call(
            f"The report {name} failed", make, table, *([studies] if report.studies else [])
        )
        if not isinstance(result, Result):
            what = f"The report {name} made a {type(result).__name__}, not a Result"
            raise misuse(what, report.make)
        try:
            line = artefacts.line_of(table, found, quick=making.quick)
            files = artefacts.write(result, making.folder / "reports", line, formats)
            return MadeReport.of(name, report, result, files=files)
        except UserError:
            raise
        except Exception as error:  # of what the report made: no table, no figure
            what = f"The report {name} made what cannot be written"
            raise failure(what, error, file_of(report.make)) from error
    except PluginError as error:
        return replace(MadeReport.of(name, report, reason=str(error)), failed=True)
    except UserError as error:
        return MadeReport.of(name, report, reason=str(error))


@functools.lru_cache(maxsize=1)
def _table(path: Path, _checksum: str) -> Table:
    return Table.open(path)


@functools.cache
def _plugin_files(folders: tuple[Path, ...]) -> str:
    """Return the digest of plug-in folders as they were when this process first saw them."""
    return digest([files_below(folder, links=True) for folder in folders])


@functools.cache
def _reports(folders: tuple[Path, ...]) -> dict[str, Report | str]:
    """Return every report by name, or why it cannot be used; files are looked for only once."""
    reports: dict[str, Report | str] = {}
    for name, plugin in plugins.find("reports", folders).items():
        try:
            reports[name] = plugins.record_of(plugin, "reports")
        except PluginError as error:
            reports[name] = str(error)
    return reports
