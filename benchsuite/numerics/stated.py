"""The precision to which results are written: `DIGITS` significant digits, whole numbers whole.

Other processors and libraries round the last digits of float64 otherwise; what reports and studies
write, in CSV, Markdown, LaTeX and JSON, is the same whoever makes it. Parquet keeps every digit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

DIGITS = 6


def stated(value: float) -> float:
    """Return a number with `DIGITS` significant digits; one that has more before its point, whole.

    Zero has no sign; NaN and infinities stay.
    """
    if not math.isfinite(value):
        return value
    whole = abs(value) >= 10**DIGITS
    return float(round(value) if whole else f"{value:.{DIGITS}g}") + 0.0


def stated_frame(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a DataFrame with every float as `stated`."""
    made = rows.copy()
    for at, kind in enumerate(rows.dtypes):
        if kind.kind in "fO":
            column = [stated(v) if isinstance(v, float) else v for v in rows.iloc[:, at].tolist()]
            made.isetitem(at, column if kind.kind == "O" else list(map(float, column)))
    return made


def stated_json(value: Any) -> Any:
    """Return plain values with every float as `stated`; NaN and infinities are None."""
    if isinstance(value, Mapping):
        return {key: stated_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [stated_json(item) for item in value]
    if isinstance(value, float):
        return stated(value) if math.isfinite(value) else None
    return value
