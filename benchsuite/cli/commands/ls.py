"""List the columns of the table, or the proxies, devices, strategies or reports there are."""

from __future__ import annotations

from pathlib import Path

import click

from benchsuite import plugins
from benchsuite.api import Report
from benchsuite.assembly.own_scores import Scores
from benchsuite.cli import json_option, plugins_option, print_json, scores_option
from benchsuite.errors import UserError


@click.command(epilog="Examples: benchsuite ls proxies | benchsuite ls columns --json")
@click.argument("what", type=click.Choice(["columns", *plugins.KINDS]))
@scores_option
@plugins_option
@json_option
def command(
    what: str, scores: Scores | None, plugin_folders: tuple[Path, ...], as_json: bool
) -> None:
    """List the columns of the table, or the plug-ins of one kind with their descriptions."""
    if what != "columns" and scores and scores.named:
        raise UserError(f"--scores adds columns, and nothing to a list of {what}: leave it out.")
    rows = _columns(plugin_folders, scores) if what == "columns" else _plugins(what, plugin_folders)
    if as_json:
        print_json({"rows": rows})
        return
    width = max(len(str(row["name"])) for row in rows)
    for row in rows:
        extra = f"  [{row['unit']}, {row['cells']} cells]" if what == "columns" else ""
        extra += "  [cannot be used]" if row.get("error") else ""
        print(f"{row['name']:<{width}}  {row['description']}{extra}")


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
