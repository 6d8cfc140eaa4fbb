"""A CSV file of latencies that somebody measured: its rows, and the networks that they name."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchsuite import bounds
from benchsuite.devices._models import reading
from benchsuite.devices._models.model import Model, of_network
from benchsuite.errors import UserError
from benchsuite.files import read_text
from benchsuite.space.deploy import deploy
from benchsuite.space.network import skeleton_of
from benchsuite.space.spellings import cell_of

_SAME = {"cell": "model", "milliseconds": "ms"}


@dataclass(frozen=True)
class Given:
    """One row; ms: milliseconds; fields: the text of each column."""

    line: int
    ms: float
    fields: Mapping[str, str]


def read(path: Path, needed: Sequence[str], holds: str) -> list[Given]:
    """Return the rows of a CSV file; lines that begin with # are comments.

    needed: columns, of which `cell` may stand for `model` and `milliseconds` for `ms`; holds: what
    a row holds, for people. Raises UserError, with the line, for what cannot be read.
    """
    lines = read_text(path, bounds.SETTINGS).splitlines()
    kept = [(at, line) for at, line in enumerate(lines, 1) if line.strip() and line[0] != "#"]
    if not kept:
        raise UserError(f"{path} holds no rows.")
    reader = csv.DictReader((line for _, line in kept), strict=True)
    rows: list[Given] = []
    try:
        names = [_SAME.get(name.strip(), name.strip()) for name in reader.fieldnames or ()]
        reader.fieldnames = names
        for name in dict.fromkeys((*needed, *filter(None, names))):
            if names.count(name) != 1:
                many = "lacks the column" if name not in names else "has more than one column"
                raise UserError(f"{path} {many} {name!r}: a row has {holds}.")
        for row in reader:
            rows.append(_given(kept[reader.line_num - 1][0], row))
    except (csv.Error, ValueError) as error:
        raise UserError(f"{path}, line {kept[reader.reader.line_num - 1][0]}: {error}.") from None
    if not rows:
        raise UserError(f"{path} holds no rows.")
    return rows


def _given(line: int, row: Mapping[str, str | None]) -> Given:
    if None in row:
        raise ValueError("it has more fields than the header names; a decimal point is a point")
    fields = {key: (value or "").strip() for key, value in row.items()}
    text = fields["ms"]
    try:
        ms = float(text) if text.isascii() and "_" not in text else 0.0
    except ValueError:
        ms = 0.0
    if not 0 < ms < float("inf"):
        raise ValueError(f"ms is a number above 0, not {text!r}")
    return Given(line, ms, fields)


def model_of(path: Path, row: Given, dataset: str = "cifar10", skeleton: str = "official") -> Model:
    """Return the network of a row; files lie beside the table that names them.

    dataset, skeleton: of a cell whose row names none. Raises UserError for what is no network.
    """
    given = row.fields["model"]
    if reading.is_file(given):
        for of_cells in ("dataset", "skeleton"):
            if stated := row.fields.get(of_cells):
                raise UserError(
                    f"{given} is a network of its own: {of_cells} is a cell's, and {stated!r} has "
                    "no effect. Leave it empty."
                )
        beside = path.parent / given
        is_beside = beside.suffix.lower() in reading.READERS and beside.is_file()
        return reading.read(str(beside) if is_beside else given)
    skeleton = row.fields.get("skeleton") or skeleton
    dataset = row.fields.get("dataset") or dataset
    around = skeleton_of(skeleton, dataset)
    cell = cell_of(given)
    return of_network(
        deploy(cell, around),
        f"cell {cell.index}, {dataset} network, {skeleton}",
    )
