"""How the public files that are not on this machine are downloaded, into the cache of the user."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

from benchsuite.errors import UserError
from benchsuite.sources._public_files import (
    DROP_VARIABLE,
    Places,
    find,
    folder_of,
    lacking,
    places,
    verify,
)
from benchsuite.sources._source import PinnedFile, Source

REACH = 9  # seconds that a server has to answer at all
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
    seconds before the second one, doubled each time. A server that does not answer is asked once,
    for all of its files, and within `REACH` seconds. Raises UserError, after trying all sources,
    with what has to be downloaded by hand and where it belongs.
    """
    where = where or places()
    sources = tuple(sources)
    missing = []
    lost = _unreachable(_wanted(sources, where))
    for source in sources:
        for file in source.files:
            _drop_damaged(file, where.cache)
        if folder_of(source, where) is None:
            for file in source.files:
                faults = _bring(file, where, progress, attempts, pause, lost)
                if faults:
                    missing.append((file, faults))
    if missing:
        raise UserError(_by_hand(missing, where, lost))


def _wanted(sources: Iterable[Source], where: Places) -> Iterator[str]:
    """Yield the addresses of the files that would have to be downloaded."""
    for source in sources:
        absent = {file.path for file in lacking(source, where)}
        yield from (url for f in source.files if f.path in absent for url in f.urls)


def _unreachable(urls: Iterable[str]) -> dict[str, str]:
    """Return the servers of addresses that do not answer, and why; all are asked at a time."""
    by_server = {_server(url): url for url in urls}
    found: dict[str, str | None] = {}

    def ask(server: str, url: str) -> None:
        found[server] = _fault_of(url)

    asking = [Thread(target=ask, args=pair, daemon=True) for pair in by_server.items()]
    for thread in asking:
        thread.start()
    end = time.monotonic() + REACH
    for thread in asking:
        thread.join(max(0.0, end - time.monotonic()))
    silent = f"no answer in {REACH} seconds"
    asked = {server: found.get(server, silent) for server in by_server}
    return {server: why for server, why in asked.items() if why is not None}


def _fault_of(url: str) -> str | None:
    """Return why the server of an address cannot be reached, None if it answers anything."""
    import requests

    fault = None
    for attempt in range(2):
        time.sleep(attempt)
        try:
            requests.head(url, timeout=REACH / 3)
        except requests.RequestException as error:
            fault = _first_line(error)
        else:
            return None
    return fault


def _server(url: str) -> str:
    return urlsplit(url).netloc


def _first_line(error: Exception) -> str:
    cause = getattr(error.args[0], "reason", error) if error.args else error
    return (str(cause) or type(error).__name__).splitlines()[0][:200]


def _bring(
    file: PinnedFile,
    where: Places,
    progress: Progress | None,
    attempts: int,
    pause: float,
    lost: dict[str, str],
) -> list[str]:
    """Put one file into the cache; return why every address failed, or an empty list.

    lost: servers that cannot be reached; one that is lost meanwhile is added.
    """
    from requests.exceptions import ConnectTimeout, RequestException

    found, target = find(file, where), where.cache / file.path
    if found == target:
        return []
    target.parent.mkdir(parents=True, exist_ok=True)
    if found is not None:
        _copy(found, target)
        return []
    faults = []
    for url in file.urls:
        if _server(url) in lost:
            faults.append(f"{_server(url)} cannot be reached")
            continue
        fault, silent = "not tried", False
        for attempt in range(attempts):
            if attempt:
                time.sleep(pause * 2 ** (attempt - 1))
            try:
                _download(url, file, target, progress)
                return []
            except (RequestException, ValueError, OSError) as error:
                fault, silent = _first_line(error), isinstance(error, ConnectTimeout)
        if silent:
            lost[_server(url)] = fault
        faults.append(f"{url}: {fault}")
    return faults or [file.by_hand or "it has no public address"]


def _download(url: str, file: PinnedFile, target: Path, progress: Progress | None) -> None:
    """Download to a temporary file, check it, and move it in place."""
    import pooch

    pooch.get_logger().setLevel("ERROR")
    bar = _Bar(file.name, progress) if progress else False
    downloader = pooch.HTTPDownloader(progressbar=bar, timeout=(REACH / 3, 30))
    pooch.retrieve(
        url,
        known_hash=f"sha256:{file.sha256}",
        fname=target.name,
        path=target.parent,
        downloader=downloader,
    )


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


def _by_hand(
    missing: list[tuple[PinnedFile, list[str]]], where: Places, lost: Mapping[str, str]
) -> str:
    folder = where.drop or where.cache
    lines = [f"{len(missing)} file(s) could not be downloaded. Download by hand and put in place:"]
    for file, faults in missing:
        size = f" ({file.size:,} bytes)" if file.size else ""
        lines.append(f"  {' or '.join(file.urls) or file.by_hand}{size}")
        lines.append(f"    -> {folder / file.path}")
        lines.extend(f"    ({fault})" for fault in faults if file.urls)
    lines.extend(f"{server} cannot be reached: {why}" for server, why in lost.items())
    lines.append(
        f"Any other folder will do as well if {DROP_VARIABLE} names it, in any order and under any "
        "names: files are known by their content."
    )
    return "\n".join(lines)
