"""Reads an official file that holds all records, without ever holding more than one of them."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from benchsuite.sources._archives import plain, torch_data
from benchsuite.sources._official import Records
from benchsuite.sources._pickles import PickleStream
from benchsuite.sources._source import Imported, expect, expect_archs
from benchsuite.space.cell import N_CELLS

_MISSING = "the release holds no training run of this cell"
_TORCH_MAGIC = 0x1950A86A20F9469CFC6C


def read_whole_file(path: Path, release: str, source: str) -> Iterator[Imported]:
    """Yield the columns of a `.pth` (PyTorch zip or legacy) or `.pickle.pbz2` file.

    The file is one dictionary with `meta_archs`, `arch2infos` (index -> record) and
    `evaluated_indexes`. Raises UserError unless all 15,625 cells are there in official order.
    """
    records = Records(release, source, str(path))
    with opened(path) as stream:
        whole = stream.load(records.take)
    plain = isinstance(whole, dict) and isinstance(whole.get("meta_archs"), list)
    expect(plain and isinstance(whole.get("arch2infos"), dict), path, "not an official file")
    expect_archs(whole["meta_archs"], path)
    for key, index in whole["arch2infos"].items():
        expect(key == index, path, f"record {key} is filed under another index")
    expect(len(records.seen) == N_CELLS, path, f"{len(records.seen)} of {N_CELLS} records")
    yield from records.columns(_MISSING)


@contextmanager
def opened(path: Path) -> Iterator[PickleStream]:
    """Open a `.pickle.pbz2` or PyTorch file as a stream; a damaged file is a UserError."""
    packed = path.name.endswith(".pbz2")
    archive = not packed and zipfile.is_zipfile(path)
    with torch_data(path) if archive else plain(path) as file:
        yield PickleStream(file, str(path)) if archive or packed else _after_header(file, path)


def _after_header(file: IO[bytes], path: Path) -> PickleStream:
    stream = PickleStream(file, str(path))
    header: list[Any] = [stream.load() for _ in range(3)]
    expect(header[0] == _TORCH_MAGIC, path, "not a file that PyTorch wrote")
    return stream
