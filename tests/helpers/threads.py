"""Threads in place of worker processes, where a test is of something else."""

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from benchsuite.parallel import worker


@contextmanager
def threads(number: int, shared: Any = None, **_: object) -> Iterator[Executor]:
    """Do as `parallel.processes.processes`, whose workers would import everything anew."""
    worker._held = shared
    with ThreadPoolExecutor(number) as pool:
        yield pool
