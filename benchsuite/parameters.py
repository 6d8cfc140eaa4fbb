"""Parameters of strategies: frozen dataclasses with defaults, filled from text or TOML values."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

from benchsuite.errors import UserError, did_you_mean


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
        except (ValueError, TypeError):
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


def _inside(whose: str) -> str:
    """Return what begins a sentence as it stands inside of one."""
    return whose[0].lower() + whose[1:] if whose.startswith(("The ", "Search ")) else whose


def _converted(value: Any, kind: Any) -> Any:
    if get_origin(kind) in (types.UnionType, typing.Union):
        options = [option for option in get_args(kind) if option is not types.NoneType]
        if value is None or (isinstance(value, str) and value.lower() == "none"):
            return None
        return _converted(value, options[0])
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


def _shown(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(map(str, get_args(kind)))
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
    return names.get(kind) or str(kind).replace("...", "and so on")


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"
