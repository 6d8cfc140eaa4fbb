"""A network as a list of layers: a CSV file that people write.

One row per layer in the order of execution, with these columns, of which a row leaves empty what
does not apply:

| column     | holds                                                                             |
|------------|-----------------------------------------------------------------------------------|
| `name`     | of the layer, each once                                                            |
| `operator` | `input`, `conv`, `depthwise`, `avg_pool`, `global_pool`, `add`, `affine`, `relu`,  |
|            | `linear`, `reshape` (to a vector), or `other`: listed by its name, never priced    |
| `reads`    | names of what it reads, separated by spaces; empty: the row before                 |
| `size`     | of an `input`: height x width, as `49x10`, or one number for both                  |
| `channels` | of the output of `input`, `conv`, `depthwise` (empty: as many as it reads),        |
|            | `linear`                                                                           |
| `kernel`   | as `3` or `10x4`                                                                   |
| `stride`   | the same; empty: 1, of a pooling its kernel                                        |
| `padding`  | `same` (also if empty), `valid`, or pixels on every side                           |
| `relu`     | 1 where an activation is fused to it                                               |
| `weights`  | of an `other`: bytes; empty: nothing states them, and flash is at least so much    |

Lines that begin with `#` are comments; what follows `# note:` is printed below every estimate.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from benchsuite import bounds
from benchsuite.devices._models.building import NO_PADDING, Builder, Padding, Pair, same
from benchsuite.devices._models.model import Model
from benchsuite.errors import UserError, did_you_mean
from benchsuite.files import read_text

COLUMNS = (
    "name", "operator", "reads", "size", "channels", "kernel", "stride", "padding", "relu",
    "weights",
)  # fmt: skip
_WINDOW = ("reads", "kernel", "stride", "padding")
_TAKES = {  # Columns besides `name` and `operator`.
    "input": ("size", "channels"),
    "conv": (*_WINDOW, "channels", "relu"),
    "depthwise": (*_WINDOW, "channels", "relu"),
    "avg_pool": _WINDOW,
    "global_pool": ("reads",),
    "add": ("reads", "relu"),
    "affine": ("reads", "relu"),
    "relu": ("reads",),
    "linear": ("reads", "channels", "relu"),
    "reshape": ("reads",),
    "other": ("reads", "weights"),
}
OPERATORS = tuple(_TAKES)
_KINDS = (*OPERATORS, "constant")  # What a layer of another kind may be called, but is not.
_NOTE = "# note:"


def read(path: Path) -> Model:
    """Return the model that a CSV file lists. Raises UserError, with the line, if it does not."""
    return parse(read_text(path, bounds.SETTINGS), path.name)


def parse(text: str, name: str) -> Model:
    """Return the model that CSV text lists. Raises UserError, with the line, if it does not."""
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if not line.startswith("#")]
    rows = csv.reader((line for _, line in lines), strict=True)
    builder = Builder(name, "layers")
    place: dict[str, int] = {}
    header: list[str] = []
    at = 1
    try:
        for row in rows:
            at = lines[min(rows.line_num, len(lines)) - 1][0]
            if not any(row):
                continue
            if not header:
                header = _header(row)
                continue
            if len(row) > len(header):
                raise UserError(f"{len(row)} fields, but the header names {len(header)}")
            given = dict.fromkeys(COLUMNS, "") | {
                column: value.strip() for column, value in zip(header, row, strict=False)
            }
            if not given["name"] or given["name"] in place:
                raise UserError(f"each layer needs a name of its own, not {given['name']!r}")
            place[given["name"]] = _append(builder, given, place)
    except (UserError, csv.Error) as error:
        said = str(error).rstrip(".").removeprefix(f"{name}: ")
        raise UserError(
            f"{name}, line {at}: {said}. `benchsuite devices estimate --help` says what a list of "
            "layers holds."
        ) from None
    notes = [line for line in text.splitlines() if line.startswith(_NOTE)]
    return replace(builder.model(), note=" ".join(one.removeprefix(_NOTE).strip() for one in notes))


def _header(row: list[str]) -> list[str]:
    header = [column.strip() for column in row]
    unknown = [column for column in header if column not in COLUMNS]
    if unknown or len(set(header)) < len(header) or not {"name", "operator"} <= set(header):
        raise UserError(
            f"the columns are {', '.join(COLUMNS)}; name and operator are needed, each once"
            + (f", and {unknown[0]!r} is none of them" if unknown else "")
        )
    return header


def _append(builder: Builder, given: Mapping[str, str], place: Mapping[str, int]) -> int:
    name, operator = given["name"], given["operator"]
    if operator not in OPERATORS:
        raise UserError(
            f"there is no operator {operator!r}; there are {', '.join(OPERATORS)}"
            + did_you_mean(operator, OPERATORS)
        )
    relu = {"": False, "0": False, "1": True}.get(given["relu"])
    if relu is None:
        raise UserError(f"relu is 0 or 1, not {given['relu']!r}")
    for column in COLUMNS[2:]:
        if given[column] and column not in _TAKES[operator] and (relu or column != "relu"):
            raise UserError(
                f"{operator} has no {column}, and {name} states {given[column]!r}: leave it empty"
            )
    if operator == "input":
        size = _pair(given, "size")
        return builder.input(name, (_number(given, "channels"), *size))
    reads = _reads(builder, given, place)
    before = builder.operations[reads[0]].out
    if operator == "add":
        if len(reads) != 2:
            raise UserError(f"add reads two layers, not {len(reads)}")
        return builder.add(name, reads, relu)
    if operator == "other":
        held = None if not given["weights"] else _number(given, "weights", least=0)
        kind = f"other {name}" if name in _KINDS else name
        return builder.other(name, kind, reads, before, weights=held)
    if len(reads) > 1:
        raise UserError(f"{operator} reads one layer, not {len(reads)}")
    if operator in ("conv", "depthwise", "avg_pool"):
        kernel = _pair(given, "kernel")
        default = kernel if operator == "avg_pool" else (1, 1)
        stride = _pair(given, "stride") if given["stride"] else default
        pad = _padding(given["padding"], before[1:], kernel, stride)
        if operator == "avg_pool":
            return builder.avg_pool(name, reads[0], kernel, stride, pad)
        if operator == "conv":
            channels = _number(given, "channels")
            return builder.conv(name, reads[0], channels, kernel, stride, pad, relu)
        channels = _number(given, "channels") if given["channels"] else before[0]
        return builder.depthwise(name, reads[0], channels, kernel, stride, pad, relu)
    if operator == "linear":
        return builder.linear(name, reads[0], _number(given, "channels"), relu)
    if operator == "affine":
        return builder.affine(name, reads[0], relu)
    if operator == "reshape":
        return builder.reshape(name, "reshape", reads[0], (math.prod(before), 1, 1))
    return (
        builder.relu(name, reads[0]) if operator == "relu" else builder.global_pool(name, reads[0])
    )


def _reads(builder: Builder, given: Mapping[str, str], place: Mapping[str, int]) -> list[int]:
    names = given["reads"].split()
    unknown = [one for one in names if one not in place]
    if unknown:
        raise UserError(
            f"{given['name']} reads {unknown[0]!r}, which is no layer before it"
            + did_you_mean(unknown[0], place)
        )
    if not builder.operations:
        raise UserError("the first layer is an `input`, with its size and channels")
    return [place[one] for one in names] or [len(builder.operations) - 1]


def _number(given: Mapping[str, str], column: str, least: int = 1) -> int:
    text = given[column]
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= least):
        over = "above 0" if least else "of 0 or more"
        raise UserError(f"{given['name']} needs a whole number of {column} {over}, not {text!r}")
    return int(text)


def _pair(given: Mapping[str, str], column: str) -> Pair:
    parts = given[column].split("x")
    if len(parts) > 2:
        raise UserError(f"{given['name']} needs a {column} as 3 or 10x4, not {given[column]!r}")
    pair = [_number({**given, column: part}, column) for part in parts]
    return pair[0], pair[-1]


def _padding(text: str, size: tuple[int, ...], kernel: Pair, stride: Pair) -> Padding:
    if text == "valid":
        return NO_PADDING
    if text in ("", "same"):
        each = [same(n, k, s) for n, k, s in zip(size, kernel, stride, strict=True)]
        return each[0], each[1]
    if text.isascii() and text.isdigit() and len(text) < 6:
        return (int(text), int(text)), (int(text), int(text))
    raise UserError(f"padding is same, valid or a number of pixels, not {text!r}")
