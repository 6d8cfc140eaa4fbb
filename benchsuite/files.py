"""Files: how every one is written, how people's texts are read, where the shipped ones lie."""

from __future__ import annotations

import codecs
import os
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchsuite.bounds import TEXT, read_bytes
from benchsuite.errors import UserError

_DESCRIPTORS = ("/dev/fd", "/proc/self/fd", "/proc/thread-self/fd")


def write_atomically(path: Path, write: Callable[[str], object]) -> None:
    """Call `write(temporary)`, flush it to the disk and move it to where `path` leads.

    Links are followed. A FIFO, a device or an open descriptor gets the bytes, as from a shell;
    anything else appears whole, with the rights of the file it replaces. A failure, also a full
    disk, leaves what was there untouched and nothing new. Raises UserError where it cannot be
    written.
    """
    path = Path(path)
    if _is_stream(path):
        _pass_on(path, write)
        return
    with _folder_of(path) as target:
        name = f"{target.parent}{os.sep}.{target.name[:50]}.{secrets.token_hex(4)}"
        try:
            _check_replaceable(target)
            os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        except OSError as error:
            raise UserError(f"{path} cannot be written: {error.strerror}.") from error
        try:
            write(name)
            with open(name, "rb+") as file:
                os.fsync(file.fileno())
            _keep_rights(target, name)
            os.replace(name, target)
        except OSError as error:
            raise UserError(f"{path} was not written: {error.strerror or error}.") from error
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name)


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8, lines ended as they are in it; errors as for `write_atomically`."""
    write_atomically(path, lambda part: Path(part).write_bytes(text.encode()))


def delete_oldest(paths: Iterable[Path], most: int) -> None:
    """Delete all files but those that were used last; one that another process deletes is gone."""
    used = []
    for path in paths:
        try:
            used.append((path.stat().st_mtime_ns, path))
        except OSError:
            continue
    for _, path in sorted(used, reverse=True)[most:]:
        path.unlink(missing_ok=True)


def read_text(path: Path, most: int = TEXT) -> str:
    """Return the text of a file in UTF-8, or in UTF-16 with a mark, lines ended by `\\n`.

    most: bytes. Raises UserError for a file that is not there, not in these encodings, or longer.
    """
    raw = read_bytes(path, most)
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = raw.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is no text in UTF-8: byte {error.start} is {raw[error.start]:#04x}. Save it "
            "as UTF-8."
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def shipped(name: str, package: str = "benchsuite") -> Path:
    """Return the path of a file or folder that is shipped in an imported package, as `data`."""
    return Path(sys.modules[package].__path__[0]) / name


@contextmanager
def made_folder(folder: Path) -> Iterator[None]:
    """Make a folder and those above it, and take away again what is new if the block fails."""
    try:
        new = [part for part in (folder, *folder.parents) if not part.exists()]
    except OSError as error:
        raise UserError(f"{folder} cannot be written into: {error.strerror}.") from error
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{folder} cannot be written into: {error.strerror}.") from error
        yield
    except BaseException:
        with suppress(OSError):  # It is not there, or others wrote into it.
            for part in new:
                part.rmdir()
        raise


@contextmanager
def _folder_of(path: Path) -> Iterator[Path]:
    """Give where a path leads, in a folder that is there."""
    with made_folder(path.parent):
        try:
            if path.is_symlink():
                with suppress(FileNotFoundError):  # A link to what is not there yet.
                    path.stat()
            yield Path(os.path.realpath(path))
        except OSError as error:
            raise UserError(f"{path} cannot be written: {error.strerror}.") from error


def _is_stream(path: Path) -> bool:
    """Tell a FIFO, a device, a socket or an open descriptor, also behind links."""
    with suppress(OSError, RuntimeError):
        if not (stat.S_ISREG(mode := path.stat().st_mode) or stat.S_ISDIR(mode)):
            return True
        while path.is_symlink():
            if os.path.realpath(path.parent) in map(os.path.realpath, _DESCRIPTORS):
                return True
            path = path.parent / os.readlink(path)
    return False


def _pass_on(path: Path, write: Callable[[str], object]) -> None:
    try:
        with tempfile.TemporaryDirectory() as folder:
            write(part := os.path.join(folder, path.name))
            with open(part, "rb") as made, open(path, "wb") as out:
                shutil.copyfileobj(made, out)
    except OSError as error:
        raise UserError(f"{path} was not written: {error.strerror or error}.") from error


def _check_replaceable(target: Path) -> None:
    """Raise OSError where a shell would not write: a folder, or a file without the right to."""
    if target.is_dir():
        raise IsADirectoryError(21, "Is a directory")
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(13, "Permission denied")


def _keep_rights(target: Path, name: str) -> None:
    with suppress(FileNotFoundError):
        status = target.stat()
        with suppress(OSError, AttributeError):  # Not ours to give away, or no owners here.
            os.chown(name, status.st_uid, status.st_gid)
        os.chmod(name, stat.S_IMODE(status.st_mode))
