"""Opens zip archives and bz2 files that others made; whatever is wrong with one is a sentence."""

from __future__ import annotations

import bz2
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from benchsuite.bounds import because
from benchsuite.errors import UserError

_MEMBERS = 1 << 12
# RuntimeError: an encrypted member, or a lack of stack. UnicodeDecodeError is a ValueError.
_FAULTS = (
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    OverflowError,
    MemoryError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
)


@contextmanager
def damage_told(path: Path) -> Iterator[None]:
    """Turn whatever a damaged file raises while it is read into a UserError that names it."""
    try:
        yield
    except _FAULTS as fault:
        raise UserError(
            f"{path} was not read: it cannot be read, is cut short or damaged{because(fault)}. "
            "Download it again."
        ) from None


@contextmanager
def plain(path: Path) -> Iterator[IO[bytes]]:
    """Open a file as it is, or a `.pbz2` file unpacked piece by piece."""
    with damage_told(path), path.open("rb") as file:
        yield bz2.BZ2File(file) if path.name.endswith(".pbz2") else file


@contextmanager
def zipped(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive of no more than some thousand members; they are read inside."""
    with damage_told(path), zipfile.ZipFile(path) as archive:
        if len(archive.infolist()) > _MEMBERS:
            raise UserError(f"{path} was not read: it has more than {_MEMBERS:,} members.")
        yield archive


@contextmanager
def torch_data(path: Path) -> Iterator[IO[bytes]]:
    """Open the pickle of the archive that `torch.save` makes: its one member `.../data.pkl`."""
    with zipped(path) as archive:
        members = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(members) != 1:
            raise UserError(f"{path} was not read: it is no PyTorch archive. Download it again.")
        with archive.open(members[0]) as member:
            yield member
