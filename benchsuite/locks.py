"""Locks between processes, also of several machines: who holds what, and since when.

A lock is a file that names its holder. The system's own lock on it (flock) ends with the process;
where a file system has none, the file's existence is the lock, and one whose process of this
machine has ended is taken over.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchsuite.errors import UserError
from benchsuite.notations import json_text

_NO_FLOCK = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.ENOSYS, errno.EINVAL}
_PAUSE = 0.02  # seconds between two tries


@dataclass(frozen=True)
class Holder:
    """A process that holds a lock; machine: the host, its boot and the space of its process ids."""

    pid: int
    host: str
    machine: str
    started: str
    command: str
    since: str
    token: str

    @classmethod
    def this(cls) -> Holder:
        """Return the holder that this process is."""
        return cls(
            pid=os.getpid(),
            host=socket.gethostname(),
            machine=_machine(),
            started=_started(os.getpid()),
            command=" ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:200],
            since=time.strftime("%Y-%m-%d %H:%M:%S %z"),
            token=secrets.token_hex(8),
        )

    def has_ended(self) -> bool:
        """Tell whether the process has ended; False where that cannot be known from here."""
        if sys.platform == "win32" or self.machine != _machine():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return _started(self.pid) != self.started

    def __str__(self) -> str:
        return f"{self.command!r}, process {self.pid} on {self.host}, since {self.since}"


@contextmanager
def held(path: Path, what: str, advice: str, *, wait: float = 0) -> Iterator[None]:
    """Hold the lock that `path` is while the block runs.

    what: what is locked, and advice: what else one can do, in the sentence of the UserError for a
    lock that is not free within `wait` seconds; it names the holder.
    """
    deadline = time.monotonic() + wait
    while (release := _taken(path)) is None:
        if time.monotonic() >= deadline:
            raise UserError(f"{what} is in use by {_told(path)}. {advice}")
        time.sleep(_PAUSE)
    try:
        yield
    finally:
        release()


def _told(path: Path) -> str:
    """Return who holds a lock, and what to do about a holder that cannot be looked at."""
    holder, made = _holder(path), _beside(path)
    file = made if made.exists() else path
    if holder is None:
        return f"another process (if none runs any more, delete {file})"
    far = holder.machine != _machine()
    return f"{holder}" + (f" (if it has ended, delete {file})" if far else "")


def _taken(path: Path) -> Any:
    """Return what releases a lock that was taken now, None where it is held."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from error
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    except (ImportError, OSError) as error:
        os.close(file)
        if not isinstance(error, ImportError) and error.errno not in _NO_FLOCK:
            raise UserError(f"{path} cannot be locked: {error.strerror}.") from error
        return _created(_beside(path))
    if not _is_at(file, path):  # Released, and so taken away, while we waited.
        os.close(file)
        return None

    def release() -> None:
        with suppress(OSError):
            path.unlink()
        os.close(file)

    try:
        os.ftruncate(file, 0)
        os.write(file, _text(Holder.this()))
    except OSError as error:
        release()
        raise UserError(f"{path} was not written: {error.strerror}.") from error
    return release


def _beside(path: Path) -> Path:
    """Return the file that is the lock where the file system has none."""
    return path.with_name(f"{path.name}.held")


def _created(path: Path) -> Any:
    """Take a lock that is a file: made by one process alone, or that of a process that ended."""
    me = Holder.this()
    if not _made(path, me):
        there = _holder(path)
        if there is None or not there.has_ended():
            return None
        # Of those that find the same ended holder one makes this file; the others go away.
        taking = path.with_name(f"{path.name}.{there.token}")
        if not _made(taking, me):
            return None
        try:
            if _holder(path) != there:
                return None
            os.replace(taking, path)
        finally:
            with suppress(FileNotFoundError):
                taking.unlink()

    def release() -> None:
        if _holder(path) == me:
            with suppress(OSError):
                path.unlink()
                path.with_name(path.name.removesuffix(".held")).unlink()

    return release


def _made(path: Path, holder: Holder) -> bool:
    """Make a file that names a holder; False if it is there."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return False
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from error
    try:
        os.write(file, _text(holder))
    except OSError as error:
        path.unlink()
        raise UserError(f"{path} was not written: {error.strerror}.") from error
    finally:
        os.close(file)
    return True


def _holder(path: Path) -> Holder | None:
    """Return who a lock's file names; that itself, or the one made beside it."""
    for place in (path, _beside(path)):
        with suppress(OSError, ValueError, TypeError):
            return Holder(**json.loads(place.read_bytes()[:4096]))
    return None


def _text(holder: Holder) -> bytes:
    return json_text(asdict(holder)).encode()


def _is_at(file: int, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file), path.stat())
    return False


def _machine() -> str:
    """Return what tells this host, since it booted, and its process ids from all others."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts)


def _started(pid: int) -> str:
    """Return when a process started, in ticks since boot, empty where that is not known."""
    with suppress(OSError, IndexError):
        return (
            Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[19]
        )
    return ""
