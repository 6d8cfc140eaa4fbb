"""Files of scores: CSV or Parquet, with a column that says which cell each row is of."""

from __future__ import annotations

import contextlib
import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.bounds import of_json
from benchsuite.errors import UserError, did_you_mean
from benchsuite.files import read_text
from benchsuite.space.cell import N_CELLS, all_archs
from benchsuite.table import parquet
from benchsuite.table.columns import REASON, Direction, names_score, stem

if TYPE_CHECKING:
    import pandas as pd

_RAGGED = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")  # pandas
_CODE = re.compile("[0-4]{6}")
_NAMED = ("index", "cell", "arch_index", "unnamed: 0", "__index_level_0__", "")
_COLUMNS = 20_000  # the most that are read
_LOOKED_AT = 20  # columns, for what is wrong with a file


def read(path: Path) -> pd.DataFrame:
    """Return a CSV or Parquet file as it is; UserError for what is neither."""
    try:
        with path.open("rb") as file:
            packed = file.read(4) == b"PAR1"
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from error
    if not packed:
        return _csv(path)
    data = parquet.read(path)
    index = _index(data.schema.metadata or {})
    # pandas' own notes are read for the names of its index alone: they may be anything.
    data = data.replace_schema_metadata(None)
    texts = [parquet.is_text(kind) for kind in data.schema.types]
    frame: pd.DataFrame = data.to_pandas()
    for name, is_text in zip(frame.columns, texts, strict=True):
        frame[name] = frame[name].astype(object) if is_text else _numbers(frame[name])
    first = [name for name in frame.columns if name in index]
    frame = frame[[*first, *(name for name in frame.columns if name not in index)]]
    for about in index:
        if (labels := _range(about, len(frame))) and about["name"] not in frame.columns:
            frame.insert(0, about["name"], labels)
    return frame


def _index(notes: Mapping[bytes, bytes]) -> list[Any]:
    """Return the columns that pandas noted as the index of a frame that it wrote, as they are."""
    try:
        found = of_json(notes.get(b"pandas", b"{}"))
        return list(found["index_columns"])
    except (ValueError, TypeError, KeyError):
        return []


def _range(about: Any, rows: int) -> range | None:
    """Return labels of rows that pandas notes instead of a column, None where they have no name."""
    if not (isinstance(about, dict) and isinstance(about.get("name"), str) and about["name"]):
        return None
    with contextlib.suppress(KeyError, TypeError, ValueError, OverflowError):
        labels = range(about["start"], about["stop"], about["step"])
        return labels if len(labels) == rows else None
    return None


def _numbers(values: pd.Series) -> pd.Series:
    """Return a column that pandas holds as objects as numbers, if all that it has are some.

    Such are whole numbers of more than 64 bits, and truth values with gaps.
    """
    import pandas as pd

    if values.dtype.kind in "biuf":
        return values
    numbers = pd.to_numeric(values, errors="coerce").astype(np.float64)
    return numbers if (np.isfinite(numbers) == values.notna()).all() else values


def is_table(path: Path) -> bool:
    """Tell whether a file is a table that this project wrote; UserError if it cannot be read."""
    try:
        with path.open("rb") as file:
            if file.read(4) != b"PAR1":
                return False
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from error
    return b"benchsuite" in parquet.metadata(path)


def one_score(
    given: str | PathLike[str], name: str
) -> tuple[NDArray[np.float64], Direction | None]:
    """Return a file's score [15625] of a name, or its only one, and the direction that it states.

    Cells that it lacks are NaN. Raises UserError for a file that is no table of cells, and for one
    without such a score, or where that is no column of numbers.
    """
    path = Path(given)
    frame = read(path)
    keys, cells = keyed(path, frame)
    rest = beside(frame, keys)
    found = [c for c in rest if _parts(c)[0] == name]
    found = found or [c for c in rest if stem(_parts(c)[0]) == stem(name)]
    if len(found) > 1:
        raise UserError(f"{path} has several scores {name!r}: {', '.join(map(str, found))}.")
    for column in found or rest:
        if wrong := not_a_number(frame[column], named=bool(found)):
            raise UserError(f"{path}: {wrong}.")
    scores = found or [c for c in rest if frame[c].dtype.kind in "biuf"]
    if len(scores) != 1:
        there = [_parts(c)[0] for c in scores]
        raise UserError(
            f"{path} has no score {name!r}; it has {', '.join(there) or 'none at all'}."
            + did_you_mean(name, there)
        )
    return on_cells(frame[scores[0]], cells), heading(path, scores[0])[1]


def beside(frame: pd.DataFrame, keys: Sequence[str]) -> list[Any]:
    """Return the columns beside the keys, without those that say why another misses values."""
    names = set(frame.columns)
    return [
        name
        for name in frame.columns
        if name not in keys
        if not (str(name).endswith(REASON) and str(name).removesuffix(REASON) in names)
    ]


def heading(place: Path | str, given: object) -> tuple[str, Direction | None]:
    """Return the name of a column called NAME, NAME:min or NAME:max, and the direction it states.

    Raises UserError for a column that is called otherwise.
    """
    name, direction = _parts(given)
    if direction not in ("", "max", "min") or not names_score(name):
        raise UserError(f"{place}: {given!r} is no name of a score: give NAME, or NAME:min.")
    return name, "min" if direction == "min" else "max" if direction else None


def agreed(
    name: str, place: str, stated: Direction | None, given: Direction | None
) -> Direction | None:
    """Return the direction that is stated somewhere or given; UserError where these differ."""
    if given and stated and given != stated:
        raise UserError(
            f"{place} says that {name!r} is better at its {stated}, the direction is given as "
            f"{given!r}: leave one of them out."
        )
    return given or stated


def _parts(given: object) -> tuple[str, str]:
    name, colon, direction = str(given).strip().rpartition(":")
    return (name, direction) if colon else (direction, "")


def on_cells(values: pd.Series, cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return numbers of some cells as numbers of all [15625], NaN for the others."""
    scores = np.full(N_CELLS, np.nan)
    scores[cells] = values.to_numpy(dtype=np.float64)
    return scores


def _csv(path: Path) -> pd.DataFrame:
    import pandas as pd

    text, notes, note = read_text(path), 0, ""
    while text.startswith(("#", "\n")):
        top, _, text = text.partition("\n")
        note, notes = top or note, notes + 1
    if not text.strip():
        raise UserError(f"{path} holds no rows: scores are columns beside one that names cells.")
    header = text.partition("\n")[0]
    separator = max(",;\t", key=header.count)
    names = _fields(header, separator)
    if _is_data(names):
        if len(_fields(note, separator)) != len(names):
            raise UserError(f"{path}: the first row is data: name the columns in a row above it.")
        header = note.lstrip("# ")  # as numpy writes it
        text, notes, names = f"{header}\n{text}", notes - 1, _fields(header, separator)
    if len(names) > _COLUMNS:
        raise UserError(f"{path} has {len(names):,} columns; {_COLUMNS:,} are the most.")
    if twice := {name for name, count in Counter(names).items() if count > 1}:
        raise UserError(f"{path} has several columns {min(twice)!r}.")
    try:
        _check_first(text, separator)
        rows = pd.read_csv(
            io.StringIO(text), sep=separator, skipinitialspace=True, nrows=N_CELLS + 1
        )
    except (ValueError, OverflowError, MemoryError, RecursionError, csv.Error) as error:
        where = "its rows differ in length"
        if found := _RAGGED.search(str(error)):
            expected, line, there = map(int, found.groups())
            where = f"line {line + notes} has {there} values, where {expected} are named"
        raise UserError(f"{path} is neither Parquet nor a table in CSV: {where}.") from error
    if len(rows) > N_CELLS:
        raise UserError(f"{path} has more than {N_CELLS:,} rows; there are so many cells.")
    for place, name in enumerate(rows.columns):
        rows[name] = _numbers(rows[name])
        key = place == 0 or name.strip().lower() in _NAMED
        if key and _are_indices(rows[name]) and rows[name].map("{:06}".format).map(_is_code).all():
            given = [row[place].strip() for _, row in _rows(text, separator)][1:]
            if all(map(_is_code, given)):
                raise UserError(
                    f"{path}: {name!r} holds six digits from 0 to 4, which may be operators or "
                    "indices: give architecture strings, or indices without zeros in front."
                )
    return rows


def _is_code(text: str) -> bool:
    return bool(_CODE.fullmatch(text))


def _rows(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a text with their lines; csv.Error where one cannot be told."""
    reader = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True)
    yield from ((reader.line_num, row) for row in reader if row not in ([], [""]))


def _fields(line: str, separator: str) -> list[str]:
    with contextlib.suppress(csv.Error):
        return [name.strip() for _, row in _rows(line, separator) for name in row] or [""]
    return line.split(separator)


def _check_first(text: str, separator: str) -> None:
    """Raise ValueError, as pandas words it, for a first row that has more values than are named.

    Of these pandas takes the first as labels of the rows, so that names move to other columns.
    """
    rows = _rows(text, separator)
    named = len(next(rows, (0, []))[1])
    line, first = next(rows, (0, []))
    if len(first) > named:
        raise ValueError(f"Expected {named} fields in line {line}, saw {len(first)}")


def _is_data(names: list[str]) -> bool:
    """Tell whether a first row is of values: names do not begin with a number, nor hold a cell."""
    with contextlib.suppress(ValueError):
        if not math.isnan(float(names[0])):
            return True
    return not set(names).isdisjoint(all_archs())


def keyed(path: Path, frame: pd.DataFrame) -> tuple[list[str], NDArray[np.int64]]:
    """Return the columns that say which cells the rows are of, and these cells."""
    number = {arch: index for index, arch in enumerate(all_archs())}
    archs = [
        name
        for name in frame.columns
        if (len(frame) and frame[name].dtype.kind == "O") or str(frame[name].dtype) == "str"
        if frame[name].map(lambda v: str(v).strip() in number).all()
    ]
    whole = [name for name in frame.columns if _are_indices(frame[name])]
    called = [name for name in frame.columns if str(name).strip().lower() in (*_NAMED, "arch")]
    wrong = _because(frame[[name for name in called if name not in (*archs, *whole)]], number)
    named = [name for name in whole if str(name).strip().lower() in _NAMED]
    first = [name for name in whole if name == frame.columns[0]]
    indices = named or ([] if archs else first)
    found = [frame[name].map(lambda v: number[str(v).strip()]).to_numpy() for name in archs]
    found += [frame[name].to_numpy(dtype=np.int64) for name in indices]
    if wrong or not found or len(indices) > 1 or any(len(set(f)) < len(f) for f in found):
        raise UserError(
            f"{path} does not say which cells its rows are of{wrong or _because(frame, number)}: "
            "one column has to hold each cell once, as architecture strings, or as official "
            "indices in the first column or one called `index`. "
            f"It has {', '.join(map(repr, map(str, frame.columns)))}."
        )
    if any((f != found[0]).any() for f in found):
        raise UserError(f"{path}: {archs[0]!r} and {[*archs, *indices][-1]!r} name other cells.")
    return [*archs, *indices], found[0]


def _because(frame: pd.DataFrame, number: Mapping[str, int]) -> str:
    """Return what is wrong with the column that seems to be of cells, empty where none does."""
    for name in frame.columns[:_LOOKED_AT]:
        known = [number.get(str(value).strip(), -1) for value in frame[name]]
        texts = sum(at >= 0 for at in known) > len(known) / 2
        if not texts:
            if str(name).strip().lower() not in _NAMED or frame[name].dtype.kind not in "iuf":
                continue
            listed = frame[name].tolist()
            known = [at if type(at) is int and 0 <= at < N_CELLS else -1 for at in listed]
        met: dict[int, int] = {}
        for row, at in enumerate(known, start=1):
            value = str(frame[name].iloc[row - 1])
            if at < 0:
                what = "architecture" if texts else f"index from 0 to {N_CELLS - 1}"
                return f" ({str(name)!r}, row {row}: {value:.60} is no {what})"
            if at in met:
                return f" ({str(name)!r}: rows {met[at]} and {row} are of one cell, {value:.60})"
            met[at] = row
    return ""


def not_finite(values: NDArray[np.float64]) -> int:
    """Return how many scores are infinite: they count as missing, but are no gaps."""
    return int(np.isinf(values).sum())


def added(
    own: Mapping[str, Any], name: str, place: str, values: NDArray[np.float64]
) -> dict[str, Any]:
    """Return what a provenance says of own scores [15625] after one more, from another place."""
    lost = not_finite(values)
    more: dict[str, dict[str, Any]] = {
        "cells": {name: int(np.isfinite(values).sum())},
        "not_finite": {name: lost} if lost else {},
        "places": {name: place} if own.get("path", place) != place else {},
    }
    told = {key: {**own.get(key, {}), **new} for key, new in more.items()}
    return {"path": place, **own, **{key: of for key, of in told.items() if of}}


def reasons(values: NDArray[np.float64], gap: str, where: str) -> str | list[str]:
    """Return why scores [15625] are missing: `gap`, or that they are infinite there."""
    if not not_finite(values):
        return gap
    infinite, known = np.isinf(values), np.isfinite(values)
    told: list[str] = np.where(infinite, f"not finite{where}", np.where(known, "", gap)).tolist()
    return told


def not_a_number(values: pd.Series, *, named: bool = False) -> str:
    """Return where a column of text that is mostly numbers holds none, empty for another column.

    named: whether somebody asked for it as a score, so that whatever else it holds is told too.
    """
    import pandas as pd

    if values.dtype.kind in "biuf":
        return ""
    numbers = pd.to_numeric(values, errors="coerce").notna()
    wrong = np.flatnonzero(~numbers & values.notna())
    if not named and (not len(wrong) or numbers.sum() <= values.notna().sum() / 2):
        return ""
    if not len(wrong):
        what = "holds its numbers as texts" if numbers.any() else "is no column of numbers"
        return f"{str(values.name)!r} {what}"
    row = int(wrong[0])
    return (
        f"row {row + 1} of {str(values.name)!r} is no number but {str(values.iloc[row])!r:.60}; "
        "rows are counted from 1 below the names"
    )


def _are_indices(values: pd.Series) -> bool:
    if values.dtype.kind not in "iu" or not len(values):
        return False
    return bool(values.between(0, N_CELLS - 1).all()) and bool(values.is_unique)
