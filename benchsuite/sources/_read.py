"""Reads every public data set that is present and says what is absent.

Two sources may hold the same column, for one release holds one value per cell. They must agree
then, and the more complete one is kept; a disagreement is an error, never a silent choice.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from benchsuite import sources as folder_of_sources
from benchsuite.errors import UserError, did_you_mean
from benchsuite.sources._public_files import Places, folder_of, in_package, lacking, places
from benchsuite.sources._source import Imported, Source

# Values of the copies are rounded differently: 1e-3 percentage points, one part in a million.
_ABSOLUTE, _RELATIVE = 1e-3, 1e-6


@dataclass(frozen=True)
class Present:
    """What was read: columns by name, and one sentence per source about what was not."""

    columns: dict[str, Imported]
    notes: tuple[str, ...]


def source_ids() -> tuple[str, ...]:
    """Return the ids of all importers, sorted, without importing them."""
    found = pkgutil.iter_modules(folder_of_sources.__path__)
    return tuple(sorted(module.name for module in found if not module.name.startswith("_")))


def load_source(identifier: str) -> Source:
    """Return one importer; raises UserError with the nearest ids for an unknown one."""
    known = source_ids()
    if identifier not in known:
        raise UserError(
            f"There is no source {identifier!r}; there are {', '.join(known)}."
            + did_you_mean(identifier, known)
        )
    source = importlib.import_module(f"benchsuite.sources.{identifier}").SOURCE
    if not isinstance(source, Source):
        raise UserError(f"benchsuite/sources/{identifier}.py has no SOURCE of the right kind.")
    return source


def all_sources() -> tuple[Source, ...]:
    """Return every importer, in the order of their ids."""
    return tuple(load_source(identifier) for identifier in source_ids())


def read_present(
    sources: Iterable[Source] | None = None,
    progress: Callable[[str], None] | None = None,
    where: Places | None = None,
) -> Present:
    """Read every source whose files are all present; skip samples, and the others with a note.

    progress: called with the id of a source before it is read. Raises UserError for a damaged file
    and for two sources that disagree about a column.
    """
    where = where or places()
    columns: dict[str, Imported] = {}
    wanted = all_sources() if sources is None else tuple(sources)
    for source in wanted:
        folder = None if source.sample else folder_of(source, where)
        if folder is None:
            continue
        if progress:
            progress(source.id)
        for imported in source.read(folder):
            other = columns.get(imported.column.name)
            chosen = imported if other is None else _agreed(other, imported)
            columns[imported.column.name] = chosen
    return Present(columns, tuple(absences(wanted, where)))


def absences(sources: Iterable[Source], where: Places) -> Iterator[str]:
    """Yield a sentence for every source that is not read: what it lacks, or that it is a sample."""
    for source in sources:
        if source.sample:
            yield f"{source.id}: a sample of a few cells, left out of the table"
        elif folder_of(source, where) is None:
            yield f"{source.id}: absent; {_what_is_missing(source, where)}"


def _agreed(first: Imported, second: Imported) -> Imported:
    """Return the more complete of two copies of a column; raises UserError if they disagree."""
    both = ~np.isnan(first.values) & ~np.isnan(second.values)
    close = np.isclose(first.values[both], second.values[both], rtol=_RELATIVE, atol=_ABSOLUTE)
    if not close.all():
        cell = int(np.flatnonzero(both)[~close][0])
        raise UserError(
            f"{first.column.source} and {second.column.source} disagree about "
            f"{first.column.name} on {int((~close).sum())} cells, first on cell {cell}: "
            f"{first.values[cell]:.6g} and {second.values[cell]:.6g}. Leave one of them out."
        )
    fewer = np.isnan(second.values).sum() < np.isnan(first.values).sum()
    return second if fewer else first


def _what_is_missing(source: Source, where: Places) -> str:
    if source.installed:
        faults = dict.fromkeys(in_package(file, where)[1] for file in source.files)
        return f"{'; '.join(filter(None, faults))}; {source.files[0].by_hand} mends it"
    missing = lacking(source, where)
    if len(missing) < len(source.files):
        return f"this machine lacks {', '.join(file.path for file in missing)}"
    return (
        "`benchsuite fetch` downloads it"
        if source.downloadable
        else f"download {source.files[0].path} by hand from {source.files[0].by_hand}"
    )
