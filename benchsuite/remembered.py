"""Digests of files, remembered for other processes by path, size, times of change and inode.

A file that changed a moment ago may change once more without its times telling, so its digest is
computed again until the file has rested. Nothing is remembered where the folder cannot be written.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchsuite.bounds import of_json
from benchsuite.errors import UserError
from benchsuite.files import write_text
from benchsuite.notations import json_text

BEGAN = time.time_ns()
REST = 2_000_000_000  # Coarser than any file system's clock.
_BLOCK = 1 << 20


def cache_folder() -> Path:
    """Return the folder of this project in the cache of the user."""
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("benchsuite"))


def stamp(status: os.stat_result) -> list[int]:
    """Return what tells two states of a file apart without reading it."""
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def changed(status: os.stat_result) -> int:
    """Return when a file was last changed, in nanoseconds since 1970."""
    return max(status.st_mtime_ns, status.st_ctime_ns)


def is_new(folder: str, seen: set[str]) -> bool:
    """Tell whether a folder, wherever links to it lie, is seen for the first time; remember it."""
    real, many = os.path.realpath(folder), len(seen)
    seen.add(real)
    return len(seen) > many


class Digests:
    """Digests of files by path, read from one file of a cache folder and written back to it."""

    def __init__(self, path: Path):
        """path: the file, which need not exist."""
        self._path = path
        self._new = False
        self._known: dict[str, Any] = _read(path)
        self.newest = 0

    def of(self, path: str, kind: str = "sha256") -> str:
        """Return the digest of a file; `newest` becomes no less than its time of change."""
        now = time.time_ns()
        status = os.stat(path)
        self.newest = max(self.newest, changed(status))
        key, now_stamp = f"{kind}:{os.path.abspath(path)}", stamp(status)
        known = self._known.get(key)
        if isinstance(known, list) and known[:-1] == now_stamp:
            return str(known[-1])
        found = _digest(path, kind)
        if now - changed(status) > REST:
            self._known[key], self._new = [*now_stamp, found], True
        return found

    def below(self, folder: Path, links: bool = False) -> Iterator[tuple[str, str]]:
        """Yield relative path and SHA-256 of every file below a folder, in order.

        Left out are hidden files and what Python compiled. links: follow those to folders, into
        each folder once.
        """
        seen = {os.path.realpath(folder)} if links else None
        for name in sorted(_names(str(folder), "", seen)):
            yield name, self.of(f"{folder}{os.sep}{name}")

    def save(self) -> None:
        """Write what is new."""
        if self._new:
            try:
                write_text(self._path, json_text(self._known))
            except UserError:
                return  # A read-only cache costs time, nothing else.


def _read(path: Path) -> dict[str, Any]:
    try:
        known = of_json(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _digest(path: str, kind: str) -> str:
    hasher = hashlib.new(kind, usedforsecurity=False)
    with open(path, "rb") as content:
        while block := content.read(_BLOCK):
            hasher.update(block)
    return hasher.hexdigest()


def _names(folder: str, inside: str, seen: set[str] | None) -> Iterator[str]:
    """Yield names below a folder; seen: real folders that links lead into no more, None for all."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.name[0] == "." or entry.name == "__pycache__":
            continue
        if entry.is_dir(follow_symlinks=seen is not None):
            if seen is None or is_new(entry.path, seen):
                yield from _names(entry.path, f"{inside}{entry.name}{os.sep}", seen)
        elif entry.is_file():
            yield inside + entry.name
