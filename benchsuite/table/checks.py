"""What a column has to keep to: a number per cell, and a reason where one is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchsuite.errors import UserError
from benchsuite.numerics.ties import merged
from benchsuite.space.arrays import in_one_order, of_cells
from benchsuite.space.cell import N_CELLS

if TYPE_CHECKING:
    import pyarrow as pa


def checked_values(
    name: str, given: ArrayLike, reason: str | Sequence[str]
) -> tuple[NDArray[Any], pa.Array | None]:
    """Return the values [15625] of a column, equal where they differ by rounding, and reasons.

    Raises UserError for values that do not fit the cells, or are missing without a reason.
    """
    values = of_cells(given, f"column {name!r}")
    if values.dtype == np.float64:
        values = merged(values)
    missing = ~np.isfinite(values) if values.dtype.kind == "f" else np.zeros(N_CELLS, dtype=bool)
    if not missing.any():
        return values, None
    import pyarrow as pa

    values = np.where(missing, np.nan, values)
    (reasons,) = in_one_order({f"reasons of {name!r}": reason})
    texts = [reasons] * N_CELLS if isinstance(reasons, str) else reasons
    told = [text if gone else None for text, gone in zip(texts, missing, strict=True)]
    if not all(text for text, gone in zip(told, missing, strict=True) if gone):
        raise UserError(f"The column {name!r} misses values without a reason.")
    return values, pa.array(told).dictionary_encode()
