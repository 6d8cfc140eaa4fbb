"""Where jobs run besides this process: a Dask cluster or Slurm (extra `dist`).

    dask://HOST:PORT      a running scheduler; its workers need this project, in the same version
    slurm, slurm:PARTITION    jobs of a Slurm cluster, through submitit
    slurm-local           the same way, with processes of this machine in Slurm's place

A result is a function of its job alone, so it is the same wherever a job runs; only rounding
differs between kinds of processors. Folders named by options have to be visible to the workers.
"""

from __future__ import annotations

import importlib
import math
import pickle
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from benchsuite.errors import UserError
from benchsuite.parallel.lost import LostError
from benchsuite.provenance import OPTIONAL, identity

Job = TypeVar("Job")
Result = TypeVar("Result")

FORMS = "dask://HOST:PORT, slurm, slurm:PARTITION or slurm-local"
PATIENCE = 10  # seconds
ALONE = 60  # seconds without any worker, after which a Dask cluster is given up
TRIES = 4  # of a Slurm job that ends without a word; as often as Dask tries
MOST = 128  # jobs in one of Slurm's, all of which are lost with it
SLURM_FOLDER = Path("out/slurm")
SLURM_MINUTES = 24 * 60


def results(
    executor: Executor,
    function: Callable[..., Result],
    jobs: Sequence[Job],
    *fixed: Any,
    waiting: int,
) -> Iterator[tuple[int, Result]]:
    """Yield (position of the job, function(*fixed, job)) as jobs finish, in any order.

    At most `waiting` jobs are under way or wait at any time. An error of a job is raised here; jobs
    that have not started are cancelled then, and when the caller stops.
    """
    under_way: dict[Future[Result], int] = {}
    queue = iter(enumerate(jobs))
    try:
        while True:
            for at, job in queue:
                under_way[executor.submit(function, *fixed, job)] = at
                if len(under_way) >= waiting:
                    break
            if not under_way:
                return
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                yield under_way.pop(future), future.result()
    finally:
        for future in under_way:
            future.cancel()


def many(function: Callable[..., Result], *fixed_and_jobs: Any) -> list[Result]:
    """Return function(*fixed, job) of several jobs, the last argument: one job of a cluster."""
    *fixed, jobs = fixed_and_jobs
    return [function(*fixed, job) for job in jobs]


def on_cluster(
    cluster: str,
    function: Callable[[Any, Job], Result],
    jobs: Sequence[Job],
    shared: Any,
    workers: int,
    gpu: bool = False,
) -> Iterator[tuple[int, Result]]:
    """Yield (position of the job, function(shared, job)) of jobs that run on a cluster.

    workers: Slurm jobs at a time; Dask has as many as it has. gpu: whether each Slurm job asks for
    one; a Dask worker sees what CUDA_VISIBLE_DEVICES shows it. Raises UserError for a cluster that
    cannot be reached, workers of another version, and workers that were lost for good.
    """
    with _opened(cluster, workers, gpu) as (executor, kept, chunked, _), losses(cluster):
        chunks = list(chunked(len(jobs)))
        parts = [[jobs[i] for i in chunk] for chunk in chunks]
        running = results(executor, many, parts, function, kept(shared), waiting=16 * workers)
        for at, values in running:
            yield from zip(chunks[at], values, strict=True)


@contextmanager
def opened(cluster: str, workers: int | None) -> Iterator[tuple[Executor, int]]:
    """Yield an executor on a cluster, and how many jobs to give it at a time.

    workers: that number, or None for one job per worker of a Dask cluster. Raises UserError as
    `on_cluster` does, and where Slurm is not told the number.
    """
    if workers is None and not cluster.startswith("dask://"):
        check(cluster)
        raise UserError(f"How many jobs at a time, on {cluster}? Say it, as in --workers 8.")
    with _opened(cluster, workers or 1) as (executor, _, _, there):
        yield executor, workers or there


@contextmanager
def losses(cluster: str) -> Iterator[None]:
    """Raise LostError for what a cluster raises when workers were lost for good."""
    try:
        yield
    except UserError:
        raise
    except (CancelledError, OSError, TimeoutError, RuntimeError) as error:
        if not _lost(error):
            raise
        raise LostError(
            f"The cluster {cluster} lost workers for good ({type(error).__name__})."
        ) from error


def guided(jobs: int, workers: int) -> Iterator[range]:
    """Yield the positions of jobs that run together: each time a share of those that are left.

    A start costs seconds, so the first are many, `MOST` at the most; the last are single ones, so
    that all workers end at about the same time. Polychronopoulos & Kuck, Guided Self-Scheduling,
    IEEE Transactions on Computers 36 (1987), with half their share.
    """
    at = 0
    while at < jobs:
        size = min(MOST, math.ceil((jobs - at) / (2 * workers)))
        yield range(at, at + size)
        at += size


def _singly(jobs: int) -> Iterator[range]:
    return (range(at, at + 1) for at in range(jobs))


# An executor, what makes data known to workers once, positions of the jobs of a task, workers.
Opened = tuple[Executor, Callable[[Any], Any], Callable[[int], Iterator[range]], int]


def check(cluster: str) -> tuple[str, str]:
    """Return the kind of a cluster and what follows it; UserError where there is none such."""
    kind, _, rest = cluster.partition(":")
    if kind == "dask" and rest.startswith("//") and rest != "//":
        return kind, rest[2:]
    if kind == "slurm" or cluster == "slurm-local":
        return kind, rest
    raise UserError(f"There is no cluster {cluster!r}; give {FORMS}.")


@contextmanager
def _opened(cluster: str, workers: int, gpu: bool = False) -> Iterator[Opened]:
    kind, rest = check(cluster)
    if kind == "dask":
        with _dask(rest) as opened:
            yield opened
    else:
        with ExitStack() as kept, _Slurm(kind, rest, workers, gpu) as executor:
            yield (
                executor,
                lambda value: kept.enter_context(_kept(value)),
                lambda jobs: guided(jobs, workers),
                workers,
            )


@contextmanager
def _dask(address: str) -> Iterator[Opened]:
    distributed = _extra("distributed")
    try:
        client = distributed.Client(f"tcp://{address}", timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise UserError(
            f"No Dask scheduler answers at {address}. Start one with `dask scheduler`, and workers "
            f"with `dask worker {address} --nthreads 1`."
        ) from error
    try:
        there = client.scheduler_info(n_workers=-1)["workers"]
        _check_threads({name: about["nthreads"] for name, about in there.items()}, address)
        _check_versions(client.run(identity, on_error="return"), address)
        executor = client.get_executor(pure=False, retries=3)
        with _watched(client):
            yield (
                executor,
                lambda value: client.scatter(value, broadcast=True, hash=False),
                _singly,
                len(there),
            )
    finally:
        client.close()


@contextmanager
def _watched(client: Any) -> Iterator[None]:
    """Close a client, which cancels what it waits for, once there was no worker for `ALONE`."""
    over = threading.Event()

    def watch() -> None:
        alone = 0.0
        while not over.wait(step := min(PATIENCE, ALONE)):
            alone += step
            with suppress(Exception):  # of a scheduler that answers no more
                if client.nthreads():
                    alone = 0.0
            if alone >= ALONE:
                client.close()
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _check_threads(workers: Mapping[str, int], address: str) -> None:
    """Raise UserError for workers that run several jobs in one process."""
    for name, threads in workers.items():
        if threads != 1:
            raise UserError(
                f"The worker {name} runs {threads} jobs at a time in one process; start it with "
                f"`dask worker {address} --nthreads 1`, as often as it has cores."
            )


def _check_versions(workers: Mapping[str, Mapping[str, str] | BaseException], address: str) -> None:
    """Raise UserError unless every worker has this code, in whatever form, and these libraries."""
    if not workers:
        raise UserError(
            f"The Dask scheduler at {address} has no workers: start some with "
            f"`dask worker {address} --nthreads 1`."
        )
    here = identity()
    for name, there in workers.items():
        if isinstance(there, BaseException):
            raise UserError(
                f"The worker {name} cannot say which version it is of ({type(there).__name__}: "
                f"{there}). Install benchsuite {here['benchsuite']} there."
            )
        for what in {**here, **there}:
            if what in OPTIONAL and not (what in here and what in there):
                continue  # Jobs that need it say so themselves.
            if there.get(what) != here.get(what):
                raise UserError(
                    f"The worker {name} is of another version: {what} "
                    f"{there.get(what, 'none')} there, {here.get(what, 'none')} here. Install the "
                    "same on both."
                )


class _OnDisk:
    """A value that a job of Slurm's reads from a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Callable[[Path], Any], tuple[Path]]:
        return _read, (self._path,)


def _read(path: Path) -> Any:
    with path.open("rb") as file:
        return pickle.load(file)


@contextmanager
def _kept(value: Any) -> Iterator[_OnDisk]:
    """Keep what all jobs share once beside submitit's files, which hold it once per job else."""
    SLURM_FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=SLURM_FOLDER.resolve(), prefix="shared-") as file:
        pickle.dump(value, file, pickle.HIGHEST_PROTOCOL)
        file.flush()
        yield _OnDisk(Path(file.name))


class _Slurm(Executor):
    """Submits each task as a Slurm job; a thread per task waits for its file of results.

    Where a `with` ends by an error, the jobs that are with Slurm are cancelled.
    """

    def __init__(self, kind: str, partition: str, workers: int, gpu: bool) -> None:
        submitit = _extra("submitit")
        try:
            self._jobs = submitit.AutoExecutor(
                SLURM_FOLDER, cluster="local" if kind == "slurm-local" else "slurm"
            )
        except RuntimeError as error:
            raise UserError(f"Slurm cannot be used here: {error}.") from error
        self._jobs.update_parameters(timeout_min=SLURM_MINUTES, cpus_per_task=1)
        if gpu:
            self._jobs.update_parameters(gpus_per_node=1)
        if partition:
            self._jobs.update_parameters(slurm_partition=partition)
        self._threads = ThreadPoolExecutor(workers)
        self._given_up = threading.Event()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._given_up.set()
        self.shutdown()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Queue a call; at most `workers` are with Slurm at a time."""
        return self._threads.submit(self._run, fn, *args, **kwargs)

    def _run(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        from submitit.core.utils import FailedJobError, UncompletedJobError

        for left in reversed(range(TRIES)):
            try:
                job = self._jobs.submit(_caught, fn, *args, **kwargs)
                self._wait(job)
                error, value = job.result()
                break
            except UncompletedJobError as ended:
                if not left or isinstance(ended, FailedJobError):
                    raise
        if error is not None:
            raise error
        return value

    def _wait(self, job: Any) -> None:
        """Wait for the end of a job; raise CancelledError where it was cancelled."""
        while not job.done():
            if self._given_up.wait(1):
                job.cancel(check=False)
                for _ in range(PATIENCE):
                    if job.done():
                        break
                    time.sleep(0.2)
                raise CancelledError

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for the jobs that are with Slurm."""
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)


def _caught(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Exception | None, Any]:
    """Return what a job raises as a value, for submitit would wrap it into an error of its own."""
    try:
        return None, fn(*args, **kwargs)
    except Exception as error:
        return error, None


def _lost(error: BaseException) -> bool:
    """Tell whether an error is that of a cluster rather than of a job."""
    return type(error).__module__.partition(".")[0] in (
        "asyncio",
        "concurrent",
        "distributed",
        "submitit",
    ) or isinstance(error, CancelledError)


def _extra(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise UserError(
            f"A cluster needs the package {module}: pip install 'benchsuite[dist]'."
        ) from None
