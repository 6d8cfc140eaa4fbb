"""Where public files lie on this machine, and how the missing ones are downloaded.

Files are looked for in the *drop folder*, which the environment variable BENCHSUITE_DATA names and
which is never written to, and then in the cache of the user. A file counts only when its content
is the pinned one; what was verified is remembered by path, size and times of change.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchsuite.errors import UserError
from benchsuite.sources_api import PinnedFile, Source

Progress = Callable[[str, int, int], None]

DROP_VARIABLE = "BENCHSUITE_DATA"
_VERIFIED = "verified.json"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Places:
    """The two folders that hold public files; `drop` may be absent."""

    drop: Path | None
    cache: Path

    @property
    def folders(self) -> tuple[Path, ...]:
        """Both folders in the order in which they are searched."""
        return (self.cache,) if self.drop is None else (self.drop, self.cache)


def places() -> Places:
    """Return the drop folder that BENCHSUITE_DATA names and the cache folder of the user.

    Raises UserError when BENCHSUITE_DATA names no folder.
    """
    from platformdirs import user_cache_dir

    named = os.environ.get(DROP_VARIABLE)
    if named and not Path(named).is_dir():
        raise UserError(
            f"{DROP_VARIABLE} names {named!r}, which is no folder. Make it, or unset the variable."
        )
    return Places(Path(named) if named else None, Path(user_cache_dir("benchsuite")))


def find(file: PinnedFile, where: Places | None = None) -> Path | None:
    """Return where a file lies, verified, or None; raises UserError for one with other content."""
    where = where or places()
    for folder in where.folders:
        path = folder / file.path
        if path.is_file():
            _verify(file, path, where.cache)
            return path
    return None


def folder_of(source: Source, where: Places | None = None) -> Path | None:
    """Return the first folder that holds all files of a source, verified, or None."""
    where = where or places()
    for folder in where.folders:
        if all((folder / file.path).is_file() for file in source.files):
            for file in source.files:
                _verify(file, folder / file.path, where.cache)
            return folder
    return None


def fetch(
    sources: Iterable[Source],
    *,
    progress: Progress | None = None,
    where: Places | None = None,
    attempts: int = 3,
    pause: float = 1.0,
) -> None:
    """Bring every file of the sources into the drop folder or the cache, whole and verified.

    progress: called with file name, bytes done and bytes in total. attempts: per address; pause:
    seconds before the second one, doubled each time. Raises UserError, after trying all sources,
    with what has to be downloaded by hand and where it belongs.
    """
    where = where or places()
    missing = []
    for source in sources:
        for file in source.files:
            _drop_damaged(file, where.cache)
        if folder_of(source, where) is None:
            for file in source.files:
                faults = _bring(file, where, progress, attempts, pause)
                if faults:
                    missing.append((file, faults))
    if missing:
        raise UserError(_by_hand(missing, where))


def _bring(
    file: PinnedFile, where: Places, progress: Progress | None, attempts: int, pause: float
) -> list[str]:
    """Put one file into the cache; return why every address failed, or an empty list."""
    found, target = find(file, where), where.cache / file.path
    if found == target:
        return []
    target.parent.mkdir(parents=True, exist_ok=True)
    if found is not None:
        _copy(found, target)
        return []
    faults = []
    for url in file.urls:
        for attempt in range(attempts):
            if attempt:
                time.sleep(pause * 2 ** (attempt - 1))
            fault = _download(url, file, target, progress)
            if fault is None:
                return []
        faults.append(f"{url}: {fault}")
    return faults or [file.by_hand or "it has no public address"]


def _download(url: str, file: PinnedFile, target: Path, progress: Progress | None) -> str | None:
    """Download to a temporary file, check it, and move it in place; return what failed."""
    import pooch
    from requests.exceptions import RequestException

    pooch.get_logger().setLevel("ERROR")
    bar = _Bar(file.name, progress) if progress else False
    downloader = pooch.HTTPDownloader(progressbar=bar, timeout=30)
    try:
        pooch.retrieve(
            url,
            known_hash=f"sha256:{file.sha256}",
            fname=target.name,
            path=target.parent,
            downloader=downloader,
        )
    except (RequestException, ValueError, OSError) as error:
        return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    return None


class _Bar:
    """What pooch expects of a progress bar, passed on to a callback."""

    def __init__(self, name: str, progress: Progress):
        self.total = 0
        self._name, self._progress, self._done = name, progress, 0

    def update(self, amount: int) -> None:
        self._done += amount
        self._progress(self._name, min(self._done, self.total or self._done), self.total)

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        pass


def _drop_damaged(file: PinnedFile, cache: Path) -> None:
    """Delete a file of the cache that is not the pinned one; the drop folder is left alone."""
    path = cache / file.path
    if path.is_file():
        try:
            _verify(file, path, cache)
        except UserError:
            path.unlink()


def _verify(file: PinnedFile, path: Path, cache: Path) -> None:
    kind = "sha256" if file.sha256 else "md5"
    digest = _digest(path, kind, cache, file.size)
    if file.sha256:
        right = digest == file.sha256
    else:
        # The authors call these the last digits of the file; head and tail are both accepted.
        right = digest.startswith(file.md5_part) or digest.endswith(file.md5_part)
    if not right:
        raise UserError(
            f"{path} is not the pinned file: its {kind} is {digest or 'not computed: wrong size'}, "
            f"expected {file.sha256 or '...' + file.md5_part}. Delete it and fetch it again."
        )


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
        known = json.loads((cache / _VERIFIED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _remember(cache: Path, known: dict[str, Any]) -> None:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        _write(cache / _VERIFIED, json.dumps(known).encode())
    except OSError:
        return  # A read-only cache costs time, nothing else.


def _copy(source: Path, target: Path) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent)
    os.close(handle)
    shutil.copyfile(source, name)
    os.replace(name, target)


def _write(target: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    os.replace(name, target)


def _by_hand(missing: list[tuple[PinnedFile, list[str]]], where: Places) -> str:
    folder = where.drop or where.cache
    lines = [f"{len(missing)} file(s) could not be downloaded. Download by hand and put in place:"]
    for file, faults in missing:
        lines.append(f"  {' or '.join(file.urls) or file.by_hand}")
        lines.append(f"    -> {folder / file.path}")
        lines.extend(f"    ({fault})" for fault in faults if file.urls)
    lines.append(f"Any other folder will do as well if {DROP_VARIABLE} names it.")
    return "\n".join(lines)
