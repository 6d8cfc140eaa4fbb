"""The bytes of an .onnx file without its large constants, so that no weight is ever in memory.

An .onnx file is one protocol buffer message: fields of (number, type), where type 2 is a length
and bytes. What is left out are the data fields of initialisers above `_SMALL` bytes; lengths above
them are written anew. Nothing else changes, and the `onnx` package reads the result.

Source: Protocol Buffers, "Encoding"; onnx.proto3 (ModelProto, GraphProto, TensorProto).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchsuite.bounds import FaultError

_SMALL = 1024
_GRAPH, _INITIALISER = 7, 5
# float_data, int32_data, string_data, int64_data, raw_data, double_data, uint64_data.
_DATA = (4, 5, 6, 7, 9, 10, 11)
_BYTES = 2


def without_weights(content: Any, most: int) -> bytes:
    """Return the message without large data of initialisers.

    content: a buffer; most: bytes that may be left. Raises ValueError for what is no message, or
    leaves more.
    """
    view = memoryview(content)
    try:
        parts: list[bytes] = []
        for number, kind, whole, inner in _fields(view):
            if (number, kind) == (_GRAPH, _BYTES):
                graph = b"".join(_graph(inner))
                parts.append(_tag(number) + _varint(len(graph)) + graph)
            else:
                parts.append(_few(whole, most))
            if sum(map(len, parts)) > most:
                raise FaultError(f"more than {most:,} bytes are left without its weights")
        return b"".join(parts)
    finally:
        view.release()


def _graph(view: memoryview) -> Iterator[bytes]:
    for number, kind, whole, inner in _fields(view):
        if (number, kind) != (_INITIALISER, _BYTES):
            yield bytes(whole)
            continue
        tensor = b"".join(
            bytes(part) for n, _, part, _ in _fields(inner) if n not in _DATA or len(part) <= _SMALL
        )
        yield _tag(number) + _varint(len(tensor)) + tensor


def _few(view: memoryview, most: int) -> bytes:
    if len(view) > most:
        raise FaultError(f"a field of {len(view):,} bytes")
    return bytes(view)


def _fields(view: memoryview) -> Iterator[tuple[int, int, memoryview, memoryview]]:
    """Yield number, type, the whole field and what is in it."""
    at = 0
    while at < len(view):
        start = at
        tag, at = _read_varint(view, at)
        number, kind = tag >> 3, tag & 7
        inside = at
        if kind == 0:
            _, at = _read_varint(view, at)
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        elif kind == _BYTES:
            length, inside = _read_varint(view, at)
            at = inside + length
        else:
            raise FaultError("it is cut short, or its bytes are no longer those that were written")
        if at > len(view):
            raise FaultError("it is cut short")
        yield number, kind, view[start:at], view[inside:at]


def _read_varint(view: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(view) or shift > 63:
            raise FaultError("it is cut short")
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _tag(number: int) -> bytes:
    return _varint(number << 3 | _BYTES)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
