"""Amounts as people write them: `200ms`, `48k` or `0.5 mJ` read, 117.9 M or 12.3 KiB shown.

Numbers are rounded as in tables: as they are stated there (`numerics.stated`), then to decimals.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Literal

from benchsuite.errors import UserError
from benchsuite.numerics.stated import stated

_KIB = 1024
TIME = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
SIZE = {
    "B": 1.0,
    **dict.fromkeys(("k", "K", "kB", "KB", "kb", "KiB"), float(_KIB)),
    **dict.fromkeys(("M", "MB", "MiB"), float(_KIB**2)),
}  # Memories of parts come in powers of two: 48k of SRAM are 49,152 bytes.
ENERGY = {"J": 1.0, "mJ": 1e-3, "uJ": 1e-6, "µJ": 1e-6}
_AMOUNT = re.compile(r"([-+]?[0-9][0-9_,]*\.?[0-9]*(?:e[-+]?[0-9]{1,3})?)\s*([^\W\d_]*)", re.ASCII)
_THOUSANDS = re.compile(r"[-+]?[1-9][0-9]{0,2}(,[0-9]{3})+(?![0-9_,]).*")


def parse(text: str, units: Mapping[str, float], example: str) -> float:
    """Return an amount in seconds, bytes or joules; UserError for what is none, or has no unit.

    Commas part thousands; one that stands for a decimal point is refused with UserError too.

    units: `TIME`, `SIZE` or `ENERGY`; example: of an amount, for the sentence.

    >>> parse("200ms", TIME, "200ms"), parse("48 KiB", SIZE, "48k")
    (0.2, 49152.0)
    """
    found = _AMOUNT.fullmatch(text.strip().replace("μ", "u").replace("µ", "u"))
    known = ", ".join(unit for unit in units if unit.isascii())
    if not found:
        raise UserError(f"{text!r} is no amount: give a number and a unit, as in {example}.")
    number, unit = found.groups()
    if "," in number and not _THOUSANDS.fullmatch(number):
        decimal = number.count(",") == 1 and "." not in number
        meant = f"; write {text.strip().replace(',', '.')}." if decimal else ", as in 1,234."
        raise UserError(f"{text!r}: a comma parts thousands{meant}")
    if unit not in units:
        lacks = f"has an unknown unit {unit!r}" if unit else "has no unit"
        raise UserError(f"{text!r} {lacks}: there are {known}, as in {example}.")
    amount = float(number.replace(",", "").replace("_", "")) * units[unit]
    if not (math.isfinite(amount) and amount > 0):
        raise UserError(f"{text!r}: an amount is above 0 and finite, as in {example}.")
    return amount


def significant(value: float, digits: int = 4, decimals: int = 2) -> str:
    """Return a number with so many digits, and at most so many of them after the point."""
    value = stated(value)
    before = len(f"{abs(value):.0f}")
    return f"{value:,.{max(min(digits - before, decimals), 0)}f}"


def seconds(value: float) -> str:
    """Return a time as a person writes it: 200 ms, 1.25 s."""
    for unit, of in (("s", 1.0), ("ms", 1e-3)):
        if abs(value) >= of * 0.9995:
            return f"{_short(value / of)} {unit}"
    return f"{_short(value * 1e6)} us"


def size(value: float) -> str:
    """Return bytes as a person writes them: 12.3 KiB, 1 MiB."""
    if abs(value) >= _KIB**2:
        return f"{_short(value / _KIB**2)} MiB"
    return f"{_short(value / _KIB)} KiB" if abs(value) >= _KIB else f"{value:,.0f} B"


def kib(value: float, most: float | None = None) -> str:
    """Return bytes in KiB without the unit, or the range up to `most` where that is larger.

    >>> kib(1_097_421), kib(37_273, 98_714)
    ('1,071.7', '36.4-96.4')
    """
    shown = f"{value / _KIB:,.1f}"
    return shown if most is None or most <= value else f"{shown}-{most / _KIB:,.1f}"


def joules(value: float) -> str:
    """Return an energy as a person writes it: 1.25 mJ."""
    for unit, of in (("J", 1.0), ("mJ", 1e-3)):
        if abs(value) >= of * 0.9995:
            return f"{_short(value / of)} {unit}"
    return f"{_short(value * 1e6)} uJ"


def count(value: float) -> str:
    """Return a count as a person writes it: 117.9 M, 73.1 k, 812."""
    for unit, of in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= of:
            return f"{value / of:.1f} {unit}"
    return f"{value:,.0f}"


def with_unit(value: float, unit: str) -> str:
    """Return a value of a column as a person writes it, by the column's unit; `-` where missing.

    >>> with_unit(0.2, "s"), with_unit(153_272_970, "FLOPs"), with_unit(91.6067, "%")
    ('200 ms', '153.3 M', '91.61')
    """
    if not math.isfinite(value):
        return "-"
    if unit in _SHOWN:
        return _SHOWN[unit](value)
    if unit == "%":
        return percent(value)
    if float(value).is_integer() or abs(value) >= 1e5:
        return _count(value)
    return f"{value:.3g}" if abs(value) < 1 else significant(value)


def percent(value: float, sign: Literal["", "+"] = "") -> str:
    """Return an accuracy or a difference of two with two decimals.

    >>> percent(87.07499999999999), percent(0.5, "+")
    ('87.08', '+0.50')
    """
    return f"{stated(value):{sign}.2f}"


def digits(value: float) -> str:
    """Return a score with six digits, and an integer part in full.

    >>> digits(51_036_800.4), digits(365.82512), digits(1.2e-7), digits(3e20)
    ('51,036,800', '365.825', '1.2e-07', '3e+20')
    """
    return f"{value:,.0f}" if 1e6 <= abs(value) < 1e15 else f"{value:,.6g}"


def interval(value: float, low: float, high: float, digits: int = 3) -> str:
    """Return an estimate with its interval: `0.756 [0.753, 0.760]`; `-` where it is missing."""
    if math.isnan(value):
        return "-"
    if math.isnan(low) or math.isnan(high):
        return f"{stated(value):.{digits}f} (no interval)"
    return f"{stated(value):.{digits}f} [{stated(low):.{digits}f}, {stated(high):.{digits}f}]"


def _count(value: float) -> str:
    """Return a count: 1.073 M, 153.3 M, 73,306; an enormous one as 1.2e+14."""
    if abs(value) >= 1e12:
        return f"{value:.3g}"
    for unit, of in (("G", 1e9), ("M", 1e6)):
        if abs(value) >= of:
            return f"{significant(value / of, decimals=3)} {unit}"
    return f"{value:,.0f}"


def _short(value: float) -> str:
    """Return a number of four digits at most, without zeros at its end."""
    text = significant(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


_SHOWN = {
    "s": seconds,
    "ms": lambda value: seconds(value / 1e3),
    "J": joules,
    "mJ": lambda value: joules(value / 1e3),
    "bytes": size,
}
