"""Bounds of what is read from outside: bytes of a file, depth of JSON and TOML, length of a name.

Every reader of foreign files takes its bytes and its structure from here, or keeps to `DEPTH`, so
that no file can end the process, fill the memory or hold a command.
"""

from __future__ import annotations

import contextlib
import errno
import json
import mmap
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchsuite.errors import UserError

DEPTH = 64  # Containers within containers; no file of this project or its sources has ten.
TEXT = 1 << 26  # Bytes of a text: scores of all cells in hundreds of columns have a tenth.
MODEL = 1 << 31  # Bytes of a network's file: more than both formats can address.
SETTINGS = 1 << 18  # Bytes of a file that people write by hand.
# A name of so many parts takes tomllib a time that grows with their square.
_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+"""
_LONG_NAME = re.compile(rf"""(?<![\w"'-])(?:{_PART}){{{DEPTH}}}""")


class FaultError(ValueError):
    """What is wrong with a file, in words for whoever made it."""


def because(error: BaseException) -> str:
    """Return ` (what is wrong)` of an error in reading a file, empty where it tells a user nothing.

    What libraries say of damaged bytes is about their own workings.
    """
    said = ""
    if isinstance(error, json.JSONDecodeError):
        said = f"line {error.lineno}, column {error.colno} is not JSON"
    elif isinstance(error, UnicodeDecodeError):
        said = "it is no text in UTF-8"
    elif isinstance(error, FaultError | tomllib.TOMLDecodeError):
        said = str(error)
    elif isinstance(error, OSError) and error.errno != errno.EINVAL:  # A seek that bytes ask for.
        said = error.strerror or ""
    elif isinstance(error, MemoryError):
        said = "there is not enough memory for it"
    return f" ({said[:300]})" if said else ""


def read_bytes(path: Path, most: int) -> bytes:
    """Return the bytes of a file; UserError if it cannot be read or has more than `most`."""
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{path} cannot be read: {reason}.") from error
    if len(content) > most:
        raise UserError(f"{path} has more than the {most:,} bytes that are read of such a file.")
    return content


@contextlib.contextmanager
def mapped(path: Path, most: int) -> Iterator[mmap.mmap]:
    """Map a file, for readers that touch a part of it alone; UserError as `read_bytes` has."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size == 0:
                raise FaultError("it is empty")
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size <= most else None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{path} cannot be read: {reason}.") from error
    if content is None:
        raise UserError(f"{path} has more than the {most:,} bytes that are read of such a file.")
    try:
        yield content
    finally:
        with contextlib.suppress(BufferError):  # An error's traceback may still hold a view.
            content.close()


def of_json(text: str | bytes) -> Any:
    """Return what JSON says; ValueError for anything else, and for more than `DEPTH` levels."""
    try:
        found = json.loads(text)
    except RecursionError:
        raise FaultError("it is nested too deeply") from None
    return _shallow(found)


def of_toml(text: str) -> dict[str, Any]:
    """Return what TOML says; ValueError for anything else, and for what is deep or over-long."""
    if len(text) > SETTINGS:
        raise FaultError(f"it has more than {SETTINGS:,} characters")
    if _LONG_NAME.search(text):
        raise FaultError(f"a name has more than {DEPTH} parts")
    try:
        found = tomllib.loads(text)
    except RecursionError:
        raise FaultError("it is nested too deeply") from None
    return dict(_shallow(found))


def _shallow(found: Any) -> Any:
    level = [found]
    for _ in range(DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return found
    raise FaultError("it is nested too deeply")


def _inside(outer: Any) -> list[Any]:
    parts = outer.values() if type(outer) is dict else outer if type(outer) is list else ()
    return [part for part in parts if type(part) is dict or type(part) is list]
