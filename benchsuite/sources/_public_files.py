"""Where public files lie on this machine.

They are looked for in the *drop folder*, which the environment variable BENCHSUITE_DATA names and
which is never written to, then in the cache of the user, and those that a package installs among
its files. In the drop folder a file counts
wherever it lies: at its pinned path, under its name anywhere below, or under another name. Its
content decides, which has to be the pinned one; what was verified is remembered by path, size and
times of change.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from benchsuite.bounds import of_json
from benchsuite.errors import UserError
from benchsuite.files import write_text
from benchsuite.notations import json_text
from benchsuite.sources._source import Folder, PinnedFile, Source

DROP_VARIABLE = "BENCHSUITE_DATA"
_VERIFIED = "verified.json"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Places:
    """The two folders that hold public files; `drop` may be absent, and is listed once."""

    drop: Path | None
    cache: Path

    @functools.cached_property
    def dropped(self) -> tuple[Path, ...]:
        """Every file below the drop folder, sorted; links are followed, each folder once."""
        return tuple(sorted(_below(self.drop))) if self.drop else ()

    @functools.cached_property
    def by_name(self) -> Mapping[str, Sequence[Path]]:
        """The files below the drop folder by name."""
        found = defaultdict(list)
        for path in self.dropped:
            found[path.name].append(path)
        return found

    @functools.cached_property
    def by_size(self) -> Mapping[int, Sequence[Path]]:
        """The files below the drop folder by size in bytes."""
        found = defaultdict(list)
        for path in self.dropped:
            found[_size(path)].append(path)
        return found


@dataclass(frozen=True)
class Scattered:
    """Files of a source that do not lie at their pinned paths, read as if they did."""

    paths: Mapping[str, Path]

    def __truediv__(self, pinned: str) -> Path:
        return self.paths[pinned]


def places() -> Places:
    """Return the drop folder that BENCHSUITE_DATA names and the cache folder of the user.

    Raises UserError when BENCHSUITE_DATA names no folder.
    """
    from platformdirs import user_cache_dir

    cache = Path(user_cache_dir("benchsuite"))
    named = os.environ.get(DROP_VARIABLE)
    if not named:
        return Places(None, cache)
    drop = Path(named).expanduser()
    try:
        with os.scandir(drop) as entries:
            next(entries, None)
    except (FileNotFoundError, NotADirectoryError):
        pass  # said below
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"{DROP_VARIABLE} names {named!r}, which cannot be read: {reason}. Make it readable, "
            "or unset the variable."
        ) from error
    if drop.is_file():
        raise UserError(
            f"{DROP_VARIABLE} names {named!r}, which is a file and no folder. Name the folder that "
            "it lies in."
        )
    if not drop.is_dir():
        raise UserError(
            f"{DROP_VARIABLE} names {named!r}, which is no folder. Make it, or unset the variable."
        )
    return Places(drop, cache)


def find(file: PinnedFile, where: Places | None = None) -> Path | None:
    """Return where a file lies, verified, or None.

    Raises UserError where another file lies at its pinned path, or it cannot be read.
    """
    where = where or places()
    found = _in_drop(file, where)
    if found is None and _is_file(path := where.cache / file.path):
        verify(file, path, where.cache)
        return path
    return found


def folder_of(source: Source, where: Places | None = None) -> Folder | None:
    """Return a place that holds all files of a source, verified, or None; raises as `find`."""
    where = where or places()
    found = {file.path: _in_drop(file, where) for file in source.files}
    if where.drop and all(found.values()):
        there = {pinned: path for pinned, path in found.items() if path}
        at_pinned = all(path == where.drop / pinned for pinned, path in there.items())
        return where.drop if at_pinned else Scattered(there)
    if all(_is_file(where.cache / file.path) for file in source.files):
        for file in source.files:
            verify(file, where.cache / file.path, where.cache)
        return where.cache
    if source.installed:
        installed = {file.path: in_package(file, where)[0] for file in source.files}
        if all(installed.values()):
            return Scattered({pinned: path for pinned, path in installed.items() if path})
    return None


def installed_at(file: PinnedFile) -> Path | None:
    """Return where a package would have installed a file, or None if it is not installed."""
    try:
        return Path(str(distribution(file.package).locate_file(file.path)))
    except PackageNotFoundError:
        return None


def in_package(file: PinnedFile, where: Places) -> tuple[Path | None, str]:
    """Return where a package installed a file, verified, or None and what is wrong with it."""
    path = installed_at(file)
    if path is None:
        return None, f"{file.package} is not installed"
    if not _is_file(path):
        return None, f"the installed {file.package} lacks {file.path}"
    try:
        right = _compared(file, path, where.cache)[2]
    except UserError as error:
        return None, str(error)
    return (path, "") if right else (None, f"{path} is not what {file.package} published")


def lacking(source: Source, where: Places) -> list[PinnedFile]:
    """Return the files of a source that lie neither in the drop folder nor in the cache."""
    return [
        file
        for file in source.files
        if not (_in_drop(file, where) or _is_file(where.cache / file.path))
    ]


def check_drop(sources: Sequence[Source], where: Places) -> None:
    """Raise UserError if the drop folder holds no set of files, or a set that nothing completes.

    Samples are no sets. What a set misses may lie in the cache as long as that holds it whole.
    """
    if where.drop is None:
        return
    there = {file.path: _in_drop(file, where) for source in sources for file in source.files}
    whole = [source for source in sources if all(there[file.path] for file in source.files)]
    used = {file.path for source in whole for file in source.files}
    sets = [source for source in sources if not (source.sample or source.installed)]
    for source in sets:
        begun = [file for file in source.files if there[file.path] and file.path not in used]
        if begun and folder_of(source, where) is None:
            missing = [file for file in source.files if not there[file.path]]
            raise UserError(
                f"{DROP_VARIABLE} names {str(where.drop)!r}, which holds {begun[0].name} but not "
                f"all {len(source.files)} files of {source.id}: "
                f"{'; '.join(_missed(file, where) for file in missing)}. Add what is missing "
                f"(`benchsuite fetch {source.id}` downloads it), or take the others out."
            )
    if not any(source in whole for source in sets):
        files = [file for source in sets for file in source.files if not file.beside[0]]
        found = [_missed(file, where) for file in files if file.name in where.by_name]
        raise UserError(
            f"{DROP_VARIABLE} names {str(where.drop)!r}, which holds no public data set, in it or "
            f"below it. Looked for, by name and content: "
            f"{', '.join(f'{source.files[0].name} ({source.id})' for source in sets)}."
            + "".join(f" {what}." for what in found)
            + " Name the folder that holds such files, or unset the variable."
        )


def passed_over(sources: Sequence[Source], where: Places) -> Iterator[str]:
    """Yield which files of the drop folder bear the name of one that is nowhere, but are not it.

    A name says nothing of a file that its company tells, nor does one that is another set's.
    """
    files = [file for source in sources if not source.installed for file in source.files]
    there = {file.path: _in_drop(file, where) for file in files}
    for file in files:
        if there[file.path] or file.beside[0] or _is_file(where.cache / file.path):
            continue
        for path in where.by_name.get(file.name, ()):
            if path not in there.values():
                yield _differs(path, file)


def verify(file: PinnedFile, path: Path, cache: Path) -> None:
    """Raise UserError unless the content of a path is the pinned one."""
    kind, digest, right = _compared(file, path, cache)
    if not right:
        raise UserError(
            f"{path} is not the pinned file: its {kind} is {digest or 'not computed: wrong size'}, "
            f"expected {file.sha256 or f'...{file.md5_part}'}. Delete it and fetch it again."
        )


def _in_drop(file: PinnedFile, where: Places) -> Path | None:
    if where.drop is None:
        return None
    pinned = where.drop / file.path
    if _is_file(pinned) and _told_by(file, pinned):
        verify(file, pinned, where.cache)
        return pinned
    for path in _candidates(file, where):
        try:
            if _told_by(file, path) and _compared(file, path, where.cache)[2]:
                return path
        except UserError:
            if path.name == file.name:
                raise
            continue  # Only its size speaks for a file of another name.
    return None


def _candidates(file: PinnedFile, where: Places) -> Iterator[Path]:
    """Yield what may be a file: those of its name, then those of its size."""
    named = [path for path in where.by_name.get(file.name, ()) if _is_file(path)]
    yield from named
    if file.size:
        yield from (path for path in where.by_size.get(file.size, ()) if path not in named)


def _told_by(file: PinnedFile, path: Path) -> bool:
    """Tell whether a path has the company that marks a file of a whole folder."""
    pattern, least = file.beside
    return not pattern or sum(1 for _ in path.parent.glob(pattern)) >= least


def _missed(file: PinnedFile, where: Places) -> str:
    """Return which file is missing, and which others bear its name."""
    others = where.by_name.get(file.name, ())
    if not others:
        return f"{file.name} is missing"
    return _differs(others[0], file)


def _differs(path: Path, file: PinnedFile) -> str:
    return f"{path} has another content than {file.name} of {file.path.rpartition('/')[0]}"


def _below(folder: Path) -> Iterator[Path]:
    seen = set()
    for top, folders, files in os.walk(folder, followlinks=True):
        try:
            status = os.stat(top)
        except OSError:  # gone, or closed to us, meanwhile
            folders.clear()
            continue
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        yield from (Path(top, name) for name in files)


def _is_file(path: Path) -> bool:
    """Tell whether there is a file; raises UserError where that cannot be seen."""
    try:
        return path.is_file()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else -1
    except OSError:
        return -1


def _compared(file: PinnedFile, path: Path, cache: Path) -> tuple[str, str, bool]:
    """Return the kind of digest, the digest ("" for a wrong size), and whether it is right."""
    kind = "sha256" if file.sha256 else "md5"
    try:
        digest = _digest(path, kind, cache, file.size)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from error
    if file.sha256:
        return kind, digest, digest == file.sha256
    # The authors call these the last digits of the file; head and tail are both accepted.
    return kind, digest, digest.startswith(file.md5_part) or digest.endswith(file.md5_part)


def _digest(path: Path, kind: str, cache: Path, size: int) -> str:
    """Return the digest of a file, from memory where the file has not changed since."""
    status = path.stat()
    if size and status.st_size != size:
        return ""
    key = f"{kind}:{path.resolve()}"
    stamp = [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
    known = _remembered(cache)
    if isinstance(known.get(key), list) and known[key][:-1] == stamp:
        return str(known[key][-1])
    hasher = hashlib.new(kind, usedforsecurity=False)
    with path.open("rb") as content:
        while block := content.read(_BLOCK):
            hasher.update(block)
    known[key] = [*stamp, hasher.hexdigest()]
    _remember(cache, known)
    return hasher.hexdigest()


def _remembered(cache: Path) -> dict[str, Any]:
    try:
        known = of_json((cache / _VERIFIED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _remember(cache: Path, known: dict[str, Any]) -> None:
    try:
        write_text(cache / _VERIFIED, json_text(known))
    except UserError:
        return  # A read-only cache costs time, nothing else.
