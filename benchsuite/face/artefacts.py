"""A table or a figure of a paper, made of the table of cells."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from benchsuite import plugins as plug_ins
from benchsuite.api import Report, Result
from benchsuite.arguments import checked
from benchsuite.calling import call, misuse
from benchsuite.errors import UserError
from benchsuite.face.searches import study
from benchsuite.face.tables import folders_of, given_or_loaded
from benchsuite.parameters import check_whole
from benchsuite.table.table import Table

if TYPE_CHECKING:
    from benchsuite.replays.outcome import Outcome


@checked
def report(
    name: str,
    table: Table | None = None,
    *,
    seeds: int | None = None,
    out: str | PathLike[str] = "out",
    workers: int = 1,
    plugins: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
    progress: Callable[[str, int, int], None] = lambda study, done, jobs: None,
) -> Result:
    """Return the tables and figures of a report, running the studies that it is made of.

    name: as `benchsuite ls reports` lists it; seeds: per search of its studies, not their own; out:
    where these keep their finished searches, below `studies`; workers: processes for them;
    progress: called with a study, its jobs done and the jobs there are. The figures of the result
    are matplotlib's, its tables pandas'. Raises UserError for a report that
    there is not, and for a table that lacks what it needs.

    >>> import benchsuite as bs
    >>> made = bs.report("flops_latency")
    >>> sorted(made.figures)
    ['flops_latency']
    """
    return made(name, table, seeds, out, workers, plugins, progress)[0]


def made(
    name: str,
    table: Table | None,
    seeds: int | None,
    out: str | PathLike[str],
    workers: int,
    plugins: str | PathLike[str] | Sequence[str | PathLike[str]],
    progress: Callable[[str, int, int], None],
) -> tuple[Result, dict[str, Outcome]]:
    """Return what `report` does, and what the studies found; raises UserError as it does."""
    if seeds is not None:
        check_whole(seeds, "The number of seeds", low=1)
    check_whole(workers, "The number of workers", low=1)
    folders = folders_of(plugins)
    record: Report = plug_ins.load("reports", name, folders)
    if seeds is not None and not record.studies:
        raise UserError(f"The report {name} has no searches, so there are no seeds to set.")
    data = given_or_loaded(table, plugins)
    studies = {
        of: study(
            of,
            data,
            seeds=seeds,
            out=Path(out) / "studies",
            workers=workers,
            plugins=folders,
            progress=functools.partial(progress, of),
        )
        for of in record.studies
    }
    make: Callable[..., Result] = record.make
    result = call(f"The report {name} failed", make, data, *([studies] if record.studies else []))
    if not isinstance(result, Result):
        what = f"The report {name} made a {type(result).__name__}, not a Result"
        raise misuse(what, record.make)
    return result, studies
