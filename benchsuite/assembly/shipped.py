"""The tables that ship: computed of every cell, ready to be joined."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchsuite.files import shipped
from benchsuite.table import footer
from benchsuite.table.table import Table

FOLDER = shipped("data")
_ESTIMATES = "estimates"


def join_tables(table: Table) -> Table:
    """Return a table with the columns of every shipped table except the accuracy estimates.

    The provenance of each is kept under `joined` and its name.
    """
    about: dict[str, Any] = {}
    for path in sorted(FOLDER.glob("*.parquet")):
        if path.stem != _ESTIMATES:
            other = Table.open(path)
            table = table.joined(other)
            about[path.stem] = dict(other.provenance)
    return table.with_provenance(joined=about)


def settings() -> dict[str, Mapping[str, Any]]:
    """Return the settings of every shipped table of proxies of all cells, by its name."""
    found = {path.stem: footer.provenance(path) for path in sorted(FOLDER.glob("*.parquet"))}
    return {
        name: of["settings"] for name, of in found.items() if "proxies" in of.get("settings", {})
    }


def variant_files() -> dict[str, Path]:
    """Return the files of the same proxies under other settings, by name."""
    return {path.stem: path for path in sorted((FOLDER / "variants").glob("*.parquet"))}


def variants() -> dict[str, Table]:
    """Return the shipped tables of the same proxies under other settings, by name."""
    return {name: Table.open(path) for name, path in variant_files().items()}
