"""How long something takes beside a reference in the same run: a number that outlives a machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

ROUNDS = 11

Timed = Callable[[], float]


@dataclass(frozen=True)
class Ratio:
    """Processor time in units of a reference's: the median over rounds and its interval.

    low, high: order statistics that hold the median of the rounds with 95 % or more; seconds: the
    median time of one run on this machine, for information.
    """

    value: float
    low: float
    high: float
    rounds: int
    seconds: float

    def row(self, what: str, reference: str) -> dict[str, Any]:
        """Return the ratio as a row of a table; reference: what it is a ratio to."""
        return {
            "what": what,
            "ratio": self.value,
            "low": self.low,
            "high": self.high,
            "rounds": self.rounds,
            "seconds": self.seconds,
            "reference": reference,
        }


def ratio(run: Timed, reference: Timed, *, rounds: int = ROUNDS) -> Ratio:
    """Return how many times a reference's processor time something takes.

    run, reference: do their work once and return its processor time in seconds. They take turns,
    so that what slows the machine slows both; the first turn warms up and is not counted.
    """
    run(), reference()
    times = np.array([(run(), reference()) for _ in range(rounds)])
    each = np.sort(times[:, 0] / times[:, 1])
    out = _outside(rounds)
    return Ratio(
        float(np.median(each)),
        float(each[out]),
        float(each[-1 - out]),
        rounds,
        float(np.median(times[:, 0])),
    )


def smallest(measure: Callable[[], Ratio], good: float, attempts: int = 3) -> Ratio:
    """Return the first ratio that is at most `good`, or the smallest of several attempts.

    Another process can slow a measurement; nothing makes slow code fast three times over.
    """
    return min(_until(measure, good, attempts), key=lambda found: found.value)


def _until(measure: Callable[[], Ratio], good: float, attempts: int) -> Iterator[Ratio]:
    for _ in range(attempts):
        found = measure()
        yield found
        if found.value <= good:
            return


def _outside(rounds: int) -> int:
    """Return how many ordered values are cut off each end: P(Bin(n, 1/2) <= that) <= 2.5 %."""
    from scipy.stats import binom

    return max(0, int(binom.ppf(0.025, rounds, 0.5)) - 1)
