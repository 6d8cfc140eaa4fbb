"""A pickle reader that only makes data and can drop what it has made, for files of any size.

`pickle.load` runs whatever a file asks for, and keeps every object until the end: the 4.7 GB file
of NAS-Bench-201 needs about 30 GB. This reader is its own interpreter of the pickle format. It
imports nothing, sets no attribute and calls nothing but the table in
`benchsuite.sources._pickle_values`; everything else is refused by name. With `replace`, a
dictionary that is complete is handed over and exchanged for something small, and the objects read
so far are forgotten, except that repeated atoms (a pickle refers back to them by number) stay in a
table of distinct values. What is read and made between two such moments is bounded, as is what a
constructor goes through, so that neither memory nor time grows beyond what a file is worth.

Source: the opcodes are documented in Python's `pickletools`; protocols 2 to 5 are read.
"""

from __future__ import annotations

import pickle
import pickletools
import re
import struct
import sys
from array import array
from collections.abc import Callable
from itertools import chain
from typing import IO, Any

from benchsuite.errors import UserError
from benchsuite.sources._pickle_ops import CONSTANTS, COUNTED, MARKED, PLAIN, TUPLES, cost, counted
from benchsuite.sources._pickle_values import (
    TORCH,
    Constructor,
    Dtype,
    Name,
    Opaque,
    RefusedError,
    check_depth,
    check_key,
    constructor,
)

Replace = Callable[[dict[Any, Any]], Any]

_CHUNK = 1 << 20
_MARGIN = 16
_MOST = 1 << 23  # bytes between two moments of forgetting; the largest file has two thirds
_ITEMS = 1 << 23  # made or gone through by constructors meanwhile
_MEMO = 1 << 20  # entries of the memo meanwhile
_MARKS = 1 << 16  # open marks
_KEPT = 1 << 26  # distinct atoms that outlast a part, and their characters
_MAX_NAME = 512
_DROPPED = 0

_DOUBLE = struct.Struct(">d").unpack_from
_U2 = struct.Struct("<H").unpack_from
_I4 = struct.Struct("<i").unpack_from
_U4 = struct.Struct("<I").unpack_from
_U8 = struct.Struct("<Q").unpack_from

_BINFLOAT, _SHORT_TEXT, _MEMOIZE = pickle.BINFLOAT[0], pickle.SHORT_BINUNICODE[0], pickle.MEMOIZE[0]
_BININT1, _BINGET, _LONG_BINGET = pickle.BININT1[0], pickle.BINGET[0], pickle.LONG_BINGET[0]
_TEXT, _LONG_BINPUT, _BINPUT = pickle.BINUNICODE[0], pickle.LONG_BINPUT[0], pickle.BINPUT[0]
_MARK, _SETITEMS, _SETITEM, _STOP = b"(us."
_TEXTS, _SETTERS = (_SHORT_TEXT, _TEXT), (_SETITEMS, _SETITEM)
_FRAME, _PROTO, _GLOBAL = pickle.FRAME[0], pickle.PROTO[0], pickle.GLOBAL[0]
_BININT, _BININT2 = pickle.BININT[0], pickle.BININT2[0]

# Most of an official file is dictionaries of epoch -> number: BININT1, BINFLOAT, and so on.
_NUMBERED_FLOATS = re.compile(rb"(?:K.G.{8})+", re.DOTALL).match
_PAIRS = struct.Struct(">xBxd").iter_unpack

_FAULTS = (
    IndexError,
    KeyError,
    TypeError,
    ValueError,
    OverflowError,
    AttributeError,
    MemoryError,
    RecursionError,
    EOFError,
    struct.error,
)


class PickleStream:
    """One file that holds one or more pickles, one after the other."""

    def __init__(self, file: IO[bytes], name: str, opaque: frozenset[Name] = TORCH):
        """file: read from its position on; name: for messages; opaque: names read as `Opaque`."""
        self._file, self._name, self.opaque = file, name, opaque
        self._data, self._at, self._limit = b"", 0, -1
        self._taken = 0

    def load(self, replace: Replace | None = None) -> Any:
        """Return the next object of the file.

        replace: called with a dictionary after items were added to it; anything but None takes the
        dictionary's place, and what was read so far is forgotten. NumPy arrays come as `Array`.
        Raises UserError when the file is cut short, is not a pickle, or asks for more than data.
        """
        self.forget()
        try:
            found = _Machine(self, replace).run()
            check_depth(found)
            return found
        except RefusedError as reason:
            raise UserError(
                f"{self._name} was not read: it asks for {reason}. Nothing in it was run. "
                "Download the file again from the address its source names."
            ) from None
        except _FAULTS:
            raise UserError(
                f"{self._name} was not read: it is cut short or is not such a pickle. Download it "
                "again."
            ) from None

    def refill(self, data: bytes, at: int, need: int, want: int = 0) -> tuple[bytes, int, int]:
        """Return data from `at` on, 0, and where to refill next; at least `need` bytes follow."""
        if need > _MOST:
            raise RefusedError(f"a single item of {need} bytes")
        parts, held = [data[at:]], len(data) - at
        limit = -1
        while held < max(need, want, _MARGIN + 1):
            chunk = self._file.read(_CHUNK)
            if not chunk:
                limit = sys.maxsize
                break
            parts.append(chunk)
            held += len(chunk)
            self._taken += len(chunk)
        if self._taken > _MOST + _CHUNK:
            raise RefusedError(f"more than {_MOST:,} bytes at a time")
        joined = b"".join(parts)
        if held < need:
            raise EOFError
        return joined, 0, limit if limit > 0 else len(joined) - _MARGIN

    def forget(self) -> None:
        """Count what is taken from the file anew."""
        self._taken = 0

    def position(self) -> tuple[bytes, int, int]:
        """Return the buffer, the place in it, and where it must be refilled."""
        return self._data, self._at, self._limit

    def leave(self, data: bytes, at: int, limit: int) -> None:
        """Remember where the next pickle begins."""
        self._data, self._at, self._limit = data, at, limit


class _Machine:
    """The stack machine of one pickle."""

    def __init__(self, source: PickleStream, replace: Replace | None):
        self.source, self.replace = source, replace
        self.stack: list[Any] = []
        self.marked: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.flushed = array("I")
        self.atoms: list[Any] = [None]
        self.numbers: dict[Any, int] = {}
        self.items, self.kept = 0, 0

    def run(self) -> Any:
        """Interpret opcodes until STOP; the commonest are handled here, for speed."""
        refill = self.refill
        data, at, limit = self.source.position()
        stack, memo = self.stack, self.memo
        flushed = 0
        while True:
            if at > limit:
                data, at, limit = refill(data, at, 0)
            op = data[at]
            at += 1
            if op == _BINFLOAT:
                stack.append(_DOUBLE(data, at)[0])
                at += 8
            elif op in _TEXTS:
                if op == _SHORT_TEXT:
                    size = data[at]
                    at += 1
                else:
                    size = _U4(data, at)[0]
                    at += 4
                if at + size > len(data):
                    data, at, limit = refill(data, at, size)
                text = str(data[at : at + size], "utf-8", "surrogatepass")
                stack.append(text)
                at += size
                if at <= limit:
                    if data[at] == _MEMOIZE:
                        memo[flushed + len(memo)] = text
                        at += 1
                    elif data[at] == _LONG_BINPUT:
                        memo[_U4(data, at + 1)[0]] = text
                        at += 5
            elif op == _MEMOIZE:
                memo[flushed + len(memo)] = stack[-1]
            elif op == _LONG_BINPUT:
                memo[_U4(data, at)[0]] = stack[-1]
                at += 4
            elif op == _BINPUT:
                memo[data[at]] = stack[-1]
                at += 1
            elif op == _BININT1:
                stack.append(data[at])
                at += 1
            elif op == _BINGET:
                index = data[at]
                stack.append(memo[index] if index in memo else self.recall(index))
                at += 1
            elif op == _LONG_BINGET:
                index = _U4(data, at)[0]
                stack.append(memo[index] if index in memo else self.recall(index))
                at += 4
            elif op == _MARK:
                self.marked.append(stack)
                stack = self.stack = []
                if run := _NUMBERED_FLOATS(data, at):
                    stack.extend(chain.from_iterable(_PAIRS(data[at : run.end()])))
                    at = run.end()
            elif op in _SETTERS:
                if op == _SETITEMS:
                    items = stack
                    stack = self.stack = self.marked.pop()
                else:
                    items = stack[-2:]
                    del stack[-2:]
                self.set_items(stack[-1], items)
                if self.replace is not None:
                    small = self.replace(stack[-1])
                    if small is not None:
                        stack[-1] = small
                        self.forget()
                        flushed = len(self.flushed)
            elif op in COUNTED:
                width = COUNTED[op]
                size = data[at] if width == 1 else (_U4 if width == 4 else _U8)(data, at)[0]
                at += width
                if at + size > len(data):
                    data, at, limit = refill(data, at, size)
                stack.append(counted(op, data[at : at + size]))
                at += size
            elif op == _BININT:
                stack.append(_I4(data, at)[0])
                at += 4
            elif op == _BININT2:
                stack.append(_U2(data, at)[0])
                at += 2
            elif op == _FRAME:
                at += 8
            elif op == _PROTO:
                if data[at] > 5:
                    raise RefusedError(f"pickle protocol {data[at]}")
                at += 1
            elif op == _GLOBAL:
                if at + _MAX_NAME > len(data):
                    data, at, limit = refill(data, at, 0, _MAX_NAME)
                module, name, _ = data[at : at + _MAX_NAME].split(b"\n", 2)
                at += len(module) + len(name) + 2
                stack.append(constructor(module.decode(), name.decode(), self.source.opaque))
            elif op == _STOP:
                if self.marked or len(stack) != 1:
                    raise EOFError
                self.source.leave(data, at, limit)
                return stack[0]
            else:
                self.rare(op)
                stack = self.stack

    def refill(self, data: bytes, at: int, need: int, want: int = 0) -> tuple[bytes, int, int]:
        """Do as the source does, within the bounds of memory."""
        if len(self.memo) > _MEMO or len(self.marked) > _MARKS:
            raise RefusedError("more references or marks than data need")
        return self.source.refill(data, at, need, want)

    def rare(self, op: int) -> None:
        """Interpret an opcode without an argument."""
        stack = self.stack
        self.items += cost(op, stack)
        if self.items > _ITEMS:
            raise RefusedError(f"more than {_ITEMS:,} items at a time")
        if op in CONSTANTS:
            stack.append(CONSTANTS[op]())
        elif op in TUPLES:
            size = TUPLES[op]
            if len(stack) < size:
                raise EOFError
            stack[-size:] = [tuple(stack[-size:])]
        elif op in MARKED:
            items = stack
            self.stack = self.marked.pop()
            MARKED[op](self.stack, items)
        elif op in PLAIN:
            PLAIN[op](stack, self.source.opaque)
        else:
            name = next((o.name for o in pickletools.opcodes if o.code == chr(op)), "")
            if not name:
                raise EOFError
            raise RefusedError(f"the operation {name}, which data do not need")

    def set_items(self, target: Any, items: list[Any]) -> None:
        """Add key, value, key, value ... to a dictionary."""
        if type(target) is not dict or len(items) % 2:
            raise EOFError
        keys = items[::2]
        for key in keys:
            if type(key) is not str and type(key) is not int:
                check_key(key)
        target.update(zip(keys, items[1::2], strict=True))

    def forget(self) -> None:
        """Drop the memo; keep one copy of each distinct atom, and its number by memo index."""
        numbers, flushed = self.numbers, self.flushed
        if self.memo and max(self.memo) + 1 - len(flushed) != len(self.memo):
            raise RefusedError("a memo with gaps, which cannot be read piece by piece")
        for index in range(len(flushed), len(flushed) + len(self.memo)):
            item = self.memo[index]
            if type(item) is str:
                key: Any = item
            elif type(item) in (bytes, float, int):
                key = (type(item), item)
            elif type(item) is tuple:
                if not all(type(part) in (str, int) for part in item):
                    flushed.append(_DROPPED)
                    continue
                key = item
            elif type(item) in (Dtype, Constructor):
                key = (type(item), id(item))
            else:
                flushed.append(_DROPPED)
                continue
            number = numbers.get(key)
            if number is None:
                number = numbers[key] = len(self.atoms)
                self.atoms.append(item)
                self.kept += len(item) if isinstance(item, str | bytes | tuple) else 1
            flushed.append(number)
        if 64 * len(self.atoms) + self.kept > _KEPT:
            raise RefusedError("more distinct texts and numbers than a file of cells has")
        self.memo.clear()
        self.items = 0
        self.source.forget()

    def recall(self, index: int) -> Any:
        """Return an atom of a part that has been dropped; for a container, `Opaque` says so."""
        number = self.flushed[index]
        return Opaque("dropped", ()) if number == _DROPPED else self.atoms[number]
