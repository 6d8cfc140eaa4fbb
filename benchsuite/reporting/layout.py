"""Tables as they are printed: intervals beside their values, one precision per column, few columns.

What `shown_table` is to a terminal, this is to a document: a table of results becomes parts of at
most `COLUMNS` columns, in which a value with an interval is one text, `0.756 [0.753, 0.760]`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchsuite.numerics.stated import stated

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = 8
KEYS = 3  # columns at most that name a row
MISSING = "-"
ENDS = (("lo", "hi"), ("from", "to"))


@dataclass(frozen=True)
class Printed:
    """A column of texts; number: whether all of them are numbers, but those that are missing."""

    name: str
    texts: list[str]
    number: bool = False
    interval: bool = False


def printed(rows: pd.DataFrame, thousands: str = ",") -> list[Printed]:
    """Return the columns of a table as they are printed; ends of intervals join their values.

    A bare `lo` and `hi` belong to the last column before them that lies between them in every row;
    `x lo` and `x hi` to `x`. Ends without such a column stay columns.
    """
    intervals = _intervals(rows)
    ends = {end for pair in intervals.values() for end in pair}
    made = []
    for name in rows.columns:
        if name in ends:
            continue
        if name in intervals:
            columns = rows[[name, *intervals[name]]].astype(float)
            made.append(Printed(str(name), _with_intervals(columns, thousands), interval=True))
        else:
            made.append(_column(str(name), rows[name], thousands))
    return made


def parts(columns: Sequence[Printed], most: int = COLUMNS) -> list[list[Printed]]:
    """Return columns in parts of at most `most`; each part begins with those that name its rows.

    Those are the fewest first columns, at most `KEYS`, whose texts differ in all rows.
    """
    if len(columns) <= most:
        return [list(columns)]
    keys = _keys(columns)
    step = most - keys
    rest = columns[most:]
    others = [[*columns[:keys], *rest[at : at + step]] for at in range(0, len(rest), step)]
    return [list(columns[:most]), *others]


def digits(values: Iterable[float]) -> int:
    """Return the decimals that a column is printed with, as many as one of its values needs.

    At most 3 where all values are below 10, 2 below 1,000 (accuracies as papers print them: 82.49),
    else 1; values have the precision that results are stated to.
    """
    known = [stated(value) for value in values if math.isfinite(value)]
    largest = max(map(abs, known), default=0.0)
    most = 3 if largest < 10 else 2 if largest < 1000 else 1
    for fewer in range(most):
        if all(math.isclose(v, round(v, fewer), rel_tol=1e-9, abs_tol=1e-12) for v in known):
            return fewer
    return most


def number(value: float, decimals: int, thousands: str = ",") -> str:
    """Return a number with so many decimals, or with two digits where these would show a zero."""
    if not math.isfinite(value):
        return MISSING
    value = stated(value)
    text = f"{value:{thousands}.{decimals}f}"
    if value and not float(text.replace(",", "")):
        return f"{value:.1e}"
    return text


def _intervals(rows: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Return the columns that have an interval, each with the columns of its ends."""
    names = list(rows.columns)
    found: dict[str, tuple[str, str]] = {}
    for at, name in enumerate(names):
        for low, high in ENDS:
            stem = str(name).removesuffix(low).rstrip()
            end = f"{stem} {high}".strip()
            if str(name) != f"{stem} {low}".strip() or end not in names:
                continue
            bases = [stem, f"{stem} accuracy"] if stem else names[:at][::-1]
            for base in bases:
                if base in names and base not in found and _between(rows, base, name, end, stem):
                    found[base] = (name, end)
                    break
    return found


def _between(rows: pd.DataFrame, base: str, low: str, high: str, named: str) -> bool:
    known = rows[[base, low, high]].dropna()
    if named and known.empty:
        return True
    if any(rows[name].dtype.kind not in "if" for name in (base, low, high)):
        return False
    slack = 1e-9 * known[base].abs()
    within = (known[low] <= known[base] + slack) & (known[base] <= known[high] + slack)
    return bool(len(known)) and bool(within.all())


def _with_intervals(columns: pd.DataFrame, thousands: str) -> list[str]:
    """Return texts of three columns: a value and the ends of its interval."""
    rows = columns.to_numpy().tolist()
    decimals = digits(value for row in rows for value in row)
    texts = []
    for row in rows:
        at, low, high = (number(value, decimals, thousands) for value in row)
        texts.append(at if MISSING in (low, high) else f"{at} [{low}, {high}]")
    return texts


def _column(name: str, values: pd.Series[Any], thousands: str) -> Printed:
    kind, counts = values.dtype.kind, not name.startswith("index")
    apart = thousands if counts else ""  # Cells are no amounts.
    if kind in "iu" or (kind == "f" and _whole(values)):
        texts = [MISSING if v != v else f"{int(v):{apart}d}" for v in values.tolist()]
        return Printed(name, texts, number=counts)
    if kind == "f":
        decimals = digits(values.tolist())
        return Printed(name, [number(v, decimals, thousands) for v in values.tolist()], True)
    return Printed(name, [_text(value, apart) for value in values.tolist()])


def _whole(values: pd.Series[Any]) -> bool:
    """Tell whether a column is of counts that became floats because some are missing."""
    known = values.dropna()
    return bool(len(known)) and bool((known % 1 == 0).all()) and bool((known.abs() < 1e15).all())


def _text(value: object, thousands: str) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:{thousands}d}"
    if isinstance(value, float):
        return number(value, digits([value]), thousands)
    return str(value)


def _keys(columns: Sequence[Printed]) -> int:
    for most in range(1, KEYS + 1):
        names = list(zip(*(column.texts for column in columns[:most]), strict=True))
        if len(set(names)) == len(names):
            return most
    return 1
