"""Rows of scores on disk: one JSON object per line and (cell, repeat), one file per shard.

A folder belongs to one set of settings (`settings.json`), so that rows that mean different things
never meet. A file is only ever appended to. After a crash its last line may be torn; it is cut off
and its cell scored again. Rows count as done whichever shard's file they are in.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

from benchsuite.bounds import FaultError, because, of_json
from benchsuite.errors import UserError
from benchsuite.files import made_folder, write_text
from benchsuite.locks import held
from benchsuite.notations import json_text

SETTINGS = "settings.json"
_WAIT = "Wait for it, or give another --out."
Row = dict[str, Any]


def claim(folder: Path, settings: Mapping[str, Any]) -> None:
    """Make a folder, that of these settings, or check that it already is; one of several succeeds.

    Raises UserError that names what differs, or that the folder cannot be written.
    """
    path = folder / SETTINGS
    with made_folder(folder), held(folder / ".settings.lock", str(folder), _WAIT, wait=30):
        if not path.exists():
            if any(folder.glob("rows-*.jsonl")):
                raise UserError(f"{folder} holds rows but no {SETTINGS}: use another folder.")
            text = json_text(settings, indent=1, sort_keys=True) + "\n"
            write_text(path, text)
            return
    there = read_settings(folder)
    wanted = json.loads(json_text(settings))
    changed = [
        f"{key} {json_text(there.get(key))} instead of {json_text(wanted.get(key))}"
        for key in sorted({*there, *wanted})
        if there.get(key) != wanted.get(key)
    ]
    if changed:
        raise UserError(
            f"{folder} holds results made with other settings: {'; '.join(changed)}. "
            "Give another --out, or the same settings to go on."
        )


def read_settings(folder: Path) -> dict[str, Any]:
    """Return the settings of a folder; UserError if there are none, or they are damaged."""
    path = folder / SETTINGS
    try:
        settings = of_json(path.read_text(encoding="utf-8"))
        if not isinstance(settings, dict):
            raise FaultError("settings by name are expected")
    except FileNotFoundError:
        raise UserError(
            f"{folder} holds no results: `benchsuite tabulate --out {folder}` writes some."
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path} is damaged{because(error)}. Put back the file that was there, or give another "
            "folder."
        ) from error
    return settings


def read(folder: Path) -> Iterator[Row]:
    """Yield the rows of all shards; the first of several for one cell and repeat stands."""
    seen = set()
    for path in sorted(folder.glob("rows-*.jsonl")):
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    break
                try:
                    row = of_json(line)
                    key = (row["cell"], row["repeat"])
                    if not all(isinstance(part, int) for part in key):
                        raise FaultError("cell and repeat have to be whole numbers")
                except (ValueError, KeyError, TypeError) as error:
                    raise UserError(
                        f"Line {number} of {path} is damaged{because(error)}: remove that line, "
                        "and its cell is scored again."
                    ) from error
                if key not in seen:
                    seen.add(key)
                    yield row


def one_device(names: Collection[str]) -> str:
    """Return the device that rows were computed on; UserError where there are several."""
    if len(names) > 1:
        raise UserError(
            f"The rows were computed on {' and on '.join(sorted(names))}, which round differently: "
            "give each a folder of its own with --out."
        )
    return next(iter(names))


@contextmanager
def appending(folder: Path, shard: int, shards: int) -> Iterator[Appender]:
    """Open a shard's file at its end, less a torn last line.

    Raises UserError if another process writes to it.
    """
    path = folder / f"rows-{shard}-of-{shards}.jsonl"
    lock = folder / f".rows-{shard}-of-{shards}.lock"
    with held(lock, str(path), "Wait for it, or give another --shard."):
        try:
            # Unbuffered: what a full disk refuses must not be written again as the file is closed.
            file = path.open("ab+", buffering=0)
        except OSError as error:
            raise UserError(f"{path} cannot be written: {error.strerror}.") from error
        with file:
            file.truncate(_whole_lines(file))
            yield Appender(file, path)


class Appender:
    """Writes rows through to the disk."""

    def __init__(self, file: FileIO, path: Path) -> None:
        self._file, self._path = file, path

    def append(self, rows: list[Row]) -> None:
        """Append rows and wait until they are on the disk; UserError if it is full."""
        left = "".join(json_text(row) + "\n" for row in rows).encode()
        try:
            while left:
                left = left[self._file.write(left) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise UserError(
                f"{self._path} was not written: {error.strerror}. What was finished before is "
                "kept; free some space and run the same command again."
            ) from error


def _whole_lines(file: FileIO) -> int:
    """Return how many bytes of a file are whole lines."""
    end = file.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - 65536)
        file.seek(start)
        newline = file.read(end - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0
