"""Parameters of strategies: frozen dataclasses with defaults, filled from text or TOML values."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

import numpy as np
from numpy.typing import NDArray

from benchsuite.errors import UserError, did_you_mean
from benchsuite.space.cell import N_CELLS

LAST_SEED = 2**63 - 1  # Files hold seeds as 64-bit integers.


def fill(kind: type, given: Mapping[str, Any], whose: str) -> Any:
    """Return an instance of a dataclass with some fields set, from values or their text.

    whose: what the parameters belong to, for messages. Raises UserError for an unknown name or a
    value of the wrong type.
    """
    hints = typing.get_type_hints(kind)
    known = [field.name for field in dataclasses.fields(kind)]
    values = {}
    for name, value in given.items():
        if name not in known:
            raise UserError(
                f"{whose} has no parameter {name!r}; it has {', '.join(known) or 'none'}."
                + did_you_mean(name, known)
            )
        try:
            values[name] = _converted(value, hints[name])
        except (ValueError, TypeError, OverflowError):
            raise UserError(
                f"The parameter {name} of {_inside(whose)} is {_shown(hints[name])}, not {value!r}."
            ) from None
    return kind(**values)


def check_range(low: float, high: float = math.inf, **values: float) -> None:
    """Raise UserError for the first value that does not lie in low ... high."""
    for name, value in values.items():
        if not low <= value <= high:
            span = f"{low:g} or more" if high == math.inf else f"from {low:g} to {high:g}"
            raise UserError(f"The parameter {name} has to be {span}, not {value:g}.")


def check_number(value: Any, what: str) -> float:
    """Return a number as it is; UserError for a truth value, a text or anything else.

    A whole number beyond what a float holds is refused too.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.number):
        raise UserError(f"{what} is a number, not {value!r}.")
    try:
        float(value)
    except OverflowError:
        raise UserError(f"{what} is beyond the numbers of a computer, 1.8e308.") from None
    return value  # type: ignore[return-value]


def check_stated(name: Any, value: Any) -> float:
    """Return what a strategy states under a name, also a truth value; UserError for a text."""
    if not isinstance(name, str):
        raise UserError(f"What a strategy states is named by a text, not {name!r}.")
    is_truth = isinstance(value, bool | np.bool_)
    return float(value if is_truth else check_number(value, f"What is stated as {name}"))


def check_whole(value: Any, what: str, *, low: int, high: int | None = None) -> int:
    """Return a whole number from low to high; UserError for any other, also for 2.0."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < low or (high is not None and value > high):
        span = f"from {low} to {high}" if high is not None else f"of {low} or more"
        raise UserError(f"{what} is a whole number {span}, not {value!r}.")
    return int(value)


def check_seeds(first: Any, number: Any) -> None:
    """Raise UserError for so many seeds from a first one on that are none or beyond the last."""
    check_whole(number, "The number of seeds", low=1)
    check_whole(first, "The first seed", low=0)
    if first + number - 1 > LAST_SEED:
        raise UserError(f"The last seed there is is {LAST_SEED}; {number} from {first} go beyond.")


def check_cell(cell: Any) -> int:
    """Return the official index of a cell; UserError for what is none."""
    return check_whole(cell, "The index of a cell", low=0, high=N_CELLS - 1)


def check_cells(cells: Any) -> NDArray[np.int64]:
    """Return official indices [N]; UserError for a mask, fractions, or what is no list of them."""
    found = np.asarray(cells)
    if not found.size and found.ndim == 1:
        return np.empty(0, dtype=np.int64)
    if found.dtype.kind not in "iu" or found.ndim != 1:
        raise UserError(
            f"Cells are a list of whole numbers from 0 to {N_CELLS - 1}, not {_briefly(found)}."
        )
    if found.min() < 0 or found.max() >= N_CELLS:
        raise UserError(
            f"Cells run from 0 to {N_CELLS - 1}; {found.min()} ... {found.max()} given."
        )
    return found.astype(np.int64)


def _briefly(found: NDArray[Any]) -> str:
    return (
        f"{found.dtype} values of shape {found.shape}" if found.size > 5 else repr(found.tolist())
    )


def _inside(whose: str) -> str:
    """Return what begins a sentence as it stands inside of one."""
    return whose[0].lower() + whose[1:] if whose.startswith(("The ", "Search ")) else whose


def _converted(value: Any, kind: Any) -> Any:
    if get_origin(kind) in (types.UnionType, typing.Union):
        options = [option for option in get_args(kind) if option is not types.NoneType]
        if value is None or (isinstance(value, str) and value.lower() == "none"):
            return None
        return _first_that_takes(value, options)
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise ValueError(value)
        return value
    if get_origin(kind) is tuple:
        items = value.split(",") if isinstance(value, str) else value
        return tuple(_converted(item, get_args(kind)[0]) for item in items if item != "")
    if kind is bool:
        if isinstance(value, bool):
            return value
        return _truth(str(value))
    if kind is str:
        if not isinstance(value, str):
            raise ValueError(value)
        return value
    if isinstance(value, bool) or (kind is int and isinstance(value, float)):
        raise ValueError(value)
    number = kind(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _first_that_takes(value: Any, options: list[Any]) -> Any:
    for option in options[:-1]:
        with contextlib.suppress(ValueError, TypeError, OverflowError):
            return _converted(value, option)
    return _converted(value, options[-1])


def _shown(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(map(str, get_args(kind)))
    if get_origin(kind) in (types.UnionType, typing.Union):
        return " or ".join(_shown(option) for option in get_args(kind))
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
    names[types.NoneType] = "none"
    if get_origin(kind) is not tuple and kind not in names:
        return "whole, a number, true or false, a text, a choice of some, a tuple of those, or none"
    return names.get(kind) or str(kind).replace("...", "and so on")


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"
