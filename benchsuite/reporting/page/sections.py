"""The reports as the page shows them: grouped by paper, tables as rows of text, figures inlined."""

from __future__ import annotations

import base64
import os
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchsuite.api import Report, Result
from benchsuite.reporting.text import shown_table

if TYPE_CHECKING:
    import pandas as pd

ROWS = 220
WIDE = 44  # characters
PIXELS = 125  # of the page per inch of a figure


@dataclass(frozen=True)
class MadeReport:
    """A report of a run: what it found and the files that hold it, or the reason why it did not.

    result: its tables and notes; sizes: width and height [in] of its figures, which are in files;
    failed: whether its code failed, rather than lacked a column.
    """

    name: str
    title: str
    answers: str
    group: str = Report.group
    result: Result | None = None
    reason: str = ""
    files: tuple[Path, ...] = ()
    sizes: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    failed: bool = False

    @classmethod
    def of(
        cls,
        name: str,
        report: Report,
        result: Result | None = None,
        *,
        reason: str = "",
        files: Iterable[Path] = (),
    ) -> MadeReport:
        """Return the entry of a report."""
        head = name, report.title, report.answers, report.group
        if result is None:
            return cls(*head, reason=reason)
        sizes = {s: tuple(f.get_size_inches().tolist()) for s, f in result.figures.items()}
        return cls(*head, replace(result, figures={}), files=tuple(files), sizes=sizes)


@dataclass(frozen=True)
class ShownTable:
    """A table of texts: per column (heading, class), rows of (text, key).

    class: empty for numbers, `t` for texts, `long` for those that may wrap; key: what a cell is
    sorted by, empty where its text will do; rows_in_all: rows that there are.
    """

    name: str
    heads: list[tuple[str, str]]
    rows: list[list[tuple[str, str]]]
    rows_in_all: int
    links: list[tuple[str, str]]


@dataclass(frozen=True)
class ShownFigure:
    """A figure with its alternative text, as a zlib stream in base64 and the type of what it holds.

    size: width and height on the page [px].
    """

    name: str
    packed: str
    type: str
    alt: str
    size: tuple[int, int]
    links: list[tuple[str, str]]


@dataclass(frozen=True)
class Section:
    """A report, ready for the template; `id` is its anchor."""

    id: str
    entry: MadeReport
    tables: list[ShownTable]
    figures: list[ShownFigure]


@dataclass(frozen=True)
class Group:
    """The sections of a paper; `id` is its anchor."""

    id: str
    name: str
    sections: list[Section]


def groups(entries: Sequence[MadeReport], folder: Path) -> list[Group]:
    """Return the sections by group, as `in_order` has them, and by title within a group."""
    ordered = sorted(entries, key=lambda e: (_natural(e.title), e.name))
    listed = []
    for name in in_order(entry.group for entry in entries):
        sections = [_section(e, folder) for e in ordered if e.group == name]
        listed.append(Group(f"group-{_anchor(name)}", name, sections))
    return listed


def in_order(names: Iterable[str]) -> list[str]:
    """Return the groups of reports, each once: papers by name, then what stands beside no paper."""
    return sorted(set(names), key=lambda name: (name == Report.group, name.lower(), name))


def _section(entry: MadeReport, folder: Path) -> Section:
    result = entry.result or Result()
    tables = [
        shown(rows, stem, _links(entry.files, stem, folder, ("csv", "md", "tex")))
        for stem, rows in result.tables.items()
    ]
    figures = [_figure(entry, stem, folder, inches) for stem, inches in entry.sizes.items()]
    return Section(address(entry), entry, tables, figures)


def address(entry: MadeReport) -> str:
    """Return the anchor of a report on the page."""
    return f"report-{_anchor(entry.name)}"


def shown(rows: pd.DataFrame, name: str, links: list[tuple[str, str]]) -> ShownTable:
    """Return a table as text, at most its first `ROWS` rows."""
    head = rows.head(ROWS)
    texts = shown_table(head)
    kinds = [
        "" if kind.kind in "iuf" else "long" if texts.iloc[:, at].str.len().max() > WIDE else "t"
        for at, kind in enumerate(rows.dtypes)
    ]
    cells = [
        [(text, _key(value, text)) for text, value in zip(shown_row, row, strict=True)]
        for shown_row, row in zip(
            texts.itertuples(index=False, name=None),
            head.itertuples(index=False, name=None),
            strict=True,
        )
    ]
    heads = list(zip(map(str, rows.columns), kinds, strict=True))
    return ShownTable(name, heads, cells, len(rows), links)


def _key(value: Any, text: str) -> str:
    """Return the number that a cell is sorted by, empty where its text says it."""
    if not isinstance(value, float) or value != value:
        return ""
    key = f"{value:.6g}"
    try:
        return "" if float(text.replace(",", "")) == float(key) else key
    except ValueError:
        return key


def _figure(entry: MadeReport, stem: str, folder: Path, inches: tuple[float, float]) -> ShownFigure:
    """Return the SVG or the PNG that were written, whichever is smaller when compressed."""
    kinds = {"svg": "image/svg+xml", "png": "image/png"}
    streams = {
        path.suffix[1:]: zlib.compress(path.read_bytes(), 9)
        for path in entry.files
        if path.stem == stem and path.suffix[1:] in kinds
    }
    suffix, stream = min(streams.items(), key=lambda item: (len(item[1]), item[0]))
    width, height = inches
    return ShownFigure(
        stem,
        base64.b64encode(stream).decode(),
        kinds[suffix],
        f"{entry.title}: {entry.answers}".replace("`", ""),
        (round(width * PIXELS), round(height * PIXELS)),
        _links(entry.files, stem, folder, ("svg", "png", "pdf")),
    )


def _links(
    files: Sequence[Path], stem: str, folder: Path, suffixes: Sequence[str]
) -> list[tuple[str, str]]:
    """Return (what it is, relative address) of the files of a table or a figure."""
    return [
        (suffix.upper(), Path(os.path.relpath(path, folder)).as_posix())
        for suffix in suffixes
        for path in files
        if path.stem == stem and path.suffix == f".{suffix}"
    ]


def _anchor(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _natural(text: str) -> list[tuple[int, int | str]]:
    """Return a sort key by which Table 2 comes before Table 10."""
    parts = re.findall(r"\d+|\D+", text.lower())
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts]
