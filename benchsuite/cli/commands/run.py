"""Tabulate all cells, run the studies, make every report and the page: the main job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchsuite import plugins
from benchsuite.cli import (
    examples,
    json_option,
    plugins_option,
    print_json,
    print_wrapped,
    scores_option,
)
from benchsuite.cli.commands._cluster_option import cluster_option
from benchsuite.cli.commands._combinations import refuse
from benchsuite.cli.commands._countdown import Countdown
from benchsuite.cli.commands._lists import listed
from benchsuite.cli.commands._out_option import out_folder
from benchsuite.errors import UserError
from benchsuite.files import made_folder
from benchsuite.locks import held
from benchsuite.reporting.quantities import interval, percent
from benchsuite.table.columns import DATASETS
from benchsuite.terminal import say

if TYPE_CHECKING:
    from benchsuite.assembly.own_scores import Scores
    from benchsuite.replays.outcome import Outcome
    from benchsuite.reporting.page import MadeReport
    from benchsuite.reporting.pipeline import Making
    from benchsuite.table.table import Table

RESUMES = True  # Stopped, the same command goes on.
QUICK = (
    "A quick run: one seed per search, so searches have no intervals; searches by gradient descent "
    "whose study states their steps (UDC) take a quarter of them; figures are PNG alone."
)


@click.command(
    epilog=examples(
        "benchsuite run",
        "benchsuite run --quick",
        "benchsuite run --only monas_table2,monas_ntk --out results",
        "benchsuite run --out results --json",
        "benchsuite run --cluster dask://10.0.0.1:8786 --out shared/out",
    )
)
@out_folder("out", default=Path("out"), help="For the table, the tables and figures, and the page.")
@click.option(
    "--only", multiple=True, metavar="NAMES", help="These reports, by commas, and no page."
)
@click.option(
    "--quick",
    is_flag=True,
    help="One seed per search, UDC in a quarter of its steps, figures as PNG alone: to look at, "
    "not to report.",
)
@click.option("--seeds", type=click.IntRange(1), help="Seeds per search, not the studies' own.")
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="Studies and reports at a time. [default: one per core, if memory has room; per worker of "
    "a Dask cluster]",
)
@cluster_option
@scores_option
@plugins_option
@json_option
def command(
    out: Path,
    only: tuple[str, ...],
    quick: bool,
    seeds: int | None,
    workers: int | None,
    cluster: str | None,
    scores: Scores | None,
    plugin_folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Tabulate all 15,625 cells, run the studies that reports need, make reports and the page."""
    from benchsuite.reporting import pipeline

    if quick:
        refuse("--quick takes one seed per search", "seeds")
    names = listed("--only", only) if only else ()
    reports = [plugins.load("reports", name, plugin_folders) for name in names]
    if seeds is not None and names and not any(one.studies for one in reports):
        raise UserError("No report that is named has searches, so there are no seeds to set.")
    lock = held(out / ".run.lock", f"The folder {out}", "Wait for it, or give another --out.")
    with made_folder(out), lock:
        work = pipeline.Making(out, plugin_folders, seeds, quick, cluster or "")
        table, entries, outcomes = _made(work, names, workers, scores)
        studies = [out / "studies" / name for name in outcomes]
        written = [path for folder in studies for path in sorted(folder.glob("[!.]*.*"))]
        files = [out / pipeline.TABLE, *written, *(path for e in entries for path in e.files)]
        if not names:
            files = [_page(work, table, entries, outcomes), *files]
    if as_json:
        print_json(_json(table, entries, files))
        return
    if names:
        _say_made(table, entries)
        print(f"{len(files)} files below {out}.")
        return
    _print(table, entries)
    print(f"{len(files)} files below {out}. Open this in a browser:\n{files[0].resolve()}")


def _made(
    work: Making, names: Sequence[str], workers: int | None, scores: Scores | None
) -> tuple[Table, list[MadeReport], dict[str, Outcome]]:
    """Make the table, and of it the reports, all or those named, and their studies."""
    from benchsuite.assembly.whole import whole_table
    from benchsuite.parallel import schedule
    from benchsuite.reporting import page, pipeline

    with pipeline.workers(workers, work.cluster) as (pool, number):
        asked = schedule.InThisProcess() if work.cluster else pool
        all_needs = asked.submit(pipeline.needs, work.plugin_folders)
        say("Tabulating 15,625 cells ...")
        table = whole_table(work.plugin_folders, scores)
        table.write(work.folder / pipeline.TABLE)
        found: dict[str, Outcome] = {}
        entries: list[MadeReport] = []
        needs = {name: of for name, of in all_needs.result().items() if name in names or not names}
        seconds = pipeline.seconds_of(work, needs)
        countdown = Countdown(pipeline.jobs(needs, seconds), seconds, number)
        for name, made in pipeline.run(work, pool, number, needs):
            if isinstance(made, page.MadeReport):
                entries.append(made)
                if made.failed:
                    plugins.leave_out(f"No report {name}: {made.reason}")
                lacks = f": left out, {made.reason}" if made.result is None else ""
                countdown.done(name, f"{made.group}: {name}{lacks}")
                continue
            lacks = f": left out, {made}" if isinstance(made, str) else ""
            countdown.done(pipeline.STUDY + name, f"study {name}{lacks}")
            if isinstance(made, pipeline.Failed):
                plugins.leave_out(f"No study {name}: {made}")
            if isinstance(made, str):
                continue
            found[name] = made
            for label, why in made.failed.items():
                plugins.leave_out(f"Study {name}, search {label} failed: {why}")
    entries.sort(key=lambda entry: entry.name)
    return table, entries, dict(sorted(found.items()))


def _page(
    work: Making,
    table: Table,
    entries: Sequence[MadeReport],
    outcomes: Mapping[str, Outcome],
) -> Path:
    from benchsuite.reporting import page

    notes = [f"This run took {work.seeds} seeds per search."] if work.seeds else []
    notes += [QUICK] if work.quick else []
    say("The page ...")
    return page.write(work.folder / "index.html", table, entries, outcomes, notes)


def _say_made(table: Table, entries: Sequence[MadeReport]) -> None:
    for entry in entries:
        said = ", ".join(map(str, entry.files)) or f"not made: {entry.reason}"
        print_wrapped(f"{entry.name}: {said}")
    print_wrapped(table.provenance_line)


def _json(table: Table, entries: Sequence[MadeReport], files: Sequence[Path]) -> dict[str, Any]:
    return {
        "files": [str(path) for path in files],
        "reports": {
            entry.name: {
                "title": entry.title,
                "answers": entry.answers,
                "group": entry.group,
                "notes": entry.result.notes,
                "files": [str(path) for path in entry.files],
                "tables": {
                    stem: rows.to_dict("records") for stem, rows in entry.result.tables.items()
                },
            }
            for entry in entries
            if entry.result is not None
        },
        "left_out": {entry.name: entry.reason for entry in entries if entry.result is None},
        "provenance": {**table.provenance, "table": table.checksum},
    }


def _print(table: Table, entries: Sequence[MadeReport]) -> None:
    import pandas as pd

    from benchsuite.reporting.page import summary
    from benchsuite.reporting.text import print_table
    from benchsuite.terminal import wrapped

    found = summary.summarise(table, entries)
    said: list[str] = []
    if found.proxies:
        said = wrapped(f"{found.ranking}, each with its 95 % interval:", indent="")
        print("\n".join([*said, ""]))
        print_table(pd.DataFrame(map(_tau_row, found.proxies)))
    if found.fits:
        said = wrapped(
            "Cells that fit each part under each runtime, and the best of the official network by "
            f"CIFAR-10 {found.best_by}:",
            indent="",
        )
        print("\n".join(["", *said, ""]))
        print_table(pd.DataFrame([_fit_row(fit, found.skeletons) for fit in found.fits]))
    for entry in found.missing:
        print("\n".join(["", *wrapped(f"Not made: {entry.title}. {entry.reason}")]))
    print("\n".join(["", *wrapped(table.provenance_line), ""]))


def _tau_row(proxy: Any) -> dict[str, str]:
    taus = zip(DATASETS, proxy.taus, strict=True)
    return {"proxy": proxy.name, **{dataset: interval(*tau) for dataset, tau in taus}}


def _fit_row(fit: Any, skeletons: Sequence[str]) -> dict[str, Any]:
    sure = "-" if not fit.best else "yes" if fit.sure else "maybe"
    return {
        "part": fit.device,
        "runtime": fit.runtime,
        **{skeleton: _cells(fit, skeleton) for skeleton in skeletons},
        "best %": percent(fit.best[0]) if fit.best else "-",
        "cell": str(fit.best[1]) if fit.best else "-",
        "fits": sure,
    }


def _cells(fit: Any, skeleton: str) -> str:
    if skeleton not in fit.cells:
        return "-"
    more = fit.maybe.get(skeleton, 0)
    return f"{fit.cells[skeleton]:,}" + (f"-{fit.cells[skeleton] + more:,}" if more else "")
