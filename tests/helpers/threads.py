"""Threads in place of worker processes, where a test is of something else."""

from concurrent.futures import ThreadPoolExecutor


class Threads(ThreadPoolExecutor):
    """Takes the arguments of `tabulate`'s pool of processes, which would import everything anew."""

    def __init__(self, jobs: int, *_: object) -> None:
        super().__init__(jobs)
