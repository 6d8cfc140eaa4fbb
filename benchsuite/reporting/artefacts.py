"""Write what a report found: tables as CSV, Markdown and LaTeX, figures as PNG, PDF and SVG.

Two runs on one table write identical bytes: no dates, no random ids.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchsuite.api import Result
from benchsuite.digest import digest
from benchsuite.errors import UserError
from benchsuite.files import write_atomically, write_text
from benchsuite.notations import csv_text, json_text, latex_text, markdown_text, one_line
from benchsuite.numerics.stated import stated_frame
from benchsuite.reporting import layout
from benchsuite.reporting.text import shown_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from benchsuite.replays.outcome import Outcome
    from benchsuite.replays.study import Study
    from benchsuite.table.table import Table

FORMATS = ("png", "pdf", "svg")
NAMED = 3  # Studies in a line of provenance.
_DPI = 200
PACKAGES = r"\usepackage[T1]{fontenc} \usepackage{booktabs,siunitx}"


def line_of(table: Table, studies: Mapping[str, Outcome], *, quick: bool = False) -> str:
    """Return the line of provenance of what is made of a table and of what studies found on it.

    Many studies have one digest together, so that the line stays one.
    """
    if not studies:
        return table.provenance_line
    each = {name: outcome.study for name, outcome in studies.items()}
    said = [f"{name} {study.digest} {_seeds(study)}" for name, study in each.items()]
    if len(each) > NAMED:
        together = digest([study.digest for study in each.values()])[:12]
        said = [f"{len(each)}, together {together} {_seeds(*each.values())}"]
    return f"{table.provenance_line} Studies: {', '.join([*said, *['quick run'] * quick])}."


def _seeds(*studies: Study) -> str:
    seeds = sorted(entry.seeds for study in studies for entry in study.searches)
    many = "-".join(str(few) for few in dict.fromkeys((seeds[0], seeds[-1])))
    return f"({many} seed{'s' * (seeds[-1] > 1)})"


def write(
    result: Result, folder: Path, provenance: str, formats: Sequence[str] = FORMATS
) -> list[Path]:
    """Write every table and figure of a result below a folder; return the paths written.

    A CSV file is plain; the notes on it and its provenance are in a JSON file of the same name.
    provenance: one line that every other file carries; formats: of figures, some of `FORMATS`;
    files of an earlier run in others are removed. Raises UserError where the folder cannot be
    written; a file appears whole or not at all.
    """
    written = []
    for stem, table in result.tables.items():
        for suffix, text in _table_texts(table, [*result.notes, provenance]):
            path = folder / f"{stem}.{suffix}"
            write_text(path, text)
            written.append(path)
    for stem, figure in result.figures.items():
        written += _write_figure(figure, folder / stem, provenance, formats)
    return written


def check_apart(written: dict[Path, str], name: str, files: Iterable[Path]) -> None:
    """Add the files of a report to those of others, by path; UserError where one is another's."""
    for path in files:
        if (other := written.setdefault(path, name)) != name:
            one, two = sorted((name, other))
            raise UserError(
                f"The reports {one} and {two} both write {path}, so one has lost it: rename the "
                "table or figure in one of them."
            )


def _table_texts(table: pd.DataFrame, notes: list[str]) -> Iterator[tuple[str, str]]:
    yield "csv", csv_text(stated_frame(table))
    about = {"notes": notes[:-1], "provenance": notes[-1]}
    yield "json", json_text(about, indent=2, ensure_ascii=False) + "\n"
    shown = shown_table(table)
    lines = [one_line(note) for note in notes]
    markdown = markdown_text(shown, [kind.kind in "iuf" for kind in table.dtypes])
    yield "md", "\n\n".join([markdown, *lines]) + "\n"
    yield "tex", "\n".join([*(f"% {line}" for line in [*lines, PACKAGES]), *_tabulars(table)])


def _tabulars(table: pd.DataFrame) -> Iterator[str]:
    """Yield a table as LaTeX tabulars of at most eight columns."""
    import pandas as pd

    for part in layout.parts(layout.printed(table, thousands="")):
        cells = pd.DataFrame(dict(enumerate(column.texts for column in part)), dtype=object)
        cells.columns = [column.name for column in part]
        numbers = [column.number for column in part]
        yield latex_text(cells, numbers, [column.interval for column in part])


def _write_figure(
    figure: Figure, stem: Path, provenance: str, formats: Sequence[str]
) -> list[Path]:
    import matplotlib as mpl

    metadata = {
        "png": {"Software": None, "Description": provenance},
        "pdf": {"Creator": None, "Producer": None, "CreationDate": None, "Subject": provenance},
        "svg": {"Creator": None, "Date": None, "Description": provenance},
    }
    written = []
    for suffix in set(FORMATS) - set(formats):
        stem.with_name(f"{stem.name}.{suffix}").unlink(missing_ok=True)
    _lay_out(figure)
    # The salt makes the ids in an SVG the same in every run.
    with mpl.rc_context({"svg.hashsalt": "benchsuite"}):
        for suffix in formats:
            path = stem.with_name(f"{stem.name}.{suffix}")
            draw = functools.partial(
                figure.savefig, format=suffix, metadata=metadata[suffix], dpi=_DPI
            )
            write_atomically(path, draw)
            written.append(path)
    return written


def _lay_out(figure: Figure) -> None:
    """Fix the layout, that of the PNG, for all formats: to find it takes as long as to draw."""
    figure.set_dpi(_DPI)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
