"""Folders that appear whole, and that replace another one by an exchange."""

from __future__ import annotations

import ctypes
import errno
import glob
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from benchsuite.errors import UserError
from benchsuite.files import made_folder

_HERE = -100  # AT_FDCWD: names are relative to the working folder
_SWAP = 2  # RENAME_EXCHANGE of Linux and RENAME_SWAP of macOS
_NO_SWAP = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}


def write_folder(folder: Path, write: Callable[[Path], object], *, replace: bool = False) -> None:
    """Call `write(temporary)`, which makes that folder, and move it to where `folder` leads.

    replace: exchange it with a folder that is there, which is then deleted; without, one that is
    there and not empty stays and is an error. At every moment the old folder or the new one is in
    place, or, where a system cannot exchange and the process is killed, `recover` puts the old one
    back. Raises UserError where it cannot be written.
    """
    target = Path(os.path.realpath(folder))
    if target == Path.cwd():
        raise UserError(f"{folder} is the working folder, which is not replaced: give another.")
    with made_folder(target.parent):
        try:
            made = Path(tempfile.mkdtemp(prefix=_prefix(target), dir=target.parent))
        except OSError as error:
            raise UserError(f"{folder} cannot be written: {error.strerror}.") from error
        try:
            write(made / "new")
            _place(made / "new", target, made / "old" / target.name, replace)
        except OSError as error:
            raise UserError(f"{folder} was not written: {error.strerror}.") from error
        finally:
            recover(target)
            shutil.rmtree(made, ignore_errors=True)


def recover(folder: Path) -> None:
    """Put a folder back that was moved aside by a process that was killed before it went on."""
    target = Path(os.path.realpath(folder))
    with suppress(OSError):
        if not target.exists():
            name = glob.escape(target.name)  # Of the prefix, other folders' may be a longer one.
            for aside in target.parent.glob(f"{glob.escape(_prefix(target))}*/old/{name}"):
                aside.rename(target)
                return


def _prefix(target: Path) -> str:
    return f".{target.name[:50]}."


def _place(new: Path, target: Path, aside: Path, replace: bool) -> None:
    if not (replace and target.exists()):
        new.rename(target)
    elif not _exchanged(new, target):
        try:
            aside.parent.mkdir()
            target.rename(aside)
            new.rename(target)
        except BaseException:
            recover(target)
            raise


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two folders at once; False where this system or file system cannot."""
    if sys.platform == "win32":
        return False
    library = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(one), os.fsencode(other)
    if hasattr(library, "renameat2"):
        failed = library.renameat2(_HERE, names[0], _HERE, names[1], _SWAP)
    elif hasattr(library, "renamex_np"):
        failed = library.renamex_np(*names, _SWAP)
    else:
        return False
    if failed and (number := ctypes.get_errno()) not in _NO_SWAP:
        raise OSError(number, os.strerror(number), str(other))
    return not failed
