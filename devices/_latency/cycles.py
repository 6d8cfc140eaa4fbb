"""Latency tables: cycles of each shape on one core under one runtime, as CSV with its conditions.

A shape that is not in the table is interpolated: cycles are modelled, per kind of operator, as a
sum of non-negative coefficients times amounts of work (multiply-accumulates, columns gathered,
outputs written, pixels), fitted to the table's rows by non-negative least squares on the relative
error. So an interpolated cost never falls when a layer grows.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from benchsuite import bounds
from benchsuite.devices._latency.operators import NoKernelError, Operator, Shape, convolution
from benchsuite.devices._latency.range import Mark, Seen, of_shapes
from benchsuite.errors import UserError, did_you_mean
from benchsuite.files import read_text, shipped

TABLES = shipped("tables", "benchsuite.devices")
_LARGEST, _MOST_CYCLES = 1 << 16, 10**15
_WITH_WINDOW = ("conv", "conv1x1", "depthwise", "avg_pool")
_SAME_CHANNELS = ("avg_pool", "add", "affine", "relu")
_KEY = tuple(field.name for field in fields(Shape) if field.name != "sides")


@dataclass(frozen=True)
class Row:
    """One shape's counts; counts: instructions by class, where known."""

    shape: Shape
    cycles: int
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Table:
    """Rows by shape, and the conditions they hold under (compiler, flags, kernels, ...)."""

    name: str
    conditions: Mapping[str, str]
    rows: Mapping[Shape, Row]

    def cycles(self, shape: Shape) -> tuple[float, Mark]:
        """Return the cycles of one shape, and how they are known: see `_range.MARKS`.

        Raises NoKernelError if the table has no row of that kind of operator.
        """
        if row := self.rows.get(_asked(shape)):
            return float(row.cycles), ""
        cycles = (amounts(shape) * self.coefficients(shape.operator)).sum()
        return float(cycles), self._seen.mark(shape)

    @functools.cached_property
    def _seen(self) -> Seen:
        return of_shapes(self.rows)

    def coefficients(self, operator: str) -> NDArray[np.float64]:
        """Return the fitted cycles per unit of each of the `amounts` of one kind of operator."""
        return self._fit(operator)[0]

    def fit_error(self, operator: str) -> float:
        """Return the root mean square relative error of the interpolation over its own rows."""
        return self._fit(operator)[1]

    def _fit(self, operator: str) -> tuple[NDArray[np.float64], float]:
        rows = tuple(row for row in self.rows.values() if row.shape.operator == operator)
        if not rows:
            known = sorted({shape.operator for shape in self.rows})
            raise NoKernelError(
                f"The table {self.name} holds no row of the operator {operator!r}; it holds "
                f"{', '.join(known)}."
            )
        return _fit(tuple((row.shape, row.cycles) for row in rows))


def amounts(shape: Shape) -> NDArray[np.float64]:
    """Return the amounts of work that cost something in a shape; its kind says which.

    conv: multiply-accumulates, elements gathered, window positions gathered, outputs, where a
    column of window times channels is as long as the next multiple of 4; avg_pool: window elements
    inside the image, outputs, pixels; linear: multiply-accumulates, outputs; depthwise:
    multiply-accumulates; others: outputs. There is no constant: a call costs some hundred cycles,
    and a fitted one would swallow other costs.

    Kernels gather a column position by position, so few channels cost more each. Of 3,884 single
    convolutions on Cortex-M4 boards (TFLM + CMSIS-NN, in no table) these amounts are 8.6 % off on
    average; with every position's channels padded to 4 and pixels for positions it was 13.2 %, with
    the column padded and pixels 21.1 %.
    """
    pixels = shape.pixels
    if shape.operator in ("conv", "conv1x1"):
        columns = pixels * (-(-shape.window * shape.in_channels // 4) * 4)
        taps = pixels * shape.window
        return _array(columns * shape.out_channels, columns, taps, shape.outputs)
    if shape.operator == "avg_pool":
        inside = shape.height.inside * shape.width.inside
        return _array(inside * shape.out_channels, shape.outputs, pixels)
    if shape.operator == "linear":
        return _array(shape.in_channels * shape.out_channels, shape.out_channels)
    if shape.operator == "depthwise":
        return _array(shape.macs)
    return _array(shape.outputs)


def _asked(shape: Shape) -> Shape:
    """Return a shape by the name that networks ask for, whatever a table or a file calls it.

    A convolution is `conv1x1` where that has its fast path; where a pooling has one window its
    stride moves nothing, so that it is its kernel.
    """
    if shape.operator in ("conv", "conv1x1"):
        return convolution(shape.height, shape.width, shape.in_channels, shape.out_channels)
    alone = shape.operator == "avg_pool" and shape.pixels == 1 and not shape.sides
    return replace(shape, stride=shape.kernel) if alone else shape


def _array(*values: float) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)


@functools.cache
def _fit(rows: tuple[tuple[Shape, int], ...]) -> tuple[NDArray[np.float64], float]:
    from scipy.optimize import nnls

    cycles = np.array([row[1] for row in rows], dtype=np.float64)
    design = np.stack([amounts(shape) for shape, _ in rows]) / cycles[:, None]
    scale = design.max(axis=0)
    coefficients, residual = nnls(design / scale, np.ones(len(rows)))
    # Nine digits, as in the fits that ship: the solver's last ones depend on the machine.
    coefficients = np.array([float(f"{c:.9g}") for c in coefficients / scale])
    return coefficients, float(residual / np.sqrt(len(rows)))


@functools.cache
def load(name: str) -> Table:
    """Return the shipped table `tables/NAME.csv`. Raises UserError if there is none."""
    path = TABLES / f"{name}.csv"
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in TABLES.glob("*-*.csv")))
        raise UserError(
            f"There is no latency table {name!r}; there are {known}. "
            "`benchsuite profile DEVICE` makes one, and a device names it in its `tables` "
            "(docs/own_board.md)." + did_you_mean(name, known.split(", "))
        )
    return parse(name, path.read_text(encoding="utf-8").splitlines())


def of_file(path: Path, runtime: str, core: str) -> Table:
    """Return the table that a device of one's own names, of a runtime on a core.

    Raises UserError if it cannot be read, is malformed, or says that it is of another.
    """
    table = _of_text(str(path), read_text(path))
    for what, wanted in (("runtime", runtime), ("core", core)):
        if table.conditions.get(what, wanted) != wanted:
            raise UserError(
                f"The latency table {path} is of the {what} {table.conditions[what]}, and the "
                f"device names it for {wanted}."
            )
    return table


@functools.lru_cache(maxsize=16)
def _of_text(name: str, text: str) -> Table:
    return parse(name, text.splitlines())


def parse(name: str, lines: Iterable[str]) -> Table:
    """Return the table that the lines of a CSV file hold. Raises UserError if it is malformed."""
    listed = list(lines)
    conditions = dict(
        line[2:].split(": ", 1) for line in listed if line.startswith("# ") and ": " in line
    )
    rows: dict[Shape, Row] = {}
    kept = [(at, line) for at, line in enumerate(listed, 1) if line.strip() and line[0] != "#"]
    reader = csv.DictReader(line for _, line in kept)
    try:
        if len(set(reader.fieldnames or ())) < len(reader.fieldnames or ()):
            raise bounds.FaultError("a column stands there twice")
        for record in reader:
            row = _row(record)
            if row.shape in rows:
                raise bounds.FaultError("its shape stands there before")
            rows[row.shape] = row
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise UserError(
            f"The latency table {name} is malformed in line {kept[reader.line_num - 1][0]}"
            f"{bounds.because(error)}: columns {', '.join((*_KEY, 'cycles'))} of whole numbers are "
            "needed."
        ) from error
    if not rows:
        raise UserError(f"The latency table {name} holds no rows.")
    return Table(name, conditions, rows)


def _row(record: dict[str, str]) -> Row:
    key = {k: record.pop(k) if k == "operator" else int(record.pop(k)) for k in _KEY}
    if key["operator"] not in get_args(Operator):
        raise bounds.FaultError(f"there is no operator {key['operator']!r}")
    shape = Shape(**key)  # type: ignore[arg-type]
    sizes = shape.size, shape.in_channels, shape.out_channels, shape.kernel, shape.stride
    if min(sizes) < 1 or shape.size > _LARGEST:
        raise bounds.FaultError(f"a size is 1 or more, of an image up to {_LARGEST:,}")
    if not 0 <= shape.padding < shape.kernel or shape.out_size < 1:
        raise bounds.FaultError("padding is less than the kernel, which is within the image")
    if fault := _misshapen(shape):
        raise bounds.FaultError(fault)
    cycles = int(record.pop("cycles"))
    if not 1 <= cycles <= _MOST_CYCLES:
        raise bounds.FaultError(f"cycles are 1 or more, up to {_MOST_CYCLES:,}")
    return Row(_asked(shape), cycles, {k: int(v) for k, v in record.items()})


def _misshapen(shape: Shape) -> str:
    """Return why no network holds such an operator, empty if one may."""
    operator = shape.operator
    if operator not in _WITH_WINDOW and (shape.kernel, shape.stride) != (1, 1):
        return f"{operator} has no window: kernel and stride are 1"
    if operator == "linear" and shape.size != 1:
        return "linear reads a vector: its size is 1, in_channels are the elements"
    if operator == "depthwise" and shape.out_channels % shape.in_channels:
        return "depthwise writes a multiple of the channels that it reads"
    if operator in _SAME_CHANNELS and shape.in_channels != shape.out_channels:
        return f"{operator} writes as many channels as it reads"
    return ""


def dump(conditions: Mapping[str, str], rows: Sequence[Row]) -> str:
    """Return a table as CSV text: its conditions as comments, then one row per shape."""
    counted = list(rows[0].counts)
    lines = [f"# {key}: {value}" for key, value in conditions.items()]
    lines.append(",".join((*_KEY, "cycles", *counted)))
    for row in rows:
        key = [str(getattr(row.shape, k)) for k in _KEY]
        numbers = [str(row.cycles), *(str(row.counts[k]) for k in counted)]
        lines.append(",".join((*key, *numbers)))
    return "\n".join(lines) + "\n"
