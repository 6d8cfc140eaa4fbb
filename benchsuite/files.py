"""Files: how every one is written, how people's texts are read, where the shipped ones lie."""

from __future__ import annotations

import codecs
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchsuite.bounds import TEXT, read_bytes
from benchsuite.errors import UserError


def write_atomically(path: Path, write: Callable[[str], object]) -> None:
    """Call `write(temporary)` beside `path`, flush it to the disk and move it into place.

    A failure, also a full disk, leaves what was at `path` untouched. Raises UserError where the
    folder cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from error
    try:
        write(name)
        with open(name, "rb+") as file:
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except OSError as error:
        raise UserError(f"{path} was not written: {error.strerror or error}.") from error
    finally:
        if os.path.exists(name):
            os.unlink(name)


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8, lines ended as they are in it; errors as for `write_atomically`."""
    write_atomically(path, lambda part: Path(part).write_bytes(text.encode()))


def read_text(path: Path) -> str:
    """Return the text of a file in UTF-8, or in UTF-16 with a mark, lines ended by `\\n`.

    Raises UserError for a file that is not there, not in these encodings, or too long.
    """
    raw = read_bytes(path, TEXT)
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = raw.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is no text in UTF-8: byte {error.start} is {raw[error.start]:#04x}. Save it "
            "as UTF-8."
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def shipped(name: str, package: str = "benchsuite") -> Path:
    """Return the path of a file or folder that is shipped in an imported package, as `data`."""
    return Path(sys.modules[package].__path__[0]) / name


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
