"""How far a latency may be off: the errors of the runtime's validation on boards.

An error here is that of a measured latency against the prediction from all families of models but
its own (`devices._validation.boards`). The interval holds nine of ten of them, or all if there are
ten or fewer: the prediction times 1 - w to 1 + w, where w is that percentile of
|measured / predicted - 1|.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

_SHARE = 0.9
NOBODY = "no interval: nobody measured it"


@dataclass(frozen=True)
class Interval:
    """Relative half-width, and what it is of; NaN where nobody measured the runtime on the core."""

    width: float
    said: str


@functools.cache
def interval(core: str, runtime: str) -> Interval:
    """Return the interval of a runtime on a core."""
    from benchsuite.devices._validation import boards

    errors = [
        abs(one.figure.latency / one.family_out - 1)
        for one in boards.check().predictions
        if (one.figure.core, one.figure.runtime) == (core, runtime) and one.family_out > 0
    ]
    if not errors:
        return Interval(math.nan, NOBODY)
    width = float(np.quantile(errors, _SHARE, method="higher"))
    mean = float(np.mean(errors))
    share = "9 of 10 of" if len(errors) > 10 else "all of"
    return Interval(
        width,
        f"{share} {len(errors)} latencies measured on {core} are within {width:.0%}, the family of "
        f"the network left out (on average {mean:.0%})",
    )
