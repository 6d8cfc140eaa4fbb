"""The table to work on: everything that is known, or one written earlier."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from benchsuite.arguments import checked
from benchsuite.assembly import own_scores
from benchsuite.assembly.own_scores import Scores
from benchsuite.assembly.whole import whole_table
from benchsuite.bounds import because
from benchsuite.errors import UserError, shown
from benchsuite.table.table import Table


@checked
def load(
    path: str | PathLike[str] | None = None,
    *,
    scores: Scores | str | PathLike[str] | None = None,
    plugins: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
) -> Table:
    """Return the table of all 15,625 cells: everything that is known, or one that was written.

    path: of a table that `benchsuite table` or `Table.write` wrote; it has its scores already.
    scores: a CSV or Parquet file of one's own, a folder where `benchsuite tabulate` wrote, or a
    setting that ships besides the table's (`px32`: 32 pixels); None for none. plugins: folders of
    plug-ins, whose columns the table has too.
    Raises UserError for files that are missing, damaged or of something else.

    >>> import benchsuite as bs
    >>> table = bs.load()
    >>> len(table)
    15625
    >>> int(table["cifar10.flops"][6111])
    153272970
    """
    folders = folders_of(plugins)
    own = scores if scores is None or isinstance(scores, Scores) else _named(scores)
    if path is None:
        return whole_table(folders, own)
    if folders:
        raise UserError("A table that was written has its columns already: leave out plugins.")
    # Own scores of the working folder are in it, or were left out of it.
    named = own if own and own.named else None
    return own_scores.join(Table.open(_path(path, "A table")), named, replacing=False)


def given_or_loaded(
    table: Table | None, plugins: str | PathLike[str] | Sequence[str | PathLike[str]] = ()
) -> Table:
    """Return the table given, or `load` one; UserError for what is no table."""
    if table is None:
        return load(plugins=plugins)
    if not isinstance(table, Table):
        raise UserError(
            f"A table of benchsuite is needed, as bs.load() returns, not {type(table).__name__}."
        )
    return table


def folders_of(plugins: str | PathLike[str] | Sequence[str | PathLike[str]]) -> tuple[Path, ...]:
    """Return the folders of plug-ins that are meant: one, or several."""
    given = [plugins] if isinstance(plugins, str | PathLike) else plugins
    return tuple(_path(folder, "A folder of plug-ins") for folder in given)


def _named(scores: str | PathLike[str]) -> Scores | None:
    return own_scores.found(str(_path(scores, "A file of scores")))


def _path(given: object, what: str) -> Path:
    if not isinstance(given, str | PathLike):
        raise UserError(f"{what} is named by its path, not by {shown(given)}.")
    if given == "":  # It would be the working folder.
        raise UserError(f"{what} is named by its path, and '' names nothing.")
    path = Path(given)
    try:
        path.exists()
    except OSError as error:  # Of a text that no file can be called, as what one holds.
        raise UserError(f"{what} cannot be looked for as {shown(given)}{because(error)}.") from None
    return path
