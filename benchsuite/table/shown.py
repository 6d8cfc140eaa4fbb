"""A table in a screenful."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchsuite.table.table import Table

_KINDS = {
    "accuracy": "accuracies",
    "proxy": "proxies",
    "device": "devices",
    "cost": "costs",
    "class": "classes",
    "reference": "references",
    "detail": "details",
}


def lines(table: Table) -> list[str]:
    """Return what is in a table, in a screenful: how many columns of each kind, and some names."""
    lines = [f"Table of {len(table):,} cells, {len(table.columns):,} columns"]
    for kind, plural in _KINDS.items():
        names = [name for name, column in table.columns.items() if column.kind == kind]
        if names:
            shown = textwrap.shorten(", ".join(names), 60, placeholder=" ...")
            lines.append(f"  {plural:<10} {len(names):>4}  {shown}")
    source = f"Accuracy: {table.provenance.get('accuracy', 'none')}"
    return [*lines, *textwrap.wrap(source, 80)]
