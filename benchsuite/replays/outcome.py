"""The outcome of a study: its searches run, judged and summarised."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchsuite.errors import PluginError, UserError, some
from benchsuite.files import write_text
from benchsuite.notations import csv_text, json_text, plain
from benchsuite.numerics.stated import stated, stated_frame, stated_json
from benchsuite.parameters import check_whole
from benchsuite.provenance import environment, optional_versions
from benchsuite.replays import jobs, study
from benchsuite.replays.judgement import attainable, estimated, failures, judge, sources, summarise
from benchsuite.replays.study import Study
from benchsuite.table.table import Table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the searches of a study found on one table.

    runs: one row per search and seed, as `judge.judge` describes it, and its label in `search`;
    summary: label -> column -> statistics (`judge.summarise`); fronts: label -> per seed, in the
    order of `runs`, every cell answered, the pick first; trace_files: label -> Parquet files, empty
    for a study without `traces = true`; provenance: what made it; failed: label -> why a search
    whose strategy is a plug-in that fails is in none of the others.
    """

    study: Study
    runs: pd.DataFrame
    summary: Mapping[str, Mapping[str, Mapping[str, float]]]
    fronts: Mapping[str, tuple[tuple[int, ...], ...]]
    trace_files: Mapping[str, tuple[Path, ...]]
    provenance: Mapping[str, Any]
    failed: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        searches = [
            f"  {label}: {len(cells)} runs, {self._accuracy(label)}"
            for label, cells in self.fronts.items()
        ]
        lost = [f"  {label}: failed" for label in self.failed]
        shown = [*searches, *lost]
        more = [f"  and {len(shown) - _SHOWN} more"] if len(shown) > _SHOWN else []
        return "\n".join([f"Study {self.study.name}", *shown[:_SHOWN], *more])

    def _accuracy(self, label: str) -> str:
        """Return the test accuracies of a search, those that are estimates marked so."""
        of = {entry.label: entry.setting.dataset for entry in self.study.searches}
        estimates = self.provenance.get("estimated", {}).get(of.get(label), ())
        found = [
            f"{name}{' ESTIMATED' * (name in estimates)} {stated(stats['mean']):.2f} %"
            for name, stats in self.summary[label].items()
            if name[:5] == "test."
        ]
        return ", ".join(found) or "no pick"

    def trace(self, label: str) -> pd.DataFrame:
        """Return every look of a search, all seeds, in order (`trace.Trace`).

        Raises UserError for a search that is not there, failed, or kept no traces.
        """
        import pandas as pd

        if not self.trace_files.get(label):
            known = [name for name, files in self.trace_files.items() if files]
            raise UserError(
                f"There are no traces of {label!r}: a study with traces = true has them, here of "
                f"{some(known) if known else 'no search'}."
            )
        return pd.concat([pd.read_parquet(path) for path in self.trace_files[label]])

    def write(self, folder: Path, line: str) -> list[Path]:
        """Write runs.csv and, with a line of provenance, summary.json; return their paths."""
        csv = csv_text(stated_frame(self.runs))
        about = stated_json({**self.to_json(), "line": line})
        text = json_text(about, indent=2, sort_keys=True) + "\n"
        paths = [folder / "runs.csv", folder / "summary.json"]
        for path, content in zip(paths, (csv, text), strict=True):
            write_text(path, content)
        return paths

    def failures(self) -> list[str]:
        """Return a sentence per search and reason for which runs of it failed."""
        groups = self.runs.groupby("search", sort=False)
        return [f"{label}: {line}" for label, rows in groups for line in failures(rows)]

    def to_json(self) -> dict[str, Any]:
        """Return summary, searches as they were set, and provenance as plain values."""
        found: dict[str, Any] = {
            "summary": self.summary,
            "failures": self.failures(),
            "searches": {entry.label: study.described(entry) for entry in self.study.searches},
            "provenance": self.provenance,
            **({"failed": self.failed} if self.failed else {}),
        }
        return {name: plain(value) for name, value in found.items()}


def run(
    chosen: Study,
    table: Table,
    folder: Path,
    *,
    seeds: int | None = None,
    at_most: int | None = None,
    workers: int = 1,
    cluster: str | None = None,
    plugin_folders: Sequence[Path] = (),
    progress: Callable[[int, int], None] = lambda done, jobs: None,
) -> Outcome:
    """Run a study on a table, or go on where it was stopped, and judge it.

    folder: finished jobs are kept in its `jobs/`; seeds: run as many per search, not the study's;
    at_most: of those, run no more;
    workers, cluster: as `pool.map_jobs`;
    progress: called with the jobs done and the jobs there are. Raises UserError before anything is
    written where the study does not fit the table, and PluginError where every search fails.
    """
    import pandas as pd

    for number, what in ((seeds, "The number of seeds"), (at_most, "The most seeds")):
        if number is not None:
            check_whole(number, what, low=1)
    chosen = dataclasses.replace(
        chosen,
        searches=tuple(
            dataclasses.replace(entry, seeds=_seeds(seeds or entry.seeds, at_most))
            for entry in chosen.searches
        ),
    )
    planned = study.plan(chosen, table, plugin_folders)
    found = study.run(
        planned,
        folder / "jobs",
        traces=chosen.traces,
        workers=workers,
        cluster=cluster,
        plugin_folders=plugin_folders,
        provenance={"study": chosen.name, "table": table.checksum},
        progress=progress,
    )
    failed, answered, parts = {}, {}, {}
    for entry, answers, search in zip(chosen.searches, found, planned.jobs, strict=True):
        if isinstance(answers, str):
            failed[entry.label] = answers
        else:
            answered[entry.label], parts[entry.label] = answers, search
    if not answered:
        raise PluginError(" ".join(f"Search {label}: {why}" for label, why in failed.items()))
    settings = {entry.label: entry.setting for entry in chosen.searches}
    judged = {label: judge(table, settings[label], found) for label, found in answered.items()}
    files = {
        label: tuple(
            folder / "jobs" / f"{jobs.key(job, plugin_folders)}.trace.parquet" for job in of_search
        )
        for label, of_search in parts.items()
    }
    return Outcome(
        study=chosen,
        runs=pd.concat([rows.assign(search=label) for label, rows in judged.items()]),
        summary={
            label: summarise(rows, attainable(table, settings[label]))
            for label, rows in judged.items()
        },
        fronts={
            label: tuple(answer.cells for answer in answers) for label, answers in answered.items()
        },
        trace_files=files if chosen.traces else dict.fromkeys(answered, ()),
        provenance={
            "study": chosen.name,
            "study_digest": chosen.digest,
            "seeds": _asked(seeds, at_most),
            "table": table.checksum,
            "made_by": {**environment(), "extras": optional_versions()},
            "judged_by": {
                short: full
                for dataset in dict.fromkeys(of.dataset for of in settings.values())
                for short, full in sources(table, dataset).items()
            },
            "estimated": {
                dataset: estimated(table, dataset)
                for dataset in dict.fromkeys(of.dataset for of in settings.values())
            },
            **{k: v for k, v in table.provenance.items() if k != "made_by"},
        },
        failed=failed,
    )


_SHOWN = 30  # Searches in a representation, which fits on a screen.


def _asked(seeds: int | None, at_most: int | None) -> int | str:
    if at_most is None:
        return seeds or "as in the study"
    return min(seeds, at_most) if seeds else f"at most {at_most}"


def _seeds(wanted: int, at_most: int | None) -> int:
    return wanted if at_most is None else min(wanted, at_most)
