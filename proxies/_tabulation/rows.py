"""Rows of scores on disk: one JSON object per line and (cell, repeat), one file per shard.

A folder belongs to one set of settings (`settings.json`), and a row holds their digest, so that
rows that mean different things never meet, also where files are copied together. A file is only
ever appended to. After a crash its last line may be torn; it is cut off and its cell scored again.
Rows count as done whichever shard's file they are in. `asked.json` holds which rows were asked
for, of all shards: it tells what is missing.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

from benchsuite.bounds import FaultError, because, of_json
from benchsuite.digest import digest
from benchsuite.errors import UserError
from benchsuite.files import made_folder, write_text
from benchsuite.locks import held
from benchsuite.notations import json_text

SETTINGS = "settings.json"
ASKED = "asked.json"
STAMP = "settings"  # The field of a row that holds the digest of its settings.
# What merging reads of settings: its type, and the keys of those that have some.
_TABULATED: dict[str, tuple[Any, ...]] = {
    "proxies": (dict,),
    "skeleton": (dict, "channels", "cells_per_stage", "resolution"),
    "batch": (dict, "size", "images"),
    "dtype": (str,),
    "seed": (int,),
}
_SHARD = re.compile(r"rows-(\d+)-of-(\d+)\.jsonl")
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


def tabulated_settings(folder: Path) -> dict[str, Any]:
    """Return the settings of a folder of tabulated rows; UserError if it lacks one of them."""
    settings = read_settings(folder)
    for name, (kind, *keys) in _TABULATED.items():
        found = settings.get(name)
        if not isinstance(found, kind) or any(key not in found for key in keys):
            raise UserError(
                f"{folder / SETTINGS} is damaged ({name!r} is not there, or not what a tabulation "
                "writes). Put back the file that was there, or give another folder."
            )
    return settings


def ask(folder: Path, tasks: Iterable[tuple[int, int]]) -> None:
    """Note in a claimed folder which (cell, repeat) are wanted there, besides earlier ones."""
    with held(folder / ".settings.lock", str(folder), _WAIT, wait=30):
        before = _asked(folder)
        wanted = dict(before)
        for cell, repeat in tasks:
            wanted[cell] = max(wanted.get(cell, 0), repeat + 1)
        if wanted != before:
            write_text(folder / ASKED, json_text(wanted, sort_keys=True) + "\n")


def asked(folder: Path) -> set[tuple[int, int]]:
    """Return the (cell, repeat) that were asked for in a folder, none where that was not noted.

    Raises UserError if the note is damaged.
    """
    return {(cell, at) for cell, repeats in _asked(folder).items() for at in range(repeats)}


def _asked(folder: Path) -> dict[int, int]:
    path = folder / ASKED
    try:
        found = of_json(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict) or not all(_whole(number) for number in found.values()):
            raise FaultError("numbers of repeats by cell are expected")
        return {int(cell): number for cell, number in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path} is damaged{because(error)}: remove it, and the same tabulation writes it "
            "again."
        ) from error


def absent_shards(folder: Path) -> list[str]:
    """Return the shards, `2 of 2`, that have no file, none where one split has all of its files."""
    splits: dict[int, set[int]] = {}
    for path in folder.glob("rows-*.jsonl"):
        if named := _SHARD.fullmatch(path.name):
            splits.setdefault(int(named[2]), set()).add(int(named[1]))
    lost = {of: set(range(1, of + 1)) - there for of, there in splits.items()}
    if not all(lost.values()):
        return []
    return [f"{shard} of {of}" for of in sorted(lost) for shard in sorted(lost[of])]


def stamp(settings: Mapping[str, Any]) -> str:
    """Return the short digest of settings that a row holds."""
    return digest(json_text(settings, sort_keys=True))[:12]


def read(folder: Path) -> Iterator[Row]:
    """Yield the rows of all shards; the first of several for one cell and repeat stands.

    Raises UserError for a damaged row, and for rows of several settings or of others than the
    folder's. Rows of before they held a digest of them are taken where no other has one.
    """
    own = _own_stamp(folder)
    seen = set()
    first: tuple[str | None] | None = None
    for path in sorted(folder.glob("rows-*.jsonl")):
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    break
                where = f"Line {number} of {path}"
                try:
                    row = of_json(line)
                    _check(row)
                except ValueError as error:
                    raise UserError(
                        f"{where} is damaged{because(error)}: remove that line, and its cell is "
                        "scored again."
                    ) from error
                stamped = row.get(STAMP)
                first = first or (stamped,)
                if why := _stranger(stamped, first[0], own):
                    raise UserError(
                        f"{where} {why}. Scores of other options, code or PyTorch do not stand in "
                        f"one table: take {path.name} away and tabulate what it held again, with "
                        "the same of all of them."
                    )
                key = (row["cell"], row["repeat"])
                if key not in seen:
                    seen.add(key)
                    yield row


def _own_stamp(folder: Path) -> str | None:
    return stamp(read_settings(folder)) if (folder / SETTINGS).exists() else None


def _stranger(stamped: str | None, first: str | None, own: str | None) -> str:
    """Return what tells a row from the first, or from the folder's settings, empty if nothing."""
    if (stamped is None) != (first is None):
        return "and the rows before it are of different versions: one alone says its settings"
    if stamped is not None and own is not None and stamped != own:
        return f"was made with other settings than {SETTINGS} beside it holds"
    return "was made with other settings than the rows before it" if stamped != first else ""


def _check(row: Any) -> None:
    """Raise FaultError for a row that lacks what every row has, or has it in another form."""
    if not isinstance(row, dict):
        raise FaultError("a row is an object of values by name")
    for name in ("cell", "repeat", "batches", "values", "reasons", "seconds"):
        if name not in row:
            raise FaultError(f"it has no {name!r}")
    for name in ("cell", "repeat"):
        if not _whole(row[name]):
            raise FaultError(f"its {name!r} has to be a whole number from 0 on")
    if not (isinstance(row["batches"], list) and all(type(b) is str for b in row["batches"])):
        raise FaultError("its 'batches' have to be a list of texts")
    for name in ("values", "seconds", "reasons"):
        if not isinstance(row[name], dict):
            raise FaultError(f"its {name!r} have to stand by name")
    for name, value in row["values"].items():
        if value is not None and not _number(value):
            raise FaultError(f"its value of {name!r} is no number")
    for name, value in row["seconds"].items():
        if not _number(value):
            raise FaultError(f"its seconds of {name!r} are no number")
    texts = {f"reason of {name!r}": text for name, text in row["reasons"].items()}
    texts |= {repr(name): row[name] for name in ("device", STAMP) if name in row}
    for name, text in texts.items():
        if type(text) is not str:
            raise FaultError(f"its {name} is no text")


def _whole(value: Any) -> bool:
    return type(value) is int and value >= 0


def _number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


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
    """Open a shard's file at its end, less a torn last line; rows get the folder's digest.

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
            yield Appender(file, path, _own_stamp(folder))


class Appender:
    """Writes rows through to the disk."""

    def __init__(self, file: FileIO, path: Path, stamped: str | None) -> None:
        self._file, self._path = file, path
        self._more = {} if stamped is None else {STAMP: stamped}

    def append(self, rows: list[Row]) -> None:
        """Append rows and wait until they are on the disk; UserError if it is full."""
        left = "".join(json_text({**row, **self._more}) + "\n" for row in rows).encode()
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
