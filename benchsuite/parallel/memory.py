"""How much memory is free, and how many worker processes that is enough for."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchsuite.errors import UserError

FORCE = "BENCHSUITE_FORCE_WORKERS"
WORKER = 130e6  # B: what a worker of a study has for itself alone, 117 MB measured
PER_SHARED_BYTE = 2.0  # the message and what it becomes
_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")
# Of the second and the first version of control groups: limit, use, and the cache it can give back.
_FILES = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def check(workers: int, each: float) -> None:
    """Raise UserError for more workers than free memory holds, unless `FORCE` is set.

    each: what one needs [B].
    """
    most = room(each)
    if workers < 2 or workers <= most or os.environ.get(FORCE, "0") not in ("", "0"):
        return
    raise UserError(
        f"{workers} workers need about {workers * each / 1e9:.1f} GB of memory "
        f"({each / 1e9:.2f} GB each), and {available() / 1e9:.1f} GB are free: take {most}, or set "
        f"{FORCE}=1 to start them all the same."
    )


def room(each: float) -> int:
    """Return how many workers free memory holds, one at least."""
    return max(1, int(available() / each))


def available() -> float:
    """Return the memory that can be had without swapping [B], in the control groups' limits too."""
    return float(min(psutil.virtual_memory().available, *_in_groups(), float("inf")))


def _in_groups() -> Iterator[float]:
    """Yield what this process' control groups, and those around them, still allow [B]."""
    for place in _places():
        for limit, use, cache in _FILES:
            with contextlib.suppress(OSError, ValueError):
                allowed = float((place / limit).read_text("utf-8"))  # "max" is no number
                kept = dict(map(str.split, (place / "memory.stat").read_text("utf-8").splitlines()))
                used = float((place / use).read_text("utf-8")) - float(kept.get(cache, 0))
                yield max(0.0, allowed - used)


def _places() -> Iterator[Path]:
    try:
        lines = _OWN_GROUPS.read_text("utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        number, kinds, path = line.split(":", 2)
        if number == "0" or "memory" in kinds.split(","):
            root = _GROUPS if number == "0" else _GROUPS / "memory"
            own = root / path.strip("/")
            yield from (own, *(p for p in own.parents if p.is_relative_to(root)))
