"""Prices of a runtime on a board that was measured: times the coefficients of its calibration."""

from __future__ import annotations

from collections.abc import Callable

from benchsuite.deployment.calibration import Calibration
from benchsuite.devices._latency.operators import Shape
from benchsuite.devices._latency.range import Mark

_KIND_OF = {"avg_pool": "pool", **dict.fromkeys(("add", "affine", "relu"), "elementwise")}
Price = Callable[[Shape], tuple[float, Mark]]


def kind_of(shape: Shape) -> str:
    """Return which of `benchsuite.deployment.calibration.KINDS` an operator is.

    >>> kind_of(Shape("add", 8, 64, 64))
    'elementwise'
    """
    return _KIND_OF.get(shape.operator, shape.operator)


def calibrated(price: Price, calibration: Calibration) -> Price:
    """Return a price times the coefficients, with a mark that says what the board's rows say.

    Of a kind that they hold it is no longer `not identified`; of another it is `extrapolated`,
    unless nothing measured said it before either.
    """

    def times(shape: Shape) -> tuple[float, Mark]:
        cycles, mark = price(shape)
        kind = kind_of(shape)
        if kind in calibration.kinds:
            mark = "interpolated" if mark == "not identified" else mark
        elif mark != "not identified":
            mark = "extrapolated"
        return cycles * calibration.coefficient(kind), mark

    return times
