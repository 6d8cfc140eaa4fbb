"""Standard output: what cannot be written there is an error, never a part of another's."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, TextIO

GONE = 128 + 13  # As the shell says of a program that SIGPIPE ended.


class LostError(Exception):
    """Standard output or standard error takes nothing more; no OSError, which others catch.

    is_gone: whether that is because whoever read it has gone.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(error.strerror or str(error))
        self.is_gone = error.errno == errno.EPIPE

    def say(self) -> int:
        """Say it, where that is possible; return the exit code."""
        _give_up(sys.stdout)
        if self.is_gone:
            return GONE
        try:
            print(f"Error: The output was not written: {self}.", file=sys.stderr, flush=True)
        except OSError:
            _give_up(sys.stderr)
        return 2


class _Checked:
    """A text stream whose errors are `LostError`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            raise LostError(error) from None

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            raise LostError(error) from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def checked() -> Iterator[None]:
    """Raise `LostError` for what the block prints and what cannot be written, at its end too."""
    if sys.stdout is None:
        raise LostError(OSError(errno.EBADF, "Standard output is closed"))
    stream = _Checked(sys.stdout)
    try:
        with redirect_stdout(stream):
            yield
        stream.flush()
    except OSError as error:  # of standard error, for a command's own are sentences
        raise LostError(error) from None


def _give_up(stream: TextIO | None) -> None:
    """Let what is still in a stream go nowhere, so that the interpreter has nothing to say."""
    if stream is None:
        return
    with suppress(OSError, ValueError):  # A stream without a descriptor holds nothing back.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
