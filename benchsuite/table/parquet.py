"""Reads Parquet files of cells, whoever made them: what the footer says is checked before the data.

A footer that is too long, more rows than there are cells, and columns that are neither numbers nor
texts are refused before anything is unpacked; what was unpacked is validated before it is used.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchsuite.bounds import FaultError, because
from benchsuite.errors import UserError
from benchsuite.space.cell import N_CELLS

if TYPE_CHECKING:
    import pyarrow as pa

_FOOTER = 1 << 25  # bytes; a table of 800 columns has a thirtieth
_COLUMNS, _GROUPS = 20_000, 1_000
_UNPACKED = 1 << 31  # bytes of all columns


def read(path: Path) -> pa.Table:
    """Return a file of one row per cell, or of some cells; UserError for anything else.

    Texts come as Arrow's dictionaries, so that a text that is repeated is held once.
    """
    with _told(path):
        with _opened(path) as file:
            _check(path, file)
            data = file.read()
        data.validate(full=True)
    return data


def finite(data: pa.Table) -> pa.Table:
    """Return a table whose NaN and infinities are nulls, as what is missing is."""
    import pyarrow as pa

    for place, column in enumerate(data.columns):
        if pa.types.is_floating(column.type):
            values = column.to_numpy()
            held = np.isfinite(values)
            if len(values) - int(held.sum()) > column.null_count:
                filled = pa.array(values, column.type, mask=~held)
                data = data.set_column(place, data.field(place), [filled])
    return data


def metadata(path: Path) -> dict[bytes, bytes]:
    """Return what the footer of a file says beside its columns; UserError if it is no Parquet."""
    with _told(path), _opened(path) as file:
        return dict(file.schema_arrow.metadata or {})


def is_number(kind: pa.DataType) -> bool:
    """Tell whether a column is of numbers or truth values."""
    import pyarrow as pa

    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    )


def is_text(kind: pa.DataType) -> bool:
    """Tell whether a column is of texts, each by itself or as a number of a dictionary."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return is_text(kind.value_type)
    return str(kind) in ("string", "large_string", "string_view")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (OSError, ValueError, MemoryError, RecursionError, KeyError, pa.ArrowException) as error:
        raise UserError(
            f"{path} is no readable Parquet file, or a damaged one{because(error)}: write it "
            "again. Scores of your own, in CSV too, are given as --scores."
        ) from error


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import pyarrow.parquet as pq

    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 8))
        end = file.read(8)
    if len(end) < 8 or end[4:] != b"PAR1":
        raise FaultError("it is cut short")
    if struct.unpack("<I", end[:4])[0] > min(_FOOTER, size):
        raise FaultError("its end is not as it was written")
    with pq.ParquetFile(
        path, memory_map=True, read_dictionary=_texts(path), page_checksum_verification=True
    ) as file:
        yield file


def _texts(path: Path) -> list[str]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, memory_map=True) as file:
        schema = file.schema_arrow
    return [name for name, kind in zip(schema.names, schema.types, strict=True) if is_text(kind)]


def _check(path: Path, file: Any) -> None:
    about, schema = file.metadata, file.schema_arrow
    if about.num_rows > N_CELLS:
        raise UserError(f"{path} has {about.num_rows:,} rows; there are {N_CELLS:,} cells.")
    if about.num_columns > _COLUMNS or about.num_row_groups > _GROUPS:
        raise UserError(
            f"{path} has {about.num_columns:,} columns in {about.num_row_groups:,} groups of rows; "
            f"{_COLUMNS:,} and {_GROUPS:,} are the most that are read."
        )
    size = sum(about.row_group(group).total_byte_size for group in range(about.num_row_groups))
    if not 0 <= size <= _UNPACKED:
        raise UserError(f"{path} holds {size:,} bytes; {_UNPACKED:,} are the most that are read.")
    name, count = max(Counter(schema.names).items(), key=lambda item: item[1], default=("", 1))
    if count > 1:
        raise UserError(f"{path} has several columns {name!r}.")
    for name, kind in zip(schema.names, schema.types, strict=True):
        if not (is_number(kind) or is_text(kind)):
            raise UserError(
                f"{path}: the column {name!r} is of the type {str(kind)[:60]}; numbers and texts "
                "are read. Leave it out."
            )
