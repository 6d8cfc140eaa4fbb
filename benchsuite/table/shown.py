"""A table in a screenful."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from benchsuite.table.columns import Column

_KINDS = {
    "accuracy": "accuracies",
    "proxy": "proxies",
    "device": "devices",
    "cost": "costs",
    "class": "classes",
    "reference": "references",
    "detail": "details",
}

_SHOWN = 3  # scores of a place, and places


def lines(cells: int, columns: Mapping[str, Column], provenance: Mapping[str, Any]) -> list[str]:
    """Return what is in a table, in a screenful: how many columns of each kind, and some names."""
    lines = [f"Table of {cells:,} cells, {len(columns):,} columns"]
    for kind, plural in _KINDS.items():
        names = [name for name, column in columns.items() if column.kind == kind]
        if names:
            shown = textwrap.shorten(", ".join(names), 60, placeholder=" ...")
            lines.append(f"  {plural:<10} {len(names):>4}  {shown}")
    source = f"Accuracy: {provenance.get('accuracy', 'none')}"
    return [*lines, *textwrap.wrap(source, 80)]


def own_scores(about: Mapping[str, Any]) -> str:
    """Return sentences about the scores of one's own that a table holds, one of each place."""
    cells = about.get("cells", {})
    if not cells:
        return ""
    lost = about.get("not_finite", {})
    places: dict[str, list[str]] = {}
    for name in sorted(cells):
        told = f"{name}: {cells[name]:,} cells"
        told += f", {lost[name]:,} not finite" if name in lost else ""
        places.setdefault(about.get("places", {}).get(name, about["path"]), []).append(told)
    said = []
    for place, of in places.items():
        shipped = about.get("setting") and place == about["path"]
        first = ", ".join(of[:_SHOWN]) + (", ..." if len(of) > _SHOWN else "")
        said.append(f" {'Shipped' if shipped else 'Own'} scores: {place} ({first}).")
    return "".join(said[:_SHOWN]) + (" ..." if len(said) > _SHOWN else "")
