"""The page `index.html`: a summary, every report, and an explorer of the cells, in one file.

It opens from disk without a network: styles, scripts, figures and data are in it, and its policy
forbids every request. What came from data is escaped; two runs on one table give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from benchsuite.files import write_text
from benchsuite.notations import json_text
from benchsuite.reporting.layout import number
from benchsuite.reporting.page import columns, searches, sections, snippets, summary, truths
from benchsuite.reporting.page.sections import MadeReport
from benchsuite.table.table import Table

if TYPE_CHECKING:
    from markupsafe import Markup

    from benchsuite.replays.outcome import Outcome

__all__ = ["MadeReport", "render", "write"]

_HERE = Path(__file__).parent
_SCRIPTS = (
    "text",
    "data",
    "figures",
    "ranks",
    "cell",
    "colours",
    "scatter",
    "detail",
    "filters",
    "celltable",
    "explorer",
    "pointer",
    "searches",
    "state",
    "tables",
    "start",
)


def write(
    path: Path,
    table: Table,
    entries: Sequence[MadeReport],
    outcomes: Mapping[str, Outcome] | None = None,
    notes: Sequence[str] = (),
) -> Path:
    """Write the page; it appears whole or not at all. Arguments as for `render`."""
    text = render(table, entries, outcomes, notes, path.parent)
    write_text(path, text)
    return path


def render(
    table: Table,
    entries: Sequence[MadeReport],
    outcomes: Mapping[str, Outcome] | None = None,
    notes: Sequence[str] = (),
    folder: Path = Path(),
) -> str:
    """Return the page as HTML.

    entries: the reports, made or not; outcomes: the studies, for their search curves; notes: how
    this run departs from a full one; folder: where the page will lie, for links to files beside it.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    script = (
        '"use strict";\n(async () => {\n'
        + "\n".join(_source(f"{n}.js") for n in _SCRIPTS)
        + "})();"
    )
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_function"] = json_text
    environment.policies["json.dumps_kwargs"] = {"sort_keys": True, "separators": (",", ":")}
    environment.filters["address"] = lambda path: quote(path)
    environment.filters["code"] = _code
    environment.filters["words"] = _words
    environment.filters["number"] = number
    groups = sections.groups(entries, folder)
    data = columns.pack(table)
    data["truths"] = truths.listed(table, {column["name"] for column in data["columns"]})
    return environment.get_template("page.html.jinja").render(
        table=table,
        notes=list(notes),
        groups=groups,
        summary=summary.summarise(table, entries),
        packed=data.pop("packed"),
        data={**data, "snippets": list(snippets.SNIPPETS.items())},
        searches=searches.pack(outcomes or {}),
        style=Markup(_source("page.css")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _code(text: str) -> Markup:
    """Return a sentence as HTML: what stands between backticks is code."""
    from markupsafe import Markup, escape

    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _words(stem: str) -> str:
    """Return the name of a file as words."""
    text = stem.replace("_", " ")
    return text[:1].upper() + text[1:]


def _source(name: str) -> str:
    return (_HERE / name).read_text("utf-8")
