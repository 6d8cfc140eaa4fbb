"""What a user's code gives is checked at the door, by the types that signatures state."""

from __future__ import annotations

import collections.abc
import functools
import inspect
import types
import typing
from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, ParamSpec, TypeVar

import numpy as np

from benchsuite.errors import UserError, shown

P = ParamSpec("P")
R = TypeVar("R")

_NAMES: dict[Any, str] = {
    Any: "anything",
    str: "a text",
    int: "a whole number",
    float: "a number",
    PathLike: "a path",
    type(None): "None",
    collections.abc.Sequence: "a list",
    collections.abc.Iterable: "a list",
    collections.abc.Callable: "a function",
}

_SOME = str | Sequence[str]  # left out it means all or a default, which an empty list does not


def checked(verb: Callable[P, R]) -> Callable[P, R]:
    """Return a verb that raises UserError for an argument of another type than it states.

    So it does for an empty list of names.
    """

    @functools.wraps(verb)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        signature = inspect.signature(verb)
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise UserError(f"{verb.__name__}{signature}: {error}.") from None
        for name, value in given.items():
            if signature.parameters[name].annotation is inspect.Parameter.empty:  # self
                continue
            stated = eval(signature.parameters[name].annotation, verb.__globals__)
            if not fits(value, stated):
                raise UserError(
                    f"The {name} of {verb.__name__} is {_said(stated)}, not {shown(value)}."
                )
            if stated == _SOME and isinstance(value, list | np.ndarray) and not len(value):
                raise UserError(
                    f"The {name} of {verb.__name__} is an empty list: name some, or leave it out."
                )
        return verb(*args, **kwargs)

    return call


def fits(value: object, stated: Any) -> bool:
    """Tell whether a value is of a type, in the parts that a verb's signature is made of."""
    origin = typing.get_origin(stated)
    if stated is Any:
        return True
    if origin in (types.UnionType, typing.Union):
        return any(fits(value, one) for one in typing.get_args(stated))
    if origin is collections.abc.Iterable and not isinstance(value, str):
        if not isinstance(value, collections.abc.Collection):  # Looking would use it up.
            return isinstance(value, collections.abc.Iterable)
        (item,) = typing.get_args(stated)
        return not _is_one(value) and all(fits(one, item) for one in value)
    if origin is collections.abc.Sequence:
        (item,) = typing.get_args(stated)
        many = isinstance(value, list | tuple | np.ndarray) and not _is_one(value)
        return many and all(fits(one, item) for one in value)  # type: ignore[attr-defined]  # many
    if origin is collections.abc.Mapping and isinstance(value, collections.abc.Mapping):
        key, item = typing.get_args(stated)
        return all(fits(name, key) and fits(one, item) for name, one in value.items())
    kind = origin or stated
    if kind in (int, float):
        kinds = (int, np.integer) if kind is int else (int, float, np.integer, np.floating)
        return isinstance(value, kinds) and not isinstance(value, bool)
    if kind is collections.abc.Callable:
        return callable(value)
    return isinstance(value, kind)


def _is_one(value: object) -> bool:
    """Tell whether a value is an array that is one number or text, without an axis."""
    return isinstance(value, np.ndarray) and not value.ndim


def _said(stated: Any) -> str:
    origin = typing.get_origin(stated)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(dict.fromkeys(map(_said, typing.get_args(stated))))
    if origin is collections.abc.Mapping:
        key, item = map(_said, typing.get_args(stated))
        return f"a dict ({key}: {item})"
    kind = origin or stated
    return _NAMES.get(kind, f"a {kind.__name__}")
