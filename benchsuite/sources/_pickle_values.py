"""What a pickle may contain: plain data, NumPy arrays and scalars, and inert stand-ins.

A pickle names callables. Here a name is looked up in a fixed table and never imported; the entry
builds the same value from checked arguments. Nothing of NumPy is called but `frombuffer` on bytes
whose length has been checked, so no array constructor can be misused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.bounds import DEPTH

Name = tuple[str, str]

_DTYPES = frozenset(
    [f"{kind}{size}" for kind in "iuf" for size in (2, 4, 8)] + ["i1", "u1", "b1", "O8"]
)
_ATOMS = (str, int, float, bool, bytes, type(None))
_CONTAINERS = (list, tuple, dict, set, frozenset)
_MAX_AXES = 8
_MAX_PARTS = 16


class RefusedError(Exception):
    """A pickle asks for something that is not data; the message is the reason."""


@dataclass(frozen=True)
class Constructor:
    """A name that a pickle may use, and the checked function that stands for it."""

    name: str
    build: Callable[..., Any]


@dataclass
class Opaque:
    """An object of known kind whose behaviour is not wanted: name, arguments and state only."""

    name: str
    args: tuple[Any, ...]
    state: Any = None

    def set_state(self, state: Any) -> None:
        """Keep the state; nothing is done with it."""
        self.state = state


@dataclass
class Dtype:
    """A NumPy element type, such as `f8`."""

    code: str
    order: str = "="

    def set_state(self, state: Any) -> None:
        """Take the byte order; structured and sub-array types are refused."""
        if type(state) is not tuple or len(state) < 5 or any(x is not None for x in state[2:5]):
            raise RefusedError("a structured NumPy type")
        if type(state[1]) is not str or state[1] not in ("<", ">", "|", "="):
            raise RefusedError("an unknown byte order")
        self.order = state[1]

    @property
    def numpy(self) -> np.dtype[Any]:
        """The NumPy type."""
        if self.code == "O8":
            return np.dtype(object)
        order = "" if self.order == "|" else self.order
        return np.dtype(order + self.code)


@dataclass
class Array:
    """A NumPy array under construction; `values` holds it once its state has been read."""

    values: NDArray[Any] = field(default_factory=lambda: np.empty(0))

    def set_state(self, state: Any) -> None:
        """Take (version, shape, dtype, Fortran order, bytes or list)."""
        if not isinstance(state, tuple) or len(state) != 5:
            raise RefusedError("a NumPy array without a state of five parts")
        _, shape, dtype, fortran, content = state
        self.values = _array(content, dtype, shape, "F" if fortran is True else "C")


def brief(value: Any) -> str:
    """Return a value in a few characters, a container by its type; nothing nested is looked at."""
    if type(value) is str:
        return repr(value[:60])
    return repr(value)[:60] if type(value) in _ATOMS[1:4] else type(value).__name__


def weight(value: Any) -> int:
    """Return how many items a constructor would go through: of a value, or of a tuple's parts."""
    parts = value if type(value) is tuple and len(value) <= _MAX_PARTS else (value,)
    return sum(len(part) for part in parts if type(part) in (*_CONTAINERS, str))


def check_depth(value: Any) -> None:
    """Refuse data of more than `DEPTH` containers within containers, shared ones counted once."""
    level, seen = [value], set[int]()
    for _ in range(DEPTH):
        inner = []
        for outer in level:
            for part in _parts(outer):
                kind = type(part)
                if kind not in _ATOMS and id(part) not in seen:
                    seen.add(id(part))
                    inner.append(part)
        level = inner
        if not level:
            return
    raise RefusedError(f"more than {DEPTH} containers within containers")


def _parts(outer: Any) -> Iterable[Any]:
    if type(outer) is dict:
        return outer.values()
    if type(outer) in _CONTAINERS:
        return outer  # type: ignore[no-any-return]
    if type(outer) is Opaque:
        return (outer.args, outer.state)
    if type(outer) is Array and outer.values.dtype == object:
        return outer.values.flat
    return ()


def check_key(key: Any) -> None:
    """Refuse a key of a dictionary or set unless it is an atom or a flat tuple of atoms."""
    if isinstance(key, tuple):
        for part in key:
            if type(part) not in _ATOMS:
                raise RefusedError("a nested key")
    elif type(key) not in _ATOMS:
        raise RefusedError(f"a key of type {type(key).__name__}")


def _array(content: Any, dtype: Any, shape: Any, order: str) -> NDArray[Any]:
    if not isinstance(dtype, Dtype):
        raise RefusedError("a NumPy array without an element type")
    if type(shape) is not tuple or len(shape) > _MAX_AXES:
        raise RefusedError("a NumPy array without a plain shape")
    if not all(type(n) is int and 0 <= n < 2**40 for n in shape):
        raise RefusedError("a NumPy array without a plain shape")
    count, kind = math.prod(shape), dtype.numpy
    if dtype.code == "O8":
        if not isinstance(content, list) or len(content) != count:
            raise RefusedError("a NumPy array whose list does not fit its shape")
        values = np.empty(count, dtype=object)
        for place, item in enumerate(content):
            values[place] = item
    else:
        if not isinstance(content, bytes) or len(content) != count * kind.itemsize:
            raise RefusedError("a NumPy array whose bytes do not fit its shape")
        values = np.frombuffer(content, dtype=kind)
    return values.reshape(shape, order="F" if order == "F" else "C")


def _dtype(code: Any, *_: Any) -> Dtype:
    if type(code) is not str or code not in _DTYPES:
        raise RefusedError(f"the NumPy type {brief(code)}")
    return Dtype(code)


def _scalar(dtype: Any, content: Any) -> Any:
    if not isinstance(dtype, Dtype) or dtype.code == "O8":
        raise RefusedError("a NumPy scalar that is not a number")
    return _array(content, dtype, (1,), "C")[0].item()


def _reconstruct(kind: Any, *_: Any) -> Array:
    if not isinstance(kind, Constructor) or kind.name != "numpy.ndarray":
        raise RefusedError("a subclass of NumPy's array")
    return Array()


def _from_buffer(content: Any, dtype: Any, shape: Any, order: Any) -> Array:
    return Array(_array(content, dtype, shape, "F" if order == "F" else "C"))


def _mapping(*args: Any) -> dict[Any, Any]:
    pairs = args[0] if args else []
    if len(args) > 1 or not isinstance(pairs, list):
        raise RefusedError("a mapping built from anything but a list of pairs")
    for pair in pairs:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise RefusedError("a mapping built from anything but a list of pairs")
        check_key(pair[0])
    return dict(pairs)


def _set(*args: Any) -> set[Any]:
    members = args[0] if args else []
    if len(args) > 1 or not isinstance(members, (list, tuple)):
        raise RefusedError("a set built from anything but a list")
    for member in members:
        check_key(member)
    return set(members)


def _encode(text: Any, encoding: Any) -> bytes:
    if type(text) is not str or type(encoding) is not str or encoding not in ("latin1", "latin-1"):
        raise RefusedError("an encoding other than latin1")
    return text.encode("latin-1")


def _empty_bytes() -> bytes:
    return b""


def _slice(*args: Any) -> tuple[Any, ...]:
    if len(args) > 3 or not all(arg is None or type(arg) is int for arg in args):
        raise RefusedError("a slice that is not of integers")
    return args


def _not_called(*_: Any) -> Any:
    raise RefusedError("an array that is built without its content")


def _table() -> dict[Name, Constructor]:
    table: dict[Name, Callable[..., Any]] = {
        ("collections", "OrderedDict"): _mapping,
        ("_codecs", "encode"): _encode,
        ("numpy", "dtype"): _dtype,
        ("numpy", "ndarray"): _not_called,
    }
    for module in ("builtins", "__builtin__"):
        table |= {(module, "set"): _set, (module, "frozenset"): _set}
        table |= {(module, "slice"): _slice, (module, "bytes"): _empty_bytes}
    for core in ("numpy.core", "numpy._core"):
        table |= {
            (f"{core}.multiarray", "_reconstruct"): _reconstruct,
            (f"{core}.multiarray", "scalar"): _scalar,
            (f"{core}.numeric", "_frombuffer"): _from_buffer,
        }
    return {name: Constructor(".".join(name), build) for name, build in table.items()}


CONSTRUCTORS = _table()

TORCH: frozenset[Name] = frozenset(
    [("torch._utils", "_rebuild_tensor"), ("torch._utils", "_rebuild_tensor_v2")]
    + [("torch", f"{kind}Storage") for kind in ("Float", "Double", "Half", "Long", "Int", "Bool")]
)


def constructor(module: str, name: str, opaque: frozenset[Name]) -> Constructor:
    """Return what stands for `module.name`; raises RefusedError when it is not data."""
    known = CONSTRUCTORS.get((module, name))
    if known is not None:
        return known
    full = f"{module}.{name}"
    if (module, name) in opaque:
        return Constructor(full, lambda *args: Opaque(full, args))
    raise RefusedError(f"{full[:120]}, which is not data")
