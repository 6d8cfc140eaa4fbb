"""Make a paper's table or figure, with the studies that it is made of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchsuite.assembly.own_scores import Scores
from benchsuite.cli import (
    examples,
    json_option,
    plugins_option,
    print_json,
    print_wrapped,
    scores_option,
    short,
    table_option,
)
from benchsuite.cli.commands._lists import listed
from benchsuite.cli.commands._out_option import out_folder
from benchsuite.terminal import say

if TYPE_CHECKING:
    from benchsuite.api import Result

RESUMES = True  # Stopped, the same command goes on.


@click.command(
    epilog=examples(
        "benchsuite report monas_table2",
        "benchsuite report monas_table2 proxy_cost --out results",
        "benchsuite report strategies --seeds 5",
        "benchsuite ls reports",
    )
)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@out_folder("out", default=Path("out"), help="Files go below DIR/reports and DIR/studies.")
@click.option(
    "--seeds",
    type=click.IntRange(1),
    help="Seeds per search, not the studies' own, of the reports with searches.",
)
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True)
@table_option
@scores_option
@plugins_option
@json_option
def command(
    names: tuple[str, ...],
    out: Path,
    seeds: int | None,
    workers: int,
    table: Path | None,
    scores: Scores | None,
    plugin_folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Make the tables and figures NAME..., print the tables, and say where the files are.

    'benchsuite ls reports' lists the names. Studies that they are made of are run first, and go on
    where they were stopped.
    """
    from benchsuite import plugins
    from benchsuite.face import artefacts
    from benchsuite.face.tables import load
    from benchsuite.reporting.artefacts import check_apart, line_of, write

    wanted = listed("NAME", names)
    reports = {name: plugins.load("reports", name, plugin_folders) for name in wanted}
    searching = [name for name in wanted if reports[name].studies] or wanted
    data = load(table, scores=scores, plugins=() if table else plugin_folders)
    made: dict[str, Any] = {}
    written: dict[Path, str] = {}
    for name in wanted:
        runs = seeds if name in searching else None
        result, studies = artefacts.made(name, data, runs, out, workers, plugin_folders, _progress)
        files = write(result, out / "reports", line_of(data, studies))
        check_apart(written, name, files)
        if as_json:
            tables = {stem: rows.to_dict("records") for stem, rows in result.tables.items()}
            about = {"title": reports[name].title, "notes": list(result.notes)}
            made[name] = {"tables": tables, **about, "files": [str(path) for path in files]}
        else:
            _show(reports[name].title, result, files)
    if as_json:
        print_json({"reports": made, "provenance": short(data)})
    else:
        print_wrapped(data.provenance_line)


def _show(title: str, result: Result, files: list[Path]) -> None:
    from benchsuite.reporting.text import in_blocks

    print_wrapped(title)
    for stem, rows in result.tables.items():
        text, notes = in_blocks(rows, f"{stem}.csv")
        print(f"\n{text}\n")
        for note in notes:
            print_wrapped(note)
    for note in result.notes:
        print_wrapped(note)
    for stem in dict.fromkeys((*result.tables, *result.figures)):
        each = [path for path in files if path.stem == stem]
        print_wrapped(f"{each[0].parent / stem}: {', '.join(path.suffix[1:] for path in each)}")
    print()


def _progress(study: str, done: int, jobs: int) -> None:
    say(f"Study {study}: {done} of {jobs} jobs done")
