"""Values and tables in the notations that others read: JSON, CSV, Markdown and LaTeX."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def json_text(value: Any, **settings: Any) -> str:
    """Return a value as JSON: numpy's numbers as numbers, NaN and infinities as null.

    settings: of `json.dumps`. Raises TypeError for what has no place in JSON.
    """
    try:
        return json.dumps(value, allow_nan=False, **settings)
    except (TypeError, ValueError):
        return json.dumps(plain(value), allow_nan=False, **settings)


def csv_text(rows: pd.DataFrame) -> str:
    """Return a table as CSV that a reader gives back and that a spreadsheet does not compute.

    A text that begins as a formula does (`=`, `+`, `-`, `@`) and is no number gets a `'` before it.
    """
    shown = rows.copy()
    for at, kind in enumerate(rows.dtypes):
        if kind.kind not in "iufb":
            shown.isetitem(at, [_uncomputed(value) for value in rows.iloc[:, at]])
    shown.columns = [_uncomputed(str(name)) for name in rows.columns]
    return shown.to_csv(index=False, lineterminator="\n")


def markdown_text(cells: pd.DataFrame, right: Sequence[bool]) -> str:
    """Return a table of texts as a Markdown table; right: whether a column is set to the right."""
    shown = cells.map(_in_markdown)
    shown.columns = [_in_markdown(str(name)) for name in cells.columns]
    sides = ["right" if side else "left" for side in right]
    return shown.to_markdown(index=False, disable_numparse=True, colalign=sides)


def latex_text(cells: pd.DataFrame, numbers: Sequence[bool], right: Sequence[bool]) -> str:
    """Return a table of texts as a LaTeX tabular; it needs the packages booktabs and siunitx.

    numbers: whether a column is of numbers and `-` alone, which is set by their points; right:
    whether another one is set to the right. Long texts wrap.
    """
    shown = cells.map(one_line)
    for at, of_numbers in enumerate(numbers):
        if of_numbers:
            shown.isetitem(at, [None if text == "-" else text for text in shown.iloc[:, at]])
    shown.columns = [one_line(str(name)) for name in cells.columns]
    columns = [shown.iloc[:, at] for at in range(len(numbers))]
    texts = [[text for text in column if isinstance(text, str)] for column in columns]
    long = [max(map(len, column), default=0) > _LONG for column in texts]
    wide = f"p{{{0.7 / max(1, sum(long)):.2f}\\linewidth}}"
    sides = [
        _by_points(column) if of_numbers else wide if wraps else "r" if to_right else "l"
        for column, of_numbers, wraps, to_right in zip(texts, numbers, long, right, strict=True)
    ]
    styler = shown.style.hide(axis="index").format(escape="latex", na_rep="{--}")
    styler = styler.format_index(escape="latex", axis=1)
    return styler.to_latex(siunitx=True, hrules=True, column_format="".join(sides))


def _by_points(texts: Sequence[str]) -> str:
    """Return the column type of siunitx that holds numbers written so."""
    parts = [re.fullmatch(r"(-?)(\d+)(?:\.(\d+))?(?:e(-?)\+?(\d+))?", text) for text in texts]
    if not all(parts) or not parts:
        return "r"
    sign, whole, point, sign_of_power, power = zip(*(p.groups("") for p in parts if p), strict=True)
    longest = [max(map(len, of)) for of in (whole, point, power)]
    exponent = f"e{max(sign_of_power)}{longest[2]}" if longest[2] else ""
    return f"S[table-format={max(sign)}{longest[0]}.{longest[1]}{exponent}]"


def enumeration(names: Sequence[str]) -> str:
    """Return names as a sentence lists them: none, `a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def one_line(text: str) -> str:
    """Return a text without line breaks and other control characters: a space for each."""
    return _CONTROL.sub(" ", text)


_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_LONG = 40  # characters of a text that wraps in print
_TAG = re.compile(r"<(?=[A-Za-z/!?])")


def _uncomputed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = _UNREADABLE.sub(" ", value.replace("\r\n", "\n").replace("\r", "\n"))
    return f"'{text}" if _computes(text) else text


def _computes(text: str) -> bool:
    start = text.lstrip()
    if len(start) < 2 or start[0] not in "=+-@＝＋－＠":
        return False
    try:
        float(start)
    except ValueError:
        return True
    return False


def _in_markdown(text: str) -> str:
    escaped = one_line(text).strip().replace("\\", "\\\\").replace("|", "\\|")
    return _TAG.sub(r"\\<", escaped)


@functools.singledispatch
def plain(value: Any) -> Any:
    """Return a value as JSON has it: numpy's as numbers and lists, NaN and infinities as None."""
    if hasattr(value, "tolist"):  # numpy's numbers and arrays
        return plain(value.tolist())
    return value


@plain.register
def _(value: float) -> Any:
    return float(value) if value - value == 0 else None


@plain.register(Mapping)
def _(value: Any) -> Any:
    return {str(key): plain(item) for key, item in value.items()}


@plain.register(list)
@plain.register(tuple)
def _(value: Any) -> Any:
    return [plain(item) for item in value]
