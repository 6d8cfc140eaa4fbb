"""How the public files that are not on this machine are downloaded, into the cache of the user."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from benchsuite.errors import UserError
from benchsuite.sources._public_files import DROP_VARIABLE, Places, find, folder_of, places, verify
from benchsuite.sources._source import PinnedFile, Source

Progress = Callable[[str, int, int], None]


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
            verify(file, path, cache)
        except UserError:
            path.unlink()


def _copy(source: Path, target: Path) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent)
    os.close(handle)
    shutil.copyfile(source, name)
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
