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
    """Return a price times the coefficients; of a kind nobody measured it is `extrapolated`."""

    def times(shape: Shape) -> tuple[float, Mark]:
        cycles, mark = price(shape)
        kind = kind_of(shape)
        known = kind in calibration.kinds or mark == "not identified"
        return cycles * calibration.coefficient(kind), mark if known else "extrapolated"

    return times
