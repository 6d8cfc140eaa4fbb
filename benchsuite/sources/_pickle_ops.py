"""What the rarer opcodes of a pickle do to the stack; everything is checked, nothing is run."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from benchsuite.sources._pickle_values import (
    Array,
    Constructor,
    Dtype,
    Name,
    Opaque,
    RefusedError,
    check_key,
    constructor,
    weight,
)

CONTAINER = 8  # items that an empty container counts as

# Opcodes followed by a length of so many bytes and by the content.
COUNTED = {
    pickle.BINBYTES[0]: 4,
    pickle.SHORT_BINBYTES[0]: 1,
    pickle.BINBYTES8[0]: 8,
    pickle.BYTEARRAY8[0]: 8,
    pickle.BINUNICODE8[0]: 8,
    pickle.LONG1[0]: 1,
}
CONSTANTS: dict[int, Callable[[], Any]] = {
    pickle.NONE[0]: lambda: None,
    pickle.NEWTRUE[0]: lambda: True,
    pickle.NEWFALSE[0]: lambda: False,
    pickle.EMPTY_TUPLE[0]: tuple,
    pickle.EMPTY_LIST[0]: list,
    pickle.EMPTY_DICT[0]: dict,
    pickle.EMPTY_SET[0]: set,
}


def counted(op: int, raw: bytes) -> Any:
    """Return the value of an opcode of `COUNTED` from its bytes."""
    if op == pickle.BINUNICODE8[0]:
        return str(raw, "utf-8", "surrogatepass")
    if op == pickle.LONG1[0]:
        return int.from_bytes(raw, "little", signed=True)
    return raw


def cost(op: int, stack: list[Any]) -> int:
    """Return what an opcode without an argument adds to memory or goes through, in items."""
    if op in _CALLS:
        return CONTAINER + weight(stack[-1])
    return CONTAINER if op in TUPLES or op in _MAKERS else 1


def _append(stack: list[Any], items: list[Any]) -> None:
    if type(stack[-1]) is not list:
        raise EOFError
    stack[-1].extend(items)


def _add(stack: list[Any], items: list[Any]) -> None:
    if type(stack[-1]) is not set:
        raise EOFError
    for item in items:
        check_key(item)
    stack[-1].update(items)


def _append_one(stack: list[Any], _: frozenset[Name]) -> None:
    _append(stack, [stack.pop()])


def _stack_global(stack: list[Any], opaque: frozenset[Name]) -> None:
    name, module = stack.pop(), stack.pop()
    if type(name) is not str or type(module) is not str:
        raise EOFError
    stack.append(constructor(module, name, opaque))


def _reduce(stack: list[Any], _: frozenset[Name]) -> None:
    args, function = stack.pop(), stack.pop()
    if not isinstance(function, Constructor) or type(args) is not tuple:
        raise RefusedError("a call of something that is not a constructor of data")
    stack.append(function.build(*args))


def _build(stack: list[Any], _: frozenset[Name]) -> None:
    state = stack.pop()
    if not isinstance(stack[-1], (Dtype, Array, Opaque)):
        raise RefusedError("a change to an object that is whole already")
    stack[-1].set_state(state)


def _persistent(stack: list[Any], _: frozenset[Name]) -> None:
    stack.append(Opaque("persistent", (stack.pop(),)))


_CALLS = frozenset({pickle.REDUCE[0], pickle.NEWOBJ[0], pickle.BUILD[0]})
_MAKERS = frozenset(b"]})\x8f" + pickle.TUPLE + pickle.BINPERSID)
TUPLES = {pickle.TUPLE1[0]: 1, pickle.TUPLE2[0]: 2, pickle.TUPLE3[0]: 3}
MARKED: dict[int, Callable[[list[Any], list[Any]], None]] = {
    pickle.TUPLE[0]: lambda stack, items: stack.append(tuple(items)),
    pickle.APPENDS[0]: _append,
    pickle.ADDITEMS[0]: _add,
}
PLAIN: dict[int, Callable[[list[Any], frozenset[Name]], None]] = {
    pickle.APPEND[0]: _append_one,
    pickle.STACK_GLOBAL[0]: _stack_global,
    pickle.REDUCE[0]: _reduce,
    pickle.NEWOBJ[0]: _reduce,
    pickle.BUILD[0]: _build,
    pickle.BINPERSID[0]: _persistent,
}
