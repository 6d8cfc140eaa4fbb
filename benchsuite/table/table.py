"""The table: a row per cell in official order, a column per measured thing, in one Parquet file.

What the columns mean and what made them is JSON in the footer under the key `benchsuite`; the data
are plain columns that pandas or DuckDB read alone. Where a column misses values, a text column
`<name>.reason` beside it says why for each of those cells. A table that was kept (`stored`) reads a
column when it is asked for.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchsuite.arguments import checked
from benchsuite.errors import UserError, shown
from benchsuite.files import write_atomically
from benchsuite.notations import json_text
from benchsuite.revision import revision
from benchsuite.space.arrays import labelled
from benchsuite.space.cell import N_CELLS, Cell, all_archs
from benchsuite.table import footer, parquet
from benchsuite.table.checks import checked_values
from benchsuite.table.columns import REASON, Column, Direction, family, names_score, resolve
from benchsuite.table.device_columns import no_energy
from benchsuite.table.stored import Stored

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

KEYS = ("index", "arch")


@dataclass(frozen=True)
class Values:
    """A column with its data.

    values: [15625] numbers in official order, NaN where missing, or a pandas Series labelled by the
    cells (`arrays.of_cells`); reason: why values are missing, one text for all of them or one per
    cell [15625] (empty where present).
    """

    column: Column
    values: ArrayLike
    reason: str | Sequence[str] = ""


class Table:
    """Columns over all 15,625 cells with their dictionary and provenance; never changed in place.

    data: the Arrow table, or a `Stored` one that is read as far as it is asked for; provenance:
    what made it, as JSON, or a function that returns it; its `inputs` map file names to SHA-256.
    """

    def __init__(
        self,
        data: pa.Table | Stored,
        columns: Mapping[str, Column],
        provenance: Mapping[str, Any] | Callable[[], Mapping[str, Any]] | None = None,
    ):
        """Join data [15625 rows], a `Column` for each name, and what made them."""
        self._data, self._provenance = data, provenance
        self.columns = columns

    @functools.cached_property
    def data(self) -> pa.Table:
        """The keys, all columns and their reasons as an Arrow table."""
        stored = isinstance(self._data, Stored)
        return self._data.arrow(self._data.column_names) if stored else self._data

    @functools.cached_property
    def provenance(self) -> Mapping[str, Any]:
        """What made the table, as JSON."""
        return self._provenance() if callable(self._provenance) else self._provenance or {}

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to other processes whole: what was kept on this machine need not be there."""
        return Table, (self.data, self.columns, self.provenance)

    @classmethod
    def empty(cls, provenance: Mapping[str, Any] | None = None) -> Table:
        """Return a table of the two keys, official index and architecture string."""
        import pyarrow as pa

        keys = {"index": np.arange(N_CELLS, dtype=np.int32), "arch": pa.array(all_archs())}
        return cls(pa.table(keys), {}, dict(provenance or {}))

    @classmethod
    def open(cls, path: Path) -> Table:
        """Read a table; UserError if the file is missing, damaged, or not one of ours."""
        path = Path(path)
        if not os.path.exists(path):
            raise UserError(f"There is no table {path}; `benchsuite table` writes one.")
        data = parquet.finite(parquet.read(path))
        columns, provenance = footer.read(path, data)
        if lost := sorted(set(columns) - set(data.column_names)):
            raise UserError(f"{path} describes the column {lost[0]!r} but does not hold it.")
        for name in columns:
            if not parquet.is_number(data.schema.field(name).type):
                raise UserError(f"{path}: the column {name!r} holds texts, where numbers belong.")
        place = data.column_names.index("arch")
        data = data.set_column(place, "arch", [list(all_archs())])  # as was checked
        return cls(data.replace_schema_metadata(None), columns, provenance)

    @checked
    def write(self, path: str | PathLike[str]) -> None:
        """Write the table as a .parquet file, which appears whole or not at all."""
        import pyarrow.parquet as pq

        if Path(path).suffix.lower() != ".parquet":
            raise UserError(f"{path}: a table is written as Parquet, and its name ends .parquet.")

        data = self.data.replace_schema_metadata(footer.metadata(self.columns, self.provenance))
        how = {"compression": "zstd", "write_page_checksum": True}
        write_atomically(Path(path), lambda part: pq.write_table(data, part, **how))

    def with_columns(self, new: Iterable[Values]) -> Table:
        """Return a table with more columns; UserError if a column is there already or misshapen.

        Values that differ by rounding alone become equal (`benchsuite.numerics.ties`).
        """
        import pyarrow as pa

        data, columns = self.data, dict(self.columns)
        for item in new:
            name = item.column.name
            if name in columns:
                raise UserError(f"The table has a column {name!r} already.")
            values, reason = checked_values(item.column.name, item.values, item.reason)
            data = data.append_column(name, pa.array(values, from_pandas=True))
            columns[name] = item.column
            if reason is not None:
                data = data.append_column(name + REASON, reason)
        return Table(data, columns, self.provenance)

    def joined(self, other: Table) -> Table:
        """Return a table with the columns of another beside its own; UserError if they share one.

        Both list the cells in official order, so nothing is matched.
        """
        if shared := [name for name in other.columns if name in self.columns]:
            raise UserError(f"Both tables have a column {shared[0]!r}.")
        data = self.data
        for name in other.data.column_names:
            if name not in KEYS:
                data = data.append_column(other.data.field(name), other.data.column(name))
        return Table(data, {**self.columns, **other.columns}, self.provenance)

    @checked
    def without(self, names: str | Iterable[str]) -> Table:
        """Return a table without some columns, named as in `table[...]`; others do not matter."""
        gone = {self.resolve(name) for name in _names(names) if name in self}
        dropped = gone | {name + REASON for name in gone}
        data = self._data.select([n for n in self._data.column_names if n not in dropped])
        return Table(
            data, {n: c for n, c in self.columns.items() if n not in gone}, self._provenance
        )

    def with_provenance(self, **more: Any) -> Table:
        """Return a table of the same columns that says more, or something else, of what made it."""
        return Table(self._data, self.columns, {**self.provenance, **more})

    def __len__(self) -> int:
        """Return how many cells there are: all 15,625, whatever the columns."""
        return N_CELLS

    def __iter__(self) -> Iterator[str]:
        """Yield the full names of the columns; `columns` says what each is."""
        return iter(self.columns)

    def __contains__(self, name: object) -> bool:
        """Tell whether there is a column of a name, full or without `@...`."""
        return isinstance(name, str) and (
            name in self.columns or any(column.stem == name for column in self.columns.values())
        )

    @overload
    def __getitem__(self, name: str) -> NDArray[np.float64]: ...
    @overload
    def __getitem__(self, name: list[str] | tuple[str, ...]) -> Table: ...
    def __getitem__(self, name: str | list[str] | tuple[str, ...]) -> NDArray[np.float64] | Table:
        """Return a column's numbers [15625], NaN where missing; a table, for a list of names.

        Names without `@...` stand for the best that is there. Raises UserError for unknown ones.

        >>> import benchsuite as bs
        >>> table = bs.load()
        >>> table["cifar10.flops"].shape
        (15625,)
        >>> list(table[["cifar10.flops", "naswot"]])
        ['cifar10.flops', 'naswot@1']
        """
        if isinstance(name, list | tuple) and all(isinstance(one, str) for one in name):
            return self.subset(name)
        return self.values(name)  # type: ignore[arg-type]  # which refuses what is no text

    def __repr__(self) -> str:
        from benchsuite.table.shown import lines

        return "\n".join(lines(len(self), self.columns, self.provenance))

    @checked
    def subset(self, names: str | Iterable[str]) -> Table:
        """Return a table of these columns alone, of all cells; names as for `table[...]`."""
        kept = {self.resolve(name) for name in _names(names)}
        return self.without(name for name in self.columns if name not in kept)

    @checked
    def pandas(
        self, names: str | Iterable[str] | None = None, cells: Sequence[int] | None = None
    ) -> pd.DataFrame:
        """Return columns as a pandas DataFrame, a row per cell, labelled by official index.

        names: one or many, default all, without reasons; they head the columns as they are given
        here, after `arch`. cells: official indices of the rows, default all. Raises UserError for
        others.

        >>> import benchsuite as bs
        >>> bs.load().pandas(["cifar10.flops"], cells=[6111])["cifar10.flops"].item()
        153272970.0
        """
        import pandas as pd

        wanted = list(self.columns) if names is None else list(_names(names))
        columns = {"arch": all_archs(), **{name: self.values(name) for name in wanted}}
        frame = pd.DataFrame(columns, index=pd.RangeIndex(N_CELLS, name="index"))
        if cells is None:
            return frame
        for index in cells:
            Cell.from_index(index)
        return frame.loc[list(cells)]

    def with_scores(
        self,
        name: str,
        values: ArrayLike | pd.Series[Any] | str | PathLike[str],
        *,
        direction: Direction | None = None,
    ) -> Table:
        """Return a table with scores of one's own, a proxy like any other.

        values: [15625] in official order, NaN where missing; a pandas Series labelled by official
        index or architecture string, of all cells or some; a mapping of these labels; or a CSV or
        Parquet file with a column of them. direction: which end is predicted to be accurate;
        default as the name or a file states it (`NAME:min`, or a table of the suite), else `max`.
        Raises UserError for another shape, for labels that are no cells, for a direction that name
        or file contradict, and for a name that is there already: that of the suite stays its own.

        >>> import benchsuite as bs
        >>> table = bs.load().with_scores("mine", {6111: 1.0, 0: 2.0})
        >>> table.columns["mine@1"].direction
        'max'
        """
        if not (isinstance(name, str) and name.strip("@ ") and names_score(name)):
            raise UserError(f"A score is named by a text, not by {shown(name)}.")
        if direction not in (None, "max", "min"):
            raise UserError(f"The direction of a score is 'max' or 'min', not {direction!r}.")
        from benchsuite.table import score_files

        name, stated = score_files.heading("The name", name)
        full = name if "@" in name else f"{name}@1"
        own = self.provenance.get("own_scores", {"cells": {}})
        for taken in (c for c in self.columns.values() if c.name not in own["cells"]):
            if taken.family == family(name):
                raise UserError(
                    f"The table has {family(name)!r} already, as in {taken.name}. Give yours "
                    f"another name, as my_{family(name)}."
                )
        direction = score_files.agreed(name, "Its name", stated, direction)
        if isinstance(values, str | PathLike):
            if values == "":  # It would be the working folder.
                raise UserError("A file of scores is named by its path, and '' names nothing.")
            place = str(values)
            scores, stated = _score_of(values, name)
            direction = score_files.agreed(name, place, stated, direction)
        else:
            place, scores = "memory", labelled(values, f"scores {name!r}")
        about = "scores of one's own"
        column = Column(full, about, "1", direction or "max", about, "1", "proxy")
        why = score_files.reasons(scores, "no score was given", "")
        table = self.with_columns([Values(column, scores, why)])
        return table.with_provenance(own_scores=score_files.added(own, full, place, scores))

    def resolve(self, name: str) -> str:
        """Return the full name of a column (see `columns.resolve`), whole releases preferred."""
        if not isinstance(name, str):
            raise UserError(
                f"A column is named by a text, as in table['naswot'], not by {shown(name)}."
            )
        if name in self.columns:
            return name
        if why := no_energy(name, self.columns):
            raise UserError(why)
        known = {full: self.present(full) for full in self.columns if full.startswith(f"{name}@")}
        return resolve(name, self.columns, known)

    def column(self, name: str) -> Column:
        """Return what a column is; a name without `@...` stands for the best that is there."""
        return self.columns[self.resolve(name)]

    def values(self, name: str) -> NDArray[np.float64]:
        """Return the numbers [15625] of a column, NaN where missing: a copy, to be written to."""
        full = self.resolve(name)
        if isinstance(self._data, Stored):
            return self._data.numbers(full)
        return np.array(self._data.column(full).to_numpy(), dtype=np.float64)

    def present(self, name: str) -> int:
        """Return for how many cells a column has a value."""
        full, data = self.resolve(name), self._data
        gaps = data.missing(full) if isinstance(data, Stored) else data.column(full).null_count
        return N_CELLS - int(gaps)

    def reasons(self, name: str) -> dict[str, int]:
        """Return how many values of a column are missing for each reason."""
        reason = self.resolve(name) + REASON
        if isinstance(self._data, Stored):
            return dict(self._data.told(reason))
        if reason not in self._data.column_names:
            return {}
        counts = self._data.column(reason).drop_null().value_counts()
        return {str(entry["values"]): int(entry["counts"].as_py()) for entry in counts}

    @checked
    def frame(self, names: str | Iterable[str] | None = None) -> pd.DataFrame:
        """Return columns (default: all, keys and reasons included) as a pandas DataFrame."""
        if names is None:
            data = self.data
        else:
            wanted = [*KEYS, *(self.resolve(name) for name in _names(names))]
            stored = isinstance(self._data, Stored)
            data = self._data.arrow(wanted) if stored else self._data.select(wanted)
        frame: pd.DataFrame = data.to_pandas()
        return frame

    @property
    def estimated(self) -> bool:
        """Whether the test accuracy after 200 epochs that a short name stands for is an estimate.

        That is what most tables and figures show; `Column.estimated` tells of any other accuracy.
        """
        shown = {
            column.stem
            for column in self.columns.values()
            if (column.split, column.epochs, column.aggregation) == ("test", 200, "mean")
        }
        return any(self.column(name).estimated for name in shown)

    @property
    def provenance_line(self) -> str:
        """One line for under every table and figure: accuracy source, checksum, code revision.

        A table that other code made names both: what is computed of it is by what runs.
        """
        from benchsuite.table.shown import own_scores

        code = self.provenance.get("made_by", {}).get("revision", "unknown")
        same = code in ("unknown", revision())
        return (
            f"Accuracy: {self.provenance.get('accuracy', 'none')}. Table {self.checksum[:12]}"
            + (f", code {code}." if same else f" (code {code}), by code {revision()}.")
            + own_scores(self.provenance.get("own_scores", {}))
        )

    @functools.cached_property
    def checksum(self) -> str:
        """SHA-256 over what the columns are and their values, whatever file they came from."""
        if isinstance(self._data, Stored) and self._data.checksum:
            return self._data.checksum
        digest = hashlib.sha256()
        for name in sorted(self.columns):
            about = json_text(self.columns[name].to_json(), sort_keys=True)
            digest.update(about.encode() + b"\0" + self.values(name).tobytes())
        return digest.hexdigest()


def _names(given: str | Iterable[str]) -> Iterable[str]:
    return (given,) if isinstance(given, str) else given


def _score_of(
    given: str | PathLike[str], name: str
) -> tuple[NDArray[np.float64], Direction | None]:
    """Return the score of a name in a file, and which direction the file states, if any."""
    from benchsuite.table import score_files

    if not score_files.is_table(Path(given)):
        return score_files.one_score(given, name)
    own = Table.open(Path(given))
    found = own.column(next(iter(own)) if name not in own and len(own.columns) == 1 else name)
    return own.values(found.name), None if found.direction == "none" else found.direction
