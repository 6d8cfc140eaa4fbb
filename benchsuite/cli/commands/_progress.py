"""How far a long job is, on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show done, total and the time left on stderr: a bar, or a line per minute in a log.

    what: is done with each, as in `scored`.
    """
    import time

    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    bar = Progress(
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        speed_estimate_period=600,
        disable=not console.is_terminal,
    )
    start = last = time.monotonic()
    at_start: int | None = None
    task = bar.add_task("", total=None)

    def show(done: int, total: int) -> None:
        nonlocal last, at_start
        at_start = done if at_start is None else at_start
        bar.update(task, completed=done, total=total)
        now = time.monotonic()
        if not console.is_terminal and now - last >= 60:
            last = now
            pace = (now - start) / max(1, done - at_start)
            left = pace * (total - done) / 60
            console.print(f"{done} of {total} {what}, {pace:.2f} s each, {left:.0f} min left")

    with bar:
        yield show
