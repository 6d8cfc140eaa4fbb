"""List columns of the table, proxies, devices, strategies, reports or studies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from benchsuite import plugins
from benchsuite.api import Report
from benchsuite.assembly.own_scores import Scores
from benchsuite.cli import Names, examples, json_option, plugins_option, print_json, scores_option
from benchsuite.errors import UserError
from benchsuite.terminal import WIDTH, spoken

_NAME = 24


@click.command(
    epilog=examples(
        "benchsuite ls devices",
        "benchsuite ls proxies",
        "benchsuite ls studies",
        "benchsuite ls columns --json",
    )
)
@click.argument("what", type=Names(["columns", *plugins.KINDS, "studies"]))
@scores_option
@plugins_option
@json_option
def command(
    what: str, scores: Scores | None, plugin_folders: tuple[Path, ...], as_json: bool
) -> None:
    """List the columns of the table, the studies, or the plug-ins of one kind, and what each is."""
    if what != "columns" and scores and scores.named:
        raise UserError(f"--scores adds columns, and nothing to a list of {what}: leave it out.")
    if what == "columns":
        rows = _columns(plugin_folders, scores)
    elif what == "studies":
        rows = _studies(plugin_folders)
    else:
        rows = _plugins(what, plugin_folders)
    if as_json:
        print_json({"rows": rows})
        return
    print(_shown(rows, 2 if what == "columns" else _NAME))


def _shown(rows: Sequence[Mapping[str, Any]], letters: int) -> str:
    """Return names and what they are, beside names of so many letters, else below them."""
    shown = click.HelpFormatter(width=WIDTH)
    shown.write_dl([(row["name"], spoken(_about(row))) for row in rows], col_max=letters)
    return shown.getvalue().rstrip("\n")


def _about(row: Mapping[str, Any]) -> str:
    about = str(row["description"])
    told = [row["unit"], f"{row['cells']:,} cells"] if "cells" in row else []
    extra = f" [{', '.join(filter(None, told))}]" if told else ""
    return about + extra + (" [cannot be used]" if row.get("error") else "")


def _studies(folders: tuple[Path, ...]) -> list[dict[str, object]]:
    from benchsuite.replays import study

    return [
        {"name": name, "description": study.about(path), "path": str(path)}
        for name, path in study.named_files(folders).items()
    ]


def _plugins(kind: str, folders: tuple[Path, ...]) -> list[dict[str, object]]:
    """Return the plug-ins of a kind; those that are not this project's are imported, to see."""
    rows: list[dict[str, object]] = []
    for found in plugins.find(kind, folders).values():
        row = {"name": found.name, "description": found.description, "path": str(found.path)}
        error = _why_not(found, kind, folders)
        if error:
            plugins.leave_out(f"{found.name} cannot be used: {error}")
        rows.append({**row, **({"error": error} if error else {})})
    return rows


def _why_not(plugin: plugins.Plugin, kind: str, folders: tuple[Path, ...]) -> str:
    """Return why a plug-in cannot be used, empty if it can; this project's own are believed."""
    from benchsuite.replays import study

    try:
        record = None if plugin.module and not plugin.error else plugins.record_of(plugin, kind)
        for named in record.studies if isinstance(record, Report) else ():
            study.find(named, folders)
    except UserError as error:
        return str(error)
    return ""


def _columns(folders: tuple[Path, ...], scores: Scores | None) -> list[dict[str, object]]:
    from benchsuite.assembly.whole import whole_table

    table = whole_table(folders, scores)
    return [
        {**column.to_json(), "cells": table.present(name), "missing": table.reasons(name)}
        for name, column in table.columns.items()
    ]
