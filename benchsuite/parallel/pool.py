"""One function that maps jobs: in this process, in worker processes, or on a cluster."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

from benchsuite.errors import UserError
from benchsuite.parallel.clusters import on_cluster, results

Job = TypeVar("Job")
Result = TypeVar("Result")
Mode = Literal["serial", "processes"]

# What a process of one thread is started with: several of them share the cores without waiting.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)

_shared: Any = None


def map_jobs(
    function: Callable[[Any, Job], Result],
    jobs: Sequence[Job],
    shared: Any = None,
    *,
    workers: int = 1,
    mode: Mode | None = None,
    cluster: str | None = None,
) -> Iterator[tuple[int, Result]]:
    """Yield (position of the job, function(shared, job)) as jobs finish.

    function: importable by name, for it is sent to the workers, of one thread each. shared: sent to
    each worker once. mode: None for `processes` if there is more than one worker. Workers are
    spawned, not forked: they hold `shared` and nothing else of the caller's memory. An error of a
    job ends the map after it is raised here. cluster: where to run instead, see
    `benchsuite.parallel.clusters`. Raises UserError for less than one worker and for one that was
    killed.
    """
    if workers < 1:
        raise UserError(f"{workers} workers cannot do anything: 1 or more are needed.")
    if cluster:
        yield from on_cluster(cluster, function, jobs, shared, workers)
        return
    if (mode or ("processes" if workers > 1 else "serial")) == "serial":
        for i, job in enumerate(jobs):
            yield i, function(shared, job)
        return
    with processes(workers, "spawn", _receive, (shared,)) as pool, environment(ONE_THREAD):
        yield from results(pool, _call, jobs, function, waiting=4 * workers)


@contextmanager
def processes(
    workers: int,
    method: str,
    start: Callable[..., None],
    given: tuple[Any, ...] = (),
) -> Iterator[ProcessPoolExecutor]:
    """Start worker processes, each with start(*given), and end them.

    method: how, see `multiprocessing`. Raises UserError for a process that was killed.
    """
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context(method), start, given)
    try:
        yield pool
    except BrokenProcessPool as error:
        raise UserError(
            "A worker process was killed, most likely for lack of memory. Finished jobs are kept; "
            "run the same command again, with fewer workers."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def environment(wanted: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables, which processes started meanwhile read, and set them back."""
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def end_with_caller() -> None:
    """Let this worker process end when the process that started it is gone, also when killed."""
    threading.Thread(target=_end_with_caller, daemon=True).start()


def _end_with_caller() -> None:
    caller = multiprocessing.parent_process()
    if caller is not None:
        caller.join()
        os._exit(1)


def _receive(shared: Any) -> None:
    global _shared
    end_with_caller()
    _shared = shared


def _call(function: Callable[[Any, Job], Result], job: Job) -> Result:
    return function(_shared, job)
