"""How far a run is: a line per job, k of n, and about how long the rest takes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from benchsuite.terminal import say


class Countdown:
    """Says each job that is done on stderr.

    jobs: all of them; seconds: what each took before or may take, as far as that is known;
    workers: how many run at a time.
    """

    def __init__(self, jobs: Iterable[str], seconds: Mapping[str, float], workers: int) -> None:
        self._left = {job: seconds.get(job) for job in jobs}
        self._all, self._workers, self._start = len(self._left), workers, time.monotonic()

    def done(self, job: str, said: str) -> None:
        """Say that a job is done, and what is left."""
        self._left.pop(job, None)
        k = self._all - len(self._left)
        left = f"; {shown(self.left())} left" if self._left else ""
        say(f"[{k}/{self._all}] {said}{left}")

    def left(self) -> float:
        """Return about how many seconds are left: as jobs took before, else at the pace so far."""
        known = [seconds for seconds in self._left.values() if seconds is not None]
        if 2 * len(known) >= len(self._left):
            mean = sum(known) / max(len(known), 1)
            total = sum(known) + mean * (len(self._left) - len(known))
            return max(total / self._workers, max(known, default=0.0))
        done = self._all - len(self._left)
        return (time.monotonic() - self._start) / max(done, 1) * len(self._left)


def shown(seconds: float) -> str:
    """Return a time as a person says it: about 40 s, about 7 min."""
    if seconds < 90:
        return f"about {max(round(seconds), 1)} s"
    return f"about {round(seconds / 60)} min"
