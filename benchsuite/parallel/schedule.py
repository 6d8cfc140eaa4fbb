"""Jobs that need the results of other jobs, by worker processes that are started once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Executor,
    Future,
    wait,
)
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from benchsuite.parallel import memory
from benchsuite.parallel.processes import processes

P = ParamSpec("P")
Result = TypeVar("Result")


class InThisProcess(Executor):
    """What one worker needs: a job runs when it is submitted."""

    def submit(
        self, function: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[Result]:
        """Run a job; return its result, or its error, as a future that is done."""
        future: Future[Result] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@contextmanager
def workers(
    number: int, imports: Sequence[str] = (), *, each: float = memory.WORKER
) -> Iterator[Executor]:
    """Start processes of one thread each and end them; this process alone for one worker.

    imports: modules that every process has from the start; each: the memory one needs [B]. Raises
    UserError for more than memory has room for, LostError for one that ended.
    """
    if number < 2:
        yield InThisProcess()
        return
    with processes(number, imports=imports, each=each) as pool:
        yield pool


def run(
    pool: Executor,
    number: int,
    function: Callable[..., Result],
    jobs: Mapping[str, Sequence[str]],
    *fixed: Any,
) -> Iterator[tuple[str, Result]]:
    """Yield (name, function(*fixed, name, results it needs by name)) as jobs finish.

    jobs: name -> names of the jobs whose results it needs; of those that can start the first does,
    so the longest should come first. number: how many are under way at a time. Raises ValueError
    where jobs wait for each other or for one that is not there; an error of a job is raised here.
    """
    waiting, found = dict(jobs), dict[str, Result]()
    under_way: dict[Future[Result], str] = {}
    try:
        while waiting or under_way:
            ready = [name for name, needs in waiting.items() if all(n in found for n in needs)]
            if not ready and not under_way:
                raise ValueError(f"{', '.join(waiting)} wait for jobs that never end")
            for name in ready[: number - len(under_way)]:
                needed = {need: found[need] for need in waiting.pop(name)}
                under_way[pool.submit(function, *fixed, name, needed)] = name
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                name = under_way.pop(future)
                found[name] = future.result()
                yield name, found[name]
    finally:
        for future in under_way:
            future.cancel()
