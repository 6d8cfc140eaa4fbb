"""How long something takes beside a reference in the same run: a number that outlives a machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

ROUNDS = 11
BLOCKS = 3

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


def taken(run: Timed, reference: Timed, good: float | None = None) -> Ratio:
    """Return the ratio of something: with care for a baseline, in little time for a comparison.

    good: for a comparison, up to which ratio one measurement is enough; else the smallest of
    `BLOCKS`. Another process can slow one, but nothing makes slow code fast three times over. None
    for a baseline, on which every comparison rests: the median of as many rounds.
    """
    if good is None:
        return ratio(run, reference, rounds=BLOCKS * ROUNDS)
    found = ratio(run, reference)
    for _ in range(1, BLOCKS):
        if found.value <= good:
            break
        found = min(found, ratio(run, reference), key=lambda one: one.value)
    return found


def _outside(rounds: int) -> int:
    """Return how many ordered values are cut off each end: P(Bin(n, 1/2) <= that) <= 2.5 %."""
    from scipy.stats import binom

    return max(0, int(binom.ppf(0.025, rounds, 0.5)) - 1)
