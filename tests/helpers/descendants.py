"""Processes that a process has started, and those that are left of them."""

import os
from pathlib import Path

import psutil

MARK = "BENCHSUITE_TEST_MARK"


def of_this_process() -> list[int]:
    """Process ids of the workers of this process."""
    return workers_of(os.getpid())


def workers_of(process: int) -> list[int]:
    """Process ids of the workers of a process, none if it has ended."""
    try:
        children = psutil.Process(process).children()
    except psutil.NoSuchProcess:
        return []
    return [child.pid for child in children if is_worker(child.pid)]


def has_ended(process: int) -> bool:
    """Tell whether a process is gone or waits for nothing but to be asked for its exit code."""
    try:
        return bool(psutil.Process(process).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def is_worker(process: int) -> bool:
    try:
        return b"parallel.worker" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False


def marked(mark: str) -> list[int]:
    """Process ids of all that were started with `MARK` set so, zombies aside."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for place in filter(str.isdigit, os.listdir("/proc")):
        try:
            if wanted in Path(f"/proc/{place}/environ").read_bytes().split(b"\0"):
                found.append(int(place))
        except OSError:
            continue
    return found
