"""One function that maps jobs: in this process, in worker processes, or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Literal, TypeVar

from benchsuite.errors import UserError
from benchsuite.parallel import memory
from benchsuite.parallel.clusters import on_cluster, results
from benchsuite.parallel.processes import processes
from benchsuite.parallel.worker import with_held

Job = TypeVar("Job")
Result = TypeVar("Result")
Mode = Literal["serial", "processes"]


def map_jobs(
    function: Callable[[Any, Job], Result],
    jobs: Sequence[Job],
    shared: Any = None,
    *,
    workers: int = 1,
    mode: Mode | None = None,
    cluster: str | None = None,
    variables: Mapping[str, str] | None = None,
    each: float = memory.WORKER,
    gpu: bool = False,
) -> Generator[tuple[int, Result], None, None]:
    """Yield (position of the job, function(shared, job)) as jobs finish.

    function: importable by name, for it is sent to the workers, of one thread each. shared: sent to
    each worker once. mode: None for `processes` if there is more than one worker. An error of a job
    ends the map after it is raised here. cluster: where to run instead, see
    `benchsuite.parallel.clusters`. variables, each: see `benchsuite.parallel.processes`; gpu: see
    `on_cluster`. Raises UserError for less than one worker and for more than memory has room for,
    LostError for one that ended.
    """
    check_workers(workers)
    if cluster:
        yield from on_cluster(cluster, function, jobs, shared, workers, gpu)
        return
    if (mode or ("processes" if workers > 1 else "serial")) == "serial":
        for i, job in enumerate(jobs):
            yield i, function(shared, job)
        return
    number = min(workers, len(jobs))
    if not number:
        return
    with processes(number, shared, variables=variables, each=each) as pool:
        yield from results(pool, with_held, jobs, function, waiting=4 * number)


def check_workers(workers: int) -> None:
    """Raise UserError for less than one worker."""
    if workers < 1:
        raise UserError(f"{workers} workers cannot do anything: 1 or more are needed.")
