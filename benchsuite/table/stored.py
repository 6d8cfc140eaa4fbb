"""A table laid out for reading a few of its columns: a file of parts, each with its checksum.

A head of JSON says what the columns are, how many values they miss and why; the values follow, one
part per column, as numpy has them. Neither pandas nor pyarrow is needed to read one, and nothing is
read but the head and what is asked for. A part that is not what was written raises `DamagedError`.
"""

from __future__ import annotations

import copy
import os
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from benchsuite.bounds import of_json
from benchsuite.files import write_atomically
from benchsuite.notations import json_text

if TYPE_CHECKING:
    import pyarrow as pa

_MAGIC = b"benchsuite table 1\n"
_LENGTHS = struct.Struct("<QI")  # bytes of the head, its checksum
_TYPES = ("float", "double", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32")
_NARROW = (np.int8, np.int16, np.int32, np.int64)
_TEXT = np.dtype(np.uint8)


class DamagedError(Exception):
    """A file is not as it was written, or is gone."""


class UnstorableError(Exception):
    """A column cannot be given back exactly: it is no column of numbers, texts or reasons."""


@dataclass(frozen=True)
class Part:
    """Where an array lies in the file, of which type it is there, and its CRC-32."""

    at: int
    count: int
    dtype: str
    crc: int


@dataclass(frozen=True)
class StoredColumn:
    """One column of the Arrow table: its Arrow type and its part.

    missing: how many values are null; texts: what the numbers of a column of texts stand for, 0 for
    none, 1 for the first; told: how often each of them occurs.
    """

    type: str
    part: Part
    missing: int = 0
    texts: tuple[str, ...] = ()
    told: Mapping[str, int] | None = None


class Stored:
    """The columns of one file, read when they are asked for.

    about: what else was written with them. instead: what gives the same columns if the file turns
    out to be damaged.
    """

    def __init__(self, path: Path, instead: Callable[[], pa.Table]):
        """Read the head; raises `DamagedError` unless it is whole."""
        self.path, self._instead = path, instead
        try:
            head = _head(path)
            self.about: dict[str, Any] = head["about"]
            self.checksum = str(head["about"].get("checksum", ""))
            self._long = {name: Part(*part) for name, part in head["long"].items()}
            self._columns = {
                name: StoredColumn(kind, Part(*part), missing, tuple(texts), told)
                for name, kind, part, missing, texts, told in head["columns"]
            }
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise DamagedError(f"{path} is not as it was written.") from error
        self._whole: pa.Table | None = None

    @property
    def column_names(self) -> list[str]:
        """The columns, those of reasons too."""
        return list(self._columns)

    def select(self, names: Sequence[str]) -> Stored:
        """Return some of the columns, of which nothing is read yet and no checksum is known."""
        some = copy.copy(self)
        some._columns = {name: self._columns[name] for name in names}
        some.checksum = ""
        return some

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return the values of a column as float64 [N], NaN where missing."""
        if self._whole is None:
            try:
                return self._read(self._columns[name].part).astype(np.float64, copy=False)
            except DamagedError:
                self._whole = self._instead()
        return np.array(self._whole.column(name).to_numpy(), dtype=np.float64)

    def missing(self, name: str) -> int:
        """Return how many values of a column are missing."""
        return self._columns[name].missing

    def told(self, name: str) -> Mapping[str, int]:
        """Return how often each text of a column of texts occurs."""
        known = self._columns.get(name)
        return known.told or {} if known else {}

    def long(self, name: str) -> Any:
        """Return something long that was written beside the columns; raises `DamagedError`."""
        try:
            return of_json(self._read(self._long[name]).tobytes())
        except (KeyError, ValueError) as error:
            raise DamagedError(f"{self.path} is not as it was written.") from error

    def arrow(self, names: Sequence[str]) -> pa.Table:
        """Return columns as an Arrow table, of the types that were written."""
        import pyarrow as pa

        if self._whole is None:
            try:
                chosen = [self._columns[name] for name in names]
                return pa.table([_arrow(of, self._read(of.part)) for of in chosen], list(names))
            except DamagedError:
                self._whole = self._instead()
        return self._whole.select(list(names))

    def _read(self, part: Part) -> NDArray[Any]:
        try:
            with self.path.open("rb", buffering=0) as file:
                values = _room(part, os.fstat(file.fileno()).st_size)
                file.seek(part.at)
                read = file.readinto(values)  # type: ignore[arg-type]
        except (OSError, ValueError, TypeError) as error:
            raise DamagedError(str(error)) from error
        if read != values.nbytes or zlib.crc32(values.data) != part.crc:
            raise DamagedError(f"{self.path} is not as it was written.")
        return values


def store(path: Path, data: pa.Table, about: Mapping[str, Any], long: Mapping[str, Any]) -> None:
    """Write columns with what is known about them; `long` is read apart from the rest.

    Raises `UnstorableError` for columns that could not be given back exactly, UserError where the
    folder cannot be written.
    """
    write_atomically(path, lambda part: _write(Path(part), data, about, long))


def _write(path: Path, data: pa.Table, about: Mapping[str, Any], long: Mapping[str, Any]) -> None:
    parts: dict[bytes, Part] = {}
    blocks: list[bytes] = []
    at = 0

    def part(values: NDArray[Any]) -> tuple[Any, ...]:
        nonlocal at
        block = np.ascontiguousarray(values).tobytes()
        key = values.dtype.str.encode() + block
        if key not in parts:
            parts[key] = Part(at, len(values), values.dtype.str, zlib.crc32(block))
            blocks.append(block)
            at += len(block)
        known = parts[key]
        return known.at, known.count, known.dtype, known.crc

    columns = []
    for name in data.column_names:
        kind, values, missing, texts, told = _taken_apart(name, data.column(name))
        columns.append([name, kind, part(values), missing, texts, told])
    apart = {
        name: part(np.frombuffer(json_text(value).encode(), dtype=_TEXT))
        for name, value in long.items()
    }
    head = json_text({"about": dict(about), "long": apart, "columns": columns}).encode()
    with path.open("wb") as file:
        file.write(_MAGIC + _LENGTHS.pack(len(head), zlib.crc32(head)) + head)
        file.writelines(blocks)


def _room(part: Part, size: int) -> NDArray[Any]:
    """Return an empty array for a part; ValueError unless it is of numbers and within the file."""
    kind = np.dtype(part.dtype)
    if kind.kind not in "iufb" or not 0 <= part.at <= part.at + part.count * kind.itemsize <= size:
        raise ValueError("a part that is none")
    return np.empty(part.count, dtype=kind)


def _head(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            head = _checked_head(path, file)
            start = file.tell()
    except OSError as error:
        raise DamagedError(str(error)) from error
    found: dict[str, Any] = of_json(head)
    for part in [*found["long"].values(), *(column[2] for column in found["columns"])]:
        part[0] += start
    return found


def _checked_head(path: Path, file: BinaryIO) -> bytes:
    before = file.read(len(_MAGIC) + _LENGTHS.size)
    if len(before) == len(_MAGIC) + _LENGTHS.size and before.startswith(_MAGIC):
        length, crc = _LENGTHS.unpack(before[len(_MAGIC) :])
        head = file.read(min(length, path.stat().st_size))
        if len(head) == length and zlib.crc32(head) == crc:
            return head
    raise DamagedError(f"{path} is not as it was written.")


def _taken_apart(
    name: str, column: pa.ChunkedArray
) -> tuple[str, NDArray[Any], int, list[str], dict[str, int] | None]:
    """Return type, array, count of nulls, texts and their counts of an Arrow column."""
    import pyarrow as pa

    missing = int(column.null_count)
    if str(column.type) in _TYPES:
        values = column.to_numpy()
        if values.dtype.kind == "f" and int(np.isnan(values).sum()) != missing:
            raise UnstorableError(f"{name} holds NaN that is not missing.")
        return str(column.type), _narrow(values), missing, [], None
    if pa.types.is_string(column.type):
        if missing:
            raise UnstorableError(f"{name} misses texts.")
        return "string", *_joined(column.to_pylist()), [], None
    if column.type == pa.dictionary(pa.int32(), pa.string()):
        whole = column.unify_dictionaries().combine_chunks()
        chunk = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
        numbers = chunk.indices.to_pandas().to_numpy(dtype=np.float64, na_value=np.nan) + 1
        codes = np.nan_to_num(numbers).astype(np.int64)
        told = {str(one["values"]): int(one["counts"].as_py()) for one in _counted(column)}
        return "reasons", _narrow(codes), missing, chunk.dictionary.to_pylist(), told
    raise UnstorableError(f"{name} is of the type {column.type}.")


def _counted(column: pa.ChunkedArray) -> Any:
    return column.drop_null().value_counts()


def _joined(texts: list[str]) -> tuple[NDArray[Any], int]:
    return np.frombuffer("\0".join(texts).encode(), dtype=_TEXT), 0


def _narrow(values: NDArray[Any]) -> NDArray[Any]:
    """Return whole numbers in the narrowest type that holds them; others as they are."""
    if values.dtype.kind not in "iu":
        return values
    kinds = (kind for kind in _NARROW if (values.astype(kind) == values).all())
    return values.astype(next(kinds, values.dtype))


def _arrow(of: StoredColumn, values: NDArray[Any]) -> pa.Array:
    import pyarrow as pa

    if of.type == "string":
        return pa.array(values.tobytes().decode().split("\0"), pa.string())
    if of.type == "reasons":
        gone = values == 0
        codes = pa.array(values.astype(np.int32) - 1, pa.int32(), mask=gone)
        return pa.DictionaryArray.from_arrays(codes, pa.array(of.texts, pa.string()))
    made = pa.array(values, from_pandas=True) if of.missing else pa.array(values)
    return made.cast(of.type)
