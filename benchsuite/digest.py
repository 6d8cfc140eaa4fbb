"""Digests of values and of code: what the keys of kept results are made of.

A result that is kept is found again by a digest of everything it is a function of. A value's
encoding holds its type, its length, and dtype and shape of an array, so that different values never
share one. Code is taken whole, package by package: no list of modules that could miss one.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.packages import files_below, folders
from benchsuite.provenance import machine, versions

PACKAGES = ("benchsuite", "benchsuite.proxies", "benchsuite.devices")


def digest(*values: Any) -> str:
    """Return the hexadecimal SHA-256 of values; see `encoding`."""
    found = hashlib.sha256()
    for part in encoding(values):
        found.update(part)
    return found.hexdigest()


def encoding(value: Any) -> Iterator[bytes]:
    """Yield the parts of a value's encoding; no two different values have the same.

    Known are None, numbers, texts, bytes, arrays, dataclasses, mappings, sequences and sets of
    them. 1, 1.0 and True differ, as do lists and tuples, and mappings in another order; every NaN
    is the same. Raises TypeError for anything else.
    """
    if value is None or isinstance(value, bool):
        yield f"{value};".encode()
    elif isinstance(value, np.ndarray | np.generic):
        yield from _array(np.asarray(value))
    elif isinstance(value, int):
        yield f"i{int(value)};".encode()
    elif isinstance(value, float):
        yield b"f" + struct.pack("<d", value if value == value else float("nan"))
    elif isinstance(value, str):
        yield _sized("s", value.encode("utf-8", "surrogatepass"))
    elif isinstance(value, bytes):
        yield _sized("b", value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        # Without the module: that of a plug-in file is named anew by every process.
        yield _sized("d", type(value).__qualname__.encode())
        yield from encoding([(f.name, getattr(value, f.name)) for f in dataclasses.fields(value)])
    elif isinstance(value, Mapping):
        yield f"m{len(value)};".encode()
        for key, item in value.items():
            yield from encoding(key)
            yield from encoding(item)
    elif isinstance(value, list | tuple):
        yield f"{'l' if isinstance(value, list) else 't'}{len(value)};".encode()
        for item in value:
            yield from encoding(item)
    elif isinstance(value, set | frozenset):
        yield f"u{len(value)};".encode()
        yield from sorted(b"".join(encoding(item)) for item in value)
    else:
        raise TypeError(f"There is no digest of a {type(value).__name__}.")


def code(packages: Sequence[str] = PACKAGES) -> str:
    """Return a digest of every file of packages, and of Python, libraries and kind of machine.

    The files are read once per process; nothing is imported.
    """
    return _code(tuple(packages))


@functools.cache
def _code(packages: tuple[str, ...]) -> str:
    files = [[files_below(folder) for folder in folders(package)] for package in packages]
    return digest(packages, files, versions(), machine())


def files_beside(path: Path) -> dict[str, str]:
    """Return the SHA-256 of the files beside a plug-in and below, or of all of its package's.

    Beside a plug-in links to folders are followed.
    """
    folder = path.parent
    while (folder.parent / "__init__.py").exists():
        folder = folder.parent
    return files_below(folder, links=folder == path.parent)


def _array(values: NDArray[Any]) -> Iterator[bytes]:
    yield _sized("a", f"{values.dtype.descr}{values.shape}".encode())
    if values.dtype.hasobject:
        yield from encoding(values.ravel().tolist())
        return
    if values.dtype.kind == "f":
        values = np.where(np.isnan(values), np.array(np.nan, values.dtype), values)
    yield np.ascontiguousarray(values).tobytes()


def _sized(tag: str, content: bytes) -> bytes:
    return f"{tag}{len(content)};".encode() + content
