"""Layers of the models that boards ran, as the public file of them lists these."""

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchsuite.devices._latency.operators import Shape, Side, convolution

_FREE = ("QUANTIZE", "DEQUANTIZE", "RESHAPE", "SHAPE", "STRIDED_SLICE", "PACK", "TRANSPOSE", "PAD")


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split("x")]


def _sides(row: Mapping[str, str]) -> Iterator[Side]:
    read, written, kernel, stride = (
        _numbers(row[key]) for key in ("in_shape", "out_shape", "k", "stride")
    )
    for at in (0, 1):
        size = read[1 + at]
        beside = max((written[1 + at] - 1) * stride[at] + kernel[at] - size, 0)
        yield Side(size, kernel[at], stride[at], beside // 2, beside - beside // 2)


def _shape(row: Mapping[str, str]) -> Shape | None:
    kind = row["op"]
    if kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MAX_POOL_2D"):
        before = int(float(row["cin"]))
        height, width = _sides(row)
        sides = height, width
        if kind == "CONV_2D":
            return convolution(*sides, before, int(float(row["cout"])))
        if kind == "DEPTHWISE_CONV_2D":
            return Shape.of_sides("depthwise", *sides, before, int(float(row["cout"])))
        return Shape.of_sides("avg_pool", *sides, before, before)
    if kind == "FULLY_CONNECTED":
        return Shape("linear", 1, int(float(row["cin"])), int(float(row["cout"])))
    read, written = _numbers(row["in_shape"]), _numbers(row["out_shape"])
    if kind == "MEAN" and len(read) == 4:
        _, rows, columns, channels = read
        sides = Side(rows, rows, rows), Side(columns, columns, columns)
        return Shape.of_sides("avg_pool", *sides, channels, channels)
    if kind in ("ADD", "MUL"):
        _, rows, columns, channels = written
        sides = Side(rows), Side(columns)
        return Shape.of_sides("add" if kind == "ADD" else "affine", *sides, channels, channels)
    return None


def models_of(path: Path) -> dict[str, list[Shape]]:
    """Return the shapes of every model of a file of layers, by the name without its hash."""
    models: dict[str, list[Shape]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            stem = row["path"].rpartition("/")[2].removesuffix(".tflite")
            shape = None if row["op"] in _FREE else _shape(row)
            of = models.setdefault(re.sub("^[0-9a-f]{8}_", "", stem), [])
            if shape is not None:
                of.append(shape)
    return models
