"""Files of scores: CSV or Parquet, with a column that says which cell each row is of."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchsuite.bounds import of_json
from benchsuite.errors import UserError, did_you_mean
from benchsuite.files import read_text
from benchsuite.space.cell import N_CELLS, all_archs
from benchsuite.table import parquet

if TYPE_CHECKING:
    import pandas as pd

_RAGGED = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")  # pandas
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
    texts = [i for i, kind in enumerate(data.schema.types) if parquet.is_text(kind)]
    frame: pd.DataFrame = data.to_pandas()
    for place in texts:
        name = frame.columns[place]
        frame[name] = frame[name].astype(object)
    first = [name for name in frame.columns if name in index]
    return frame[[*first, *(name for name in frame.columns if name not in index)]]


def _index(notes: Mapping[bytes, bytes]) -> list[object]:
    """Return the columns that pandas noted as the index of a frame that it wrote, as they are."""
    try:
        found = of_json(notes.get(b"pandas", b"{}"))
        return list(found["index_columns"])
    except (ValueError, TypeError, KeyError):
        return []


def one_score(given: str | PathLike[str], name: str) -> NDArray[np.float64]:
    """Return a file's score [15625] of a name, or its only one; NaN for cells that it lacks.

    Raises UserError for a file that is no table of cells, and for one without such a score.
    """
    path = Path(given)
    frame = read(path)
    keys, cells = keyed(path, frame)
    scores = [str(c) for c in frame.columns if c not in keys and frame[c].dtype.kind in "biuf"]
    if name not in scores and len(scores) != 1:
        raise UserError(
            f"{path} has no score {name!r}; it has {', '.join(scores) or 'none at all'}."
            + did_you_mean(name, scores)
        )
    column = name if name in scores else scores[0]
    values = np.full(N_CELLS, np.nan)
    values[cells] = frame[column].to_numpy(dtype=np.float64)
    return values


def _csv(path: Path) -> pd.DataFrame:
    import pandas as pd

    text, notes = read_text(path), 0
    while text.startswith("#"):
        text, notes = text.partition("\n")[2], notes + 1
    if not text.strip():
        raise UserError(f"{path} holds no rows: scores are columns beside one that names cells.")
    header = text.partition("\n")[0]
    separator = max(",;\t", key=header.count)
    names = [name.strip().strip('"') for name in header.split(separator)]
    if len(names) > _COLUMNS:
        raise UserError(f"{path} has {len(names):,} columns; {_COLUMNS:,} are the most.")
    if twice := {name for name, count in Counter(names).items() if count > 1}:
        raise UserError(f"{path} has several columns {min(twice)!r}.")
    try:
        rows = pd.read_csv(
            io.StringIO(text), sep=separator, skipinitialspace=True, nrows=N_CELLS + 1
        )
    except (ValueError, OverflowError, MemoryError, RecursionError) as error:
        where = "its rows differ in length"
        if found := _RAGGED.search(str(error)):
            expected, line, there = map(int, found.groups())
            where = f"line {line + notes} has {there} values, where {expected} are named"
        raise UserError(f"{path} is neither Parquet nor a table in CSV: {where}.") from error
    if len(rows) > N_CELLS:
        raise UserError(f"{path} has more than {N_CELLS:,} rows; there are so many cells.")
    return rows


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
    named = [name for name in whole if str(name).strip().lower() in _NAMED]
    first = [name for name in whole if name == frame.columns[0]]
    indices = named or ([] if archs else first)
    found = [frame[name].map(lambda v: number[str(v).strip()]).to_numpy() for name in archs]
    found += [frame[name].to_numpy(dtype=np.int64) for name in indices]
    if not found or len(indices) > 1 or any(len(set(f)) < len(f) for f in found):
        raise UserError(
            f"{path} does not say which cells its rows are of{_because(frame, number)}: one column "
            "has to hold each cell once, as architecture strings, or as official indices in the "
            "first column or one called `index`. "
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
            if str(name).strip().lower() not in _NAMED or frame[name].dtype.kind not in "iu":
                continue
            known = [at if 0 <= at < N_CELLS else -1 for at in frame[name].tolist()]
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


def reasons(values: NDArray[np.float64], gap: str, where: str) -> str | list[str]:
    """Return why scores [15625] are missing: `gap`, or that they are infinite there."""
    if not not_finite(values):
        return gap
    infinite, known = np.isinf(values), np.isfinite(values)
    told: list[str] = np.where(infinite, f"not finite{where}", np.where(known, "", gap)).tolist()
    return told


def not_a_number(values: pd.Series) -> str:
    """Return where a column of text that is mostly numbers holds none, empty for another column."""
    import pandas as pd

    if values.dtype.kind in "biufcmM":
        return ""
    numbers = pd.to_numeric(values, errors="coerce").notna()
    wrong = ~numbers & values.notna()
    if not wrong.any() or numbers.sum() <= len(values) / 2:
        return ""
    row = int(np.flatnonzero(wrong)[0])
    return f"row {row + 1} of {str(values.name)!r} is no number but {str(values.iloc[row])!r:.60}"


def _are_indices(values: pd.Series) -> bool:
    if values.dtype.kind not in "iu" or not len(values):
        return False
    return bool(values.between(0, N_CELLS - 1).all()) and bool(values.is_unique)
