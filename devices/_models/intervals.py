"""How far a latency may be off: the errors of the runtime's validation on boards.

An error here, as in `devices check` and in docs/results, is |predicted - measured| / measured, of a
prediction from all families of models but the measured one's own (`devices._validation.boards`).
With w what nine of ten errors are within, the interval goes from the prediction over 1 + w to the
prediction over 1 - w. Of fewer than `MANY` errors, or of one family, there is no interval: of so
few even the widest says little of the next. What they were is said. A version that is compared
times a factor of its own, which no estimate has, says nothing of the estimate but that factor.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchsuite.api import Calibration, Device
from benchsuite.devices._latency import fitted, fitted_prices, measured
from benchsuite.devices._latency.measured import Figure
from benchsuite.devices._models.model import Model, is_unlike_fit

_SHARE = 0.9
MANY = 10
NOBODY = "no interval: nobody measured it"
ERROR = "error: |predicted - measured| / measured"


@dataclass(frozen=True)
class Interval:
    """What nine of ten errors are within, and what it is of; NaN where there is no interval."""

    width: float
    said: str


def interval(device: Device, runtime: str, model: Model) -> Interval:
    """Return the interval of a model's latency: of the device's calibration, where it has one."""
    if runtime in device.calibrations:
        return _of_calibration(device.calibrations[runtime])
    if runtime in device.tables:
        return Interval(math.nan, NOBODY)
    if is_unlike_fit(model, runtime):
        return _without_convolutions(device.core, runtime)
    return _of_core(device.core, runtime)


def _of_calibration(measured: Calibration) -> Interval:
    if measured.within is None or measured.error is None:
        return Interval(math.nan, "no interval: one network was measured, so none can be left out")
    of = f"{measured.networks} networks measured on this board"
    error = f"mean error {measured.error:.1%} ({ERROR}, each left out)"
    if measured.networks < MANY:
        return Interval(
            math.nan, f"no interval: only {of}, all within {measured.within:.1%}; {error}"
        )
    return Interval(
        measured.within, f"nine of ten of {of} are within {measured.within:.1%}; {error}"
    )


@functools.cache
def _without_convolutions(core: str, runtime: str) -> Interval:
    """Return no interval, and how far off the networks without convolutions are that were measured.

    They are in no fit (`devices._latency.fitted`), so that the others' errors say nothing of them.
    """
    from benchsuite.devices._models import reading

    found = [
        one
        for one in measured.figures()
        if (one.core, one.runtime, one.family) == (core, runtime, fitted.WITHOUT_CONVOLUTION)
    ]
    if not found:
        return Interval(math.nan, "no interval: nobody measured a network without convolutions")
    model = reading.read(fitted.WITHOUT_CONVOLUTION)
    shapes = [one.shape for one in model.operations if one.shape]
    off = [
        sum(fitted_prices.x_cube_ai(core, one.version)(shape)[0] for shape in shapes) / one.cycles
        - 1
        for one in found
    ]
    side = "low" if max(off) < 0 else "high" if min(off) > 0 else "low or high"
    sizes = sorted(map(abs, off))
    return Interval(
        math.nan,
        f"no interval: the fit holds networks with convolutions alone; {len(off)} latencies of "
        f"one without any measured on {core} are predicted {sizes[0]:.0%} to {sizes[-1]:.0%} too "
        f"{side} ({ERROR})",
    )


@functools.cache
def _of_core(core: str, runtime: str) -> Interval:
    from benchsuite.devices._validation import boards

    known = [
        one
        for one in boards.check().predictions
        if (one.figure.core, one.figure.runtime) == (core, runtime)
        and not math.isnan(one.family_out)
    ]
    found = [one for one in known if boards.own_factor(one.figure) == 1]
    off = [one.family_out / one.figure.latency - 1 for one in found]
    if not off:
        return Interval(math.nan, _of_others(core, [one.figure for one in known]) or NOBODY)
    n_families = len({one.figure.family for one in found})
    width = nine_of_ten(np.abs(off).tolist())
    families = f"{n_families} famil{'y' if n_families == 1 else 'ies'} of networks"
    of = f"{len(off)} latencies of {families} measured on {core}"
    stated = [one.figure.clock_stated for one in found]
    clock = "" if all(stated) else f" (the clock{' of some' * any(stated)} is assumed)"
    mean = float(np.mean(np.abs(off)))
    error = f"mean error {mean:.1%} ({ERROR}, the network's family left out)"
    if len(off) >= MANY and n_families > 1:
        return Interval(width, f"nine of ten of {of} are within {width:.0%}{clock}; {error}")
    side = "low" if max(off) < 0 else "high" if min(off) > 0 else ""
    said = f"all within {width:.0%}" + (f", each predicted too {side}" if side else "")
    return Interval(math.nan, f"no interval: only {of}, {said}{clock}; {error}")


def _of_others(core: str, found: Sequence[Figure]) -> str:
    """Return what figures of versions with a factor of their own say; empty of none."""
    from benchsuite.devices._validation import boards

    if not found:
        return ""
    factors = {one.version: boards.own_factor(one) for one in found}
    took = ", ".join(f"{name} took {times:.2f} times as long" for name, times in factors.items())
    many = f"by {len(found)} latencies"
    return f"no interval: nobody measured this version on {core}; {took} there, {many}"


def nine_of_ten(errors: Sequence[float]) -> float:
    """Return what nine of ten errors are within, or all of ten or fewer."""
    return float(np.quantile(errors, _SHARE, method="higher"))
