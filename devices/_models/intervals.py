"""How far a latency may be off: the errors of the runtime's validation on boards.

An error here is that of a measured latency against the prediction from all families of models but
its own (`devices._validation.boards`). The interval holds nine of ten of them, or all if there are
ten or fewer: the prediction times 1 - w to 1 + w, where w is that percentile of
|measured / predicted - 1|.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchsuite.api import Calibration, Device

_SHARE = 0.9
MANY = 10
NOBODY = "no interval: nobody measured it"


@dataclass(frozen=True)
class Interval:
    """Relative half-width, and what it is of; NaN where nobody measured the runtime on the core."""

    width: float
    said: str


def interval(device: Device, runtime: str) -> Interval:
    """Return the interval of a runtime on a device: of its own calibration, where it has one."""
    if runtime in device.calibrations:
        return _of_calibration(device.calibrations[runtime])
    if runtime in device.tables:
        return Interval(math.nan, NOBODY)
    return _of_core(device.core, runtime)


def _of_calibration(measured: Calibration) -> Interval:
    if measured.within is None or measured.error is None:
        return Interval(math.nan, "no interval: one network was measured, so none can be left out")
    share = "9 of 10 of" if measured.networks > MANY else "all of"
    return Interval(
        measured.within,
        f"{share} {measured.networks} networks measured on this board are within "
        f"{measured.within:.1%}, each left out (on average {measured.error:.1%})",
    )


@functools.cache
def _of_core(core: str, runtime: str) -> Interval:
    from benchsuite.devices._validation import boards

    errors = [
        abs(one.figure.latency / one.family_out - 1)
        for one in boards.check().predictions
        if (one.figure.core, one.figure.runtime) == (core, runtime) and one.family_out > 0
    ]
    if not errors:
        return Interval(math.nan, NOBODY)
    width = nine_of_ten(errors)
    mean = float(np.mean(errors))
    share = "9 of 10 of" if len(errors) > MANY else "all of"
    return Interval(
        width,
        f"{share} {len(errors)} latencies measured on {core} are within {width:.0%}, the family of "
        f"the network left out (on average {mean:.0%})",
    )


def nine_of_ten(errors: Sequence[float]) -> float:
    """Return what nine of ten errors are within, or all of ten or fewer."""
    return float(np.quantile(errors, _SHARE, method="higher"))
