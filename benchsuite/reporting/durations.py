"""How long each study and report took on this machine before, so that the longest starts first.

A text file for each in the user's cache folder, which the worker that ran it writes; it orders the
jobs of a run and changes no result.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchsuite.errors import UserError
from benchsuite.table.table import write_atomically


def folder(quick: bool) -> Path:
    """Return where the seconds of full or of quick runs are kept."""
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("benchsuite")) / "seconds" / ("quick" if quick else "full")


def known(kept: Path) -> dict[str, float]:
    """Return the seconds that jobs took, by name; what cannot be read is not known."""
    seconds = {}
    with suppress(OSError):
        for path in kept.iterdir():
            with suppress(OSError, ValueError):
                seconds[path.name] = float(path.read_text("utf-8"))
    return seconds


@contextmanager
def timed(kept: Path, name: str) -> Iterator[None]:
    """Keep how long the block takes under the name of a job, if it is longer than what is known.

    A study that goes on where it was stopped takes less than its time. A folder that cannot be
    written is no error.
    """
    start = time.perf_counter()
    yield
    seconds = time.perf_counter() - start
    if seconds > known(kept).get(name, 0):
        with suppress(OSError, UserError):
            write_atomically(kept / name, lambda part: Path(part).write_text(f"{seconds:.1f}"))
