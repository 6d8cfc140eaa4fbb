"""Prices of single operators under the runtimes that are known from boards only (see `_fitted`).

A price carries a mark: `interpolated` between the operators that the fit's networks hold
(`tables/fitted_range.csv`, counted from the layers of the models of `tables/models.csv`),
`extrapolated` beyond them, `not identified` where TFLM's counts stand in.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchsuite.devices._latency import cycles as _table
from benchsuite.devices._latency import fitted as _fitted
from benchsuite.devices._latency.cycles import TABLES, amounts
from benchsuite.devices._latency.operators import Shape
from benchsuite.devices._latency.range import Mark, of_file
from benchsuite.errors import UserError

Price = Callable[[Shape], tuple[float, Mark]]

_RANGE = TABLES / "fitted_range.csv"
_COUNTED = "tflm_cmsis_nn"
# No counts are known on a Cortex-M33; a ratio of two kernels is taken from the core most like it.
_COUNTED_ON = {"cortex-m33": "cortex-m4"}
# The convolutions of whole cells, which say how a runtime's price compares with TFLM's.
_COMPARED = tuple(Shape("conv", s, c, c, 3, 1, 1) for s, c in ((32, 16), (16, 32), (8, 64)))


def x_cube_ai(core: str, version: str = "") -> Price:
    """Return shape -> (cycles, mark) under a version of X-CUBE-AI, by default the newest.

    Raises UserError for a core or version that was not fitted.
    """
    return _priced(core, version or _fitted.NEWEST)


def tinyengine(core: str, memory_factor: float) -> Price:
    """Return shape -> (cycles, mark) under TinyEngine. Raises UserError but for the Cortex-M7.

    memory_factor: of the device, for what TFLM's counts price.
    """
    if core != "cortex-m7":
        raise UserError(
            f"TinyEngine was measured on a Cortex-M7 only, not on {core}; choose another runtime."
        )
    _, ratio = _fitted.shipped()
    reference = _priced(core, _fitted.TINYENGINE_REFERENCE)
    table = _table.load(f"{_COUNTED}-{core}")

    def price(shape: Shape) -> tuple[float, Mark]:
        if _is_dense(shape) or _is_local_pool(shape) or shape.operator == "add":
            return memory_factor * table.cycles(shape)[0], "not identified"
        cycles, mark = reference(shape)
        return ratio * cycles, mark

    return price


def _priced(core: str, version: str) -> Price:
    fitted, _ = _fitted.shipped()
    seen = of_file(_RANGE)
    ours = [fitted.cycles(core, version, _fitted.parts_of_shape(conv)) for conv in _COMPARED]
    counted = _table.load(f"{_COUNTED}-{_COUNTED_ON.get(core, core)}")
    pool = float(
        np.mean([at / counted.cycles(c)[0] for at, c in zip(ours, _COMPARED, strict=True)])
    )

    def price(shape: Shape) -> tuple[float, Mark]:
        if _is_local_pool(shape):
            return pool * float(
                (amounts(shape) * counted.coefficients("avg_pool")).sum()
            ), "not identified"
        cycles = fitted.cycles(core, version, _fitted.parts_of_shape(shape))
        return cycles, seen.mark(shape)

    return price


def _is_local_pool(shape: Shape) -> bool:
    return shape.operator == "avg_pool" and shape.pixels > 1


def _is_dense(shape: Shape) -> bool:
    return shape.operator == "conv" and shape.window > 1 and shape.in_channels >= 4
