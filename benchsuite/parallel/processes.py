"""Worker processes of this machine: how they are started, fed and ended, for every command.

Each is started afresh and holds nothing of the caller's memory. What all of them need is pickled
once, into a file without a name; a thread per worker hands it over, sends calls and waits for what
they return. So the caller never waits for a pipe, and a worker that ends is noticed by its thread.
A worker never sees Ctrl-C, which is the caller's to answer.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from typing import IO, Any

from benchsuite.errors import UserError
from benchsuite.notations import json_text
from benchsuite.parallel import memory
from benchsuite.parallel.lost import LostError
from benchsuite.parallel.worker import read, write

# What a process of one thread is started with: several of them share the cores without waiting.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
GRACE = 1.0  # seconds to unwind in, before a kill
# The caller's places to import from come first of all; -P keeps the current folder out till then.
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from benchsuite.parallel.worker import main; main()"
)


@contextmanager
def processes(
    number: int,
    shared: Any = None,
    *,
    imports: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
    each: float = memory.WORKER,
) -> Iterator[Executor]:
    """Start worker processes of one thread each, and end them.

    shared: what each holds (`worker.with_held`); imports: modules that each has from the start;
    variables: of their environment; each: the memory that one needs besides [B]. Raises UserError
    for more than memory has room for and where none can be started, LostError for one that ended.
    """
    with _kept(imports, shared) as given:
        memory.check(number, each + memory.PER_SHARED_BYTE * len(given))
        pool = _Processes(given)
        try:
            pool.start(number, {**os.environ, **ONE_THREAD, **(variables or {})})
            yield pool
        finally:
            pool.end()


@contextmanager
def _kept(imports: Sequence[str], shared: Any) -> Iterator[mmap.mmap]:
    """Keep what all workers need in a file that is gone when the caller is, even if killed."""
    with contextlib.ExitStack() as opened:
        try:
            file = opened.enter_context(tempfile.TemporaryFile())
            pickle.dump((tuple(imports), shared), file, pickle.HIGHEST_PROTOCOL)
            file.flush()
        except OSError as error:
            raise UserError(
                f"What the worker processes need cannot be kept in {tempfile.gettempdir()}: "
                f"{error.strerror}. Name another folder in TMPDIR, or take one worker."
                if error.errno is not None and tempfile.tempdir
                else f"There is no folder for what the worker processes need: {error.strerror}. "
                "Name one in TMPDIR, or take one worker."
            ) from error
        yield opened.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


class _Worker:
    """A process and the two pipes to it."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        path = json_text([os.path.abspath(place) for place in sys.path])
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
        with _interrupts_blocked():  # It inherits that.
            self.process = subprocess.Popen(
                [sys.executable, *flags, "-P", "-c", _START, path],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=variables,
            )
        assert self.process.stdin
        assert self.process.stdout
        self._calls: IO[bytes] = self.process.stdin
        self._answers: IO[bytes] = self.process.stdout

    def give(self, message: Any) -> None:
        """Send a message; a worker that has ended is noticed with the first answer."""
        with contextlib.suppress(OSError):
            write(self._calls, message)  # type: ignore[arg-type]

    def ask(self, message: bytes) -> Any:
        """Send a call; return what it returns, or raise what it raises."""
        self.give(message)
        answer = read(self._answers)  # type: ignore[arg-type]
        if answer is None:
            raise LostError(_ending(self.process))
        good, value = pickle.loads(answer)
        if not good:
            raise value
        return value

    def close(self) -> None:
        for pipe in (self._calls, self._answers):
            with contextlib.suppress(OSError):  # of what a worker that ended was still to read
                pipe.close()


class _Processes(Executor):
    """Runs each call in the next worker that is idle."""

    def __init__(self, given: mmap.mmap) -> None:
        self._given = given
        self._workers: list[_Worker] = []
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        self._threads: ThreadPoolExecutor | None = None

    def start(self, number: int, variables: Mapping[str, str]) -> None:
        self._threads = ThreadPoolExecutor(number)
        try:
            for _ in range(number):
                self._workers.append(_Worker(variables))
        except OSError as error:
            raise UserError(
                f"Worker process {len(self._workers) + 1} of {number} cannot be started: "
                f"{error.strerror}. Take fewer workers."
            ) from error
        for worker in self._workers:
            self._threads.submit(self._prepare, worker)

    def _prepare(self, worker: _Worker) -> None:
        worker.give(self._given)
        self._idle.put(worker)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Queue a call by position; what it returns comes back pickled."""
        assert self._threads
        return self._threads.submit(self._call, fn, args)

    def _call(self, function: Callable[..., Any], given: tuple[Any, ...]) -> Any:
        message = pickle.dumps((function, given), pickle.HIGHEST_PROTOCOL)
        worker = self._idle.get()
        try:
            return worker.ask(message)
        finally:
            self._idle.put(worker)

    def end(self) -> None:
        """End all workers, whatever they do; calls under way are lost."""
        if self._threads:
            self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.process.terminate()
        deadline = time.monotonic() + GRACE
        for worker in self._workers:
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.process.wait(max(0.0, deadline - time.monotonic()))
        for worker in self._workers:
            worker.process.kill()
            worker.process.wait()
        if self._threads:
            self._threads.shutdown(wait=True)
        for worker in self._workers:
            worker.close()


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ending(process: subprocess.Popen[bytes]) -> str:
    """Return the sentence about a worker that ended before its time."""
    try:
        code = process.wait(GRACE)
    except subprocess.TimeoutExpired:
        return "A worker process answers no more."
    if code >= 0:
        return f"A worker process ended by itself, with exit code {code}."
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    if name == "SIGKILL":
        name += ", most likely for lack of memory: fewer workers need less"
    return f"A worker process was killed ({name})."
