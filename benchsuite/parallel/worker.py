"""What a worker process does: it reads calls from its standard input and writes what they return.

`benchsuite.parallel.processes` starts it and speaks with it. What the calls print goes to standard
error, and there is nothing for them to read. It ends when its input does, which is when the caller
has ended, however that ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import pickle
import signal
import struct
import sys
import threading
import traceback
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, BinaryIO

from benchsuite.errors import UserError

HEAD = struct.Struct("!Q")
_PR_SET_PDEATHSIG = 1

_held: Any = None


def read(stream: BinaryIO) -> bytes | None:
    """Return the next message of a stream, or None where it ends."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    (size,) = HEAD.unpack(head)
    message = stream.read(size)
    return message if len(message) == size else None


def write(stream: BinaryIO, message: Any) -> None:
    """Write bytes, or what else has a buffer, as one message."""
    stream.write(HEAD.pack(len(message)))
    stream.write(message)
    stream.flush()


def with_held(function: Callable[..., Any], *given: Any) -> Any:
    """Return function(held, *given), with what all workers were given from the start."""
    return function(_held, *given)


def main() -> None:
    """Answer calls until there are no more; the process ends here and prints no traceback."""
    code = 1
    try:
        signal.signal(signal.SIGTERM, _stop)
        _die_with_caller()
        asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        calls: SimpleQueue[bytes] = SimpleQueue()
        threading.Thread(target=_take, args=(calls, asked), daemon=True).start()
        _answer(calls, answers)
    except KeyboardInterrupt:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
    except BaseException as error:
        with contextlib.suppress(BaseException):
            print(f"A worker process cannot go on: {error!r}", file=sys.stderr, flush=True)
    finally:
        os._exit(code)


def _stop(*_: object) -> None:
    """Unwind, so that half-written files go; an exception in a destructor is then no news."""
    sys.unraisablehook = lambda _: None
    raise KeyboardInterrupt


def _die_with_caller() -> None:
    """Ask Linux for a kill when the caller ends: a thread may have to wait for compiled code."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


def _take(calls: SimpleQueue[bytes], stream: BinaryIO) -> None:
    while (message := read(stream)) is not None:
        calls.put(message)
    os._exit(0)


def _answer(calls: SimpleQueue[bytes], answers: BinaryIO) -> None:
    failed = _prepare(calls.get())
    while True:
        message = calls.get()
        try:
            if failed is not None:
                raise failed
            function, given = pickle.loads(message)
            answer = _packed((True, function(*given)))
        except (Exception, SystemExit) as error:
            answer = _failure(error)
        del message
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        write(answers, answer)


def _prepare(message: bytes) -> BaseException | None:
    """Import and hold what all workers need; return what went wrong, if anything did."""
    global _held
    try:
        imports, _held = pickle.loads(message)
        for module in imports:
            importlib.import_module(module)
    except (Exception, SystemExit) as error:
        return error
    return None


def _packed(answer: tuple[bool, Any]) -> bytes:
    return pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)


def _failure(error: BaseException) -> bytes:
    """Return an error as a message; one that cannot be sent is told in words.

    A fault of the program says where it is, in a note; a sentence for the user needs none.
    """
    if not isinstance(error, UserError):
        error.add_note("".join(traceback.format_exception(error)))
    try:
        packed = _packed((False, error))
        pickle.loads(packed)
    except Exception:
        return _packed((False, RuntimeError(f"{type(error).__name__}: {error}")))
    return packed
