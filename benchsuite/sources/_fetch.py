"""How the public files that are not on this machine are downloaded, into the cache of the user."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

from benchsuite.errors import UserError
from benchsuite.files import write_atomically
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
PATIENCE = 30  # seconds between two pieces of an answer, and for a file beside its size
SLOWEST = 20_000  # bytes per second that a server has to send
LARGEST = 1 << 26  # bytes of a file whose size is not pinned
_PIECE = 1 << 14
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
    with what has to be downloaded by hand and where it belongs, and what is damaged.
    """
    where = where or places()
    told: list[str] = []
    sources = [source for source in sources if _in_order(source, where, told)]
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
        told.append(_by_hand(missing, where, lost))
    if told:
        raise UserError("\n".join(told))


def _in_order(source: Source, where: Places, told: list[str]) -> bool:
    """Tell whether no file of a source lies damaged in the drop folder; add what is wrong."""
    try:
        lacking(source, where)
    except UserError as error:
        told.append(str(error))
        return False
    return True


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
    if found is not None:
        write_atomically(target, lambda part: shutil.copyfile(found, part))
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
                content = _download(url, file, progress)
            except (RequestException, ValueError, OSError) as error:
                fault, silent = _first_line(error), isinstance(error, ConnectTimeout | _LateError)
                if isinstance(error, _LateError):
                    break
            else:
                _keep(target, content)
                return []
        if silent:
            lost[_server(url)] = fault
        faults.append(f"{url}: {fault}")
    return faults or [file.by_hand or "it has no public address"]


def _keep(target: Path, content: bytes) -> None:
    write_atomically(target, lambda part: Path(part).write_bytes(content))


def _download(url: str, file: PinnedFile, progress: Progress | None) -> bytes:
    """Return what an address gives, verified; ValueError for more than the pinned size, or late.

    A thread waits for the server, which may send a byte at a time: it is left alone when its time
    is over, and stops at the next piece that comes.
    """
    most = file.size or LARGEST

    def told(done: int) -> None:
        if progress:
            progress(file.name, done, most)

    coming = _Coming(url, most, told)
    coming.start()
    coming.join(PATIENCE + most / SLOWEST)
    if coming.is_alive():
        coming.over = True
        raise _LateError(f"not whole after {PATIENCE + most / SLOWEST:.0f} seconds")
    if coming.fault:
        raise coming.fault
    content = bytes(coming.content)
    if len(content) > most:
        raise ValueError(f"it sends more than the {most:,} bytes of this file")
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise ValueError(f"it sends another file, of {len(content):,} bytes")
    return content


class _LateError(ValueError):
    """A server takes longer than a file of its size may take; it is not asked again."""


class _Coming(Thread):
    """What a server sends, until it has sent more than `most` bytes or is told that it is over."""

    def __init__(self, url: str, most: int, told: Callable[[int], object]) -> None:
        super().__init__(daemon=True)
        self.content, self.over = bytearray(), False
        self.fault: Exception | None = None
        self._url, self._most, self._told = url, most, told

    def run(self) -> None:
        import requests

        plain = {"Accept-Encoding": "identity"}
        try:
            with requests.get(
                self._url, headers=plain, stream=True, timeout=(REACH / 3, PATIENCE)
            ) as response:
                response.raise_for_status()
                for piece in response.iter_content(_PIECE):
                    self.content += piece
                    if self.over or len(self.content) > self._most:
                        return
                    self._told(len(self.content))
        except Exception as fault:
            self.fault = fault


def _drop_damaged(file: PinnedFile, cache: Path) -> None:
    """Delete a file of the cache that is not the pinned one; the drop folder is left alone."""
    path = cache / file.path
    if path.is_file():
        try:
            verify(file, path, cache)
        except UserError:
            try:
                path.unlink()
            except OSError as error:
                raise UserError(
                    f"{path} is damaged and cannot be deleted: {error.strerror}."
                ) from error


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
