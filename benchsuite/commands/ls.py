"""List the columns of the table, or the proxies, devices, strategies or reports there are."""

from __future__ import annotations

from pathlib import Path

import click

from benchsuite.cli import json_option, plugins_option, print_json
from benchsuite.plugins import KINDS


@click.command(epilog="Examples: benchsuite ls proxies | benchsuite ls columns --json")
@click.argument("what", type=click.Choice(["columns", *KINDS]))
@plugins_option
@json_option
def command(what: str, plugin_folders: tuple[Path, ...], as_json: bool) -> None:
    """List the columns of the table, or the plug-ins of one kind with their descriptions."""
    rows = _columns(plugin_folders) if what == "columns" else _plugins(what, plugin_folders)
    if as_json:
        print_json({"rows": rows})
        return
    width = max(len(str(row["name"])) for row in rows)
    for row in rows:
        extra = f"  [{row['unit']}, {row['cells']} cells]" if what == "columns" else ""
        print(f"{row['name']:<{width}}  {row['description']}{extra}")


def _plugins(kind: str, folders: tuple[Path, ...]) -> list[dict[str, object]]:
    from benchsuite import plugins

    return [
        {"name": found.name, "description": found.description, "path": str(found.path)}
        for found in plugins.find(kind, folders).values()
    ]


def _columns(folders: tuple[Path, ...]) -> list[dict[str, object]]:
    from benchsuite.assemble import assemble

    table = assemble(folders)
    return [
        {**column.to_json(), "cells": table.present(name), "missing": table.reasons(name)}
        for name, column in table.columns.items()
    ]
