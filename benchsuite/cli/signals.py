"""Ctrl-C and SIGTERM: the command unwinds and leaves nothing half-written, within a deadline."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

DEADLINE = 1.6  # seconds to unwind in; worker processes end with the caller, however it ends
_STOPPED = 128  # plus the signal's number: the exit code, as a shell has it


class Stopped(KeyboardInterrupt):
    """A signal asked the command to end; `code` is the exit code that says which."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code = _STOPPED + number


def exit_code(error: BaseException) -> int:
    """Return the exit code of a command that was stopped by an error or by what caused it."""
    for one in (error, error.__cause__):
        if isinstance(one, Stopped):
            return one.code
    return _STOPPED + signal.SIGINT


@contextmanager
def stoppable(*, process: bool) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM raise `Stopped` meanwhile, and end the process where that is lost.

    It is lost in a destructor, and threads may go on that are waited for at the end. process: the
    command is all that this process does, so the deadline is that of the process. A signal that is
    ignored, as in a shell's background, stays so.
    """
    ended = threading.Event()

    def stop(number: int, _: FrameType | None) -> None:
        threading.Thread(target=_enforce, args=(_STOPPED + number, ended), daemon=True).start()
        raise Stopped(number)

    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in map(int, (signal.SIGINT, signal.SIGTERM)):
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        if not process:
            ended.set()
        for number, handler in before.items():
            signal.signal(number, handler)


def _enforce(code: int, ended: threading.Event) -> None:
    if not ended.wait(DEADLINE):
        os._exit(code)
