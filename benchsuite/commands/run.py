"""Tabulate all cells, run the studies, make every report and the page: the main job."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchsuite.cli import json_option, plugins_option, print_json, scores_option
from benchsuite.columns import DATASETS

if TYPE_CHECKING:
    from benchsuite.api import Report
    from benchsuite.outcomes import Outcome
    from benchsuite.page import Entry
    from benchsuite.table import Table

QUICK_SEEDS = 20


@click.command(
    epilog="Examples: benchsuite run | benchsuite run --quick | benchsuite run --out results --json"
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("out"),
    show_default=True,
    help="The folder for the table, the tables and figures, and the page.",
)
@click.option("--quick", is_flag=True, help=f"At most {QUICK_SEEDS} seeds per search.")
@click.option("--seeds", type=click.IntRange(1), help="Seeds per search, not the studies' own.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True)
@scores_option
@plugins_option
@json_option
def command(
    out: Path,
    quick: bool,
    seeds: int | None,
    workers: int,
    scores: Path | None,
    plugin_folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Tabulate all 15,625 cells, run the studies that reports need, make reports and the page."""
    from benchsuite import page, plugins
    from benchsuite.assemble import assemble

    _say("Tabulating 15,625 cells ...")
    table = assemble(plugin_folders, scores)
    table.write(out / "table.parquet")
    reports = {
        name: plugins.load("reports", name, plugin_folders)
        for name in plugins.find("reports", plugin_folders)
    }
    run_seeds = seeds if seeds is not None else QUICK_SEEDS if quick else None
    outcomes, reasons, written = _studies(reports, table, out, run_seeds, workers, plugin_folders)
    entries = [
        _made(name, report, table, outcomes, reasons, out / "reports")
        for name, report in reports.items()
    ]
    notes = [] if run_seeds is None else [f"This run took {run_seeds} seeds per search."]
    _say("The page ...")
    at = page.write(out / "index.html", table, entries, outcomes, notes if outcomes else [])
    files = [at, out / "table.parquet", *written, *(path for e in entries for path in e.files)]
    if as_json:
        print_json(_json(table, entries, files))
        return
    _print(table, entries)
    print(f"{len(files)} files below {out}. Open {at.resolve()} in a browser.")


def _studies(
    reports: Mapping[str, Report],
    table: Table,
    out: Path,
    seeds: int | None,
    workers: int,
    plugin_folders: Sequence[Path],
) -> tuple[dict[str, Outcome], dict[str, str], list[Path]]:
    """Run every study that a report names, once; return outcomes, reasons for none, and files."""
    from benchsuite import outcomes, study
    from benchsuite.errors import UserError

    found: dict[str, Outcome] = {}
    reasons: dict[str, str] = {}
    written: list[Path] = []
    for name in dict.fromkeys(name for report in reports.values() for name in report.studies):
        _say(f"Study {name} ...")
        folder = out / "studies" / name
        try:
            found[name] = outcomes.run(
                study.load(_study_file(name, plugin_folders)),
                table,
                folder,
                seeds=seeds,
                workers=workers,
                plugin_folders=plugin_folders,
                progress=_progress,
            )
        except UserError as error:
            reasons[name] = str(error)
            _say(f"  left out: {error}")
            continue
        written += found[name].write(folder, table.provenance_line)
    return found, reasons, written


def _study_file(name: str, plugin_folders: Sequence[Path]) -> Path:
    """Return the file of a named study: one of the plug-in folders', or the suite's own."""
    from benchsuite import study

    own = Path(study.__file__).parent / "studies" / f"{name}.toml"
    places = [folder / "studies" / f"{name}.toml" for folder in plugin_folders]
    return next((path for path in places if path.is_file()), own)


def _made(
    name: str,
    report: Report,
    table: Table,
    outcomes: Mapping[str, Outcome],
    reasons: Mapping[str, str],
    folder: Path,
) -> Entry:
    """Make and write one report; what it lacks is the reason in its entry."""
    from benchsuite import artefacts
    from benchsuite.errors import UserError
    from benchsuite.page import Entry

    _say(f"{report.title} ...")
    lost = [f"study {of}: {reasons[of]}" for of in report.studies if of in reasons]
    if lost:
        return Entry.of(name, report, reason="; ".join(lost))
    try:
        result = report.make(table, outcomes) if report.studies else report.make(table)
    except UserError as error:
        _say(f"  left out: {error}")
        return Entry.of(name, report, reason=str(error))
    files = artefacts.write(result, folder, table.provenance_line)
    return Entry.of(name, report, result, files=files)


def _json(table: Table, entries: Sequence[Entry], files: Sequence[Path]) -> dict[str, Any]:
    return {
        "files": [str(path) for path in files],
        "reports": {
            entry.name: {
                "notes": entry.result.notes,
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


def _print(table: Table, entries: Sequence[Entry]) -> None:
    from benchsuite.page import summary
    from benchsuite.show import print_table

    found = summary.summarise(table, entries)
    kind = "ESTIMATED test accuracy" if table.estimated else "test accuracy"
    if found.proxies:
        print(
            f"Kendall tau-b with {kind} (200 epochs) and its 95 % interval, all cells with a "
            f"score; the {len(found.proxies)} best of {found.proxies_in_all} proxies:\n"
        )
        print_table(_tau_rows(found.proxies))
    if found.fits:
        print(f"\nCells that fit each part (runtimes differ), and the best CIFAR-10 {kind}:\n")
        print_table(_fit_rows(found))
    for entry in found.missing:
        print(f"\nNot made: {entry.title}. {entry.reason}")
    print(f"\n{table.provenance_line}\n")


def _tau_rows(proxies: Sequence[Any]) -> Any:
    import pandas as pd

    rows = [
        {
            "proxy": proxy.name,
            **{
                dataset: f"{tau:.3f} [{lo:.3f}, {hi:.3f}]"
                for dataset, (tau, lo, hi) in zip(DATASETS, proxy.taus, strict=True)
            },
        }
        for proxy in proxies
    ]
    return pd.DataFrame(rows)


def _fit_rows(found: Any) -> Any:
    import pandas as pd

    def span(low: int, high: int) -> str:
        return f"{low:,}" if low == high else f"{low:,} to {high:,}"

    rows = [
        {
            "part": fit.device,
            **{s: span(*fit.cells[s]) if s in fit.cells else "-" for s in found.skeletons},
            "best (official)": f"{fit.best[0]:.2f} (cell {fit.best[1]})" if fit.best else "-",
        }
        for fit in found.fits
    ]
    return pd.DataFrame(rows)


def _progress(done: int, jobs: int) -> None:
    if sys.stderr.isatty():
        print(f"\r  {done} of {jobs} jobs", end="\n" if done == jobs else "", file=sys.stderr)
    elif done == jobs:
        _say(f"  {done} of {jobs} jobs")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
