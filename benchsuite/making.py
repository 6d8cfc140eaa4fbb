"""Run the studies that reports need and make the reports, several at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchsuite import plugins
from benchsuite.errors import UserError
from benchsuite.pool import map_jobs
from benchsuite.table import Table

if TYPE_CHECKING:
    from benchsuite.api import Report
    from benchsuite.outcomes import Outcome
    from benchsuite.page import Entry


@dataclass(frozen=True)
class Making:
    """What a worker needs: the table, the folder to write below, and what studies found.

    lost: study -> why it found nothing; seeds: per search, None for the studies' own; at_most: of
    those no more.
    """

    table: Table
    folder: Path
    plugin_folders: tuple[Path, ...] = ()
    seeds: int | None = None
    at_most: int | None = None
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    lost: Mapping[str, str] = field(default_factory=dict)

    def reports(self) -> dict[str, Report]:
        """Return every report by name."""
        names = plugins.find("reports", self.plugin_folders)
        return {name: self.report(name) for name in names}

    def report(self, name: str) -> Report:
        """Return a report."""
        found: Report = plugins.load("reports", name, self.plugin_folders)
        return found

    def with_studies(self, found: Mapping[str, Outcome | str]) -> Making:
        """Return the same with studies, each an outcome or the reason why there is none."""
        lost = {name: what for name, what in found.items() if isinstance(what, str)}
        outcomes = {name: what for name, what in found.items() if not isinstance(what, str)}
        return replace(self, outcomes=outcomes, lost=lost)


def studies(making: Making, workers: int) -> Iterator[tuple[str, Outcome | str]]:
    """Yield (name, outcome) of every study that a report names, or (name, why there is none).

    Finished jobs are kept below `studies/<name>/jobs`; a run that was stopped goes on.
    """
    names = list(dict.fromkeys(s for r in making.reports().values() for s in r.studies))
    for at, found in map_jobs(run_study, names, making, workers=min(workers, max(1, len(names)))):
        yield names[at], found


def run_study(making: Making, name: str) -> Outcome | str:
    """Run a study and write what it found; return it, or why it cannot be run on this table."""
    from benchsuite import outcomes, study

    folder = making.folder / "studies" / name
    try:
        outcome = outcomes.run(
            study.load(study.find(name, making.plugin_folders)),
            making.table,
            folder,
            seeds=making.seeds,
            at_most=making.at_most,
            plugin_folders=making.plugin_folders,
        )
    except UserError as error:
        return str(error)
    outcome.write(folder, making.table.provenance_line)
    return outcome


def reports(making: Making, workers: int) -> Iterator[Entry]:
    """Yield every report as it is made and written."""
    names = list(making.reports())
    for _, entry in map_jobs(make_report, names, making, workers=workers):
        yield entry


def make_report(making: Making, name: str) -> Entry:
    """Make and write a report; what it lacks is the reason in its entry."""
    from benchsuite import artefacts
    from benchsuite.page import Entry

    report = making.report(name)
    lost = [f"study {of}: {making.lost[of]}" for of in report.studies if of in making.lost]
    if lost:
        return Entry.of(name, report, reason="; ".join(lost))
    table = making.table
    try:
        result = report.make(table, making.outcomes) if report.studies else report.make(table)
    except UserError as error:
        return Entry.of(name, report, reason=str(error))
    files = artefacts.write(result, making.folder / "reports", table.provenance_line)
    return Entry.of(name, report, result, files=files)
