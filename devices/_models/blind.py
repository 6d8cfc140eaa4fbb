"""Measured latencies of anybody's beside the predictions: a test on boards never seen.

A CSV file with a row per figure: `device` (as `benchsuite ls devices` names it; a plug-in's too),
`runtime`, `model` (a file of a network, a network that ships, or a cell's index in the network that
`skeleton` names: official or mcu) and `ms`; where it matters also `version` (of X-CUBE-AI; empty:
the newest that was fitted). Other columns stay as they are. Nothing is fitted to these rows.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchsuite import bounds
from benchsuite.api import Device
from benchsuite.devices._models import model as _model
from benchsuite.devices._models import reading
from benchsuite.devices._models.intervals import interval
from benchsuite.devices._models.model import Model
from benchsuite.errors import UserError, did_you_mean
from benchsuite.space.cell import Cell
from benchsuite.space.deploy import deploy
from benchsuite.space.network import SKELETONS

NEEDED = ("device", "runtime", "model", "ms")


@dataclass(frozen=True)
class Compared:
    """One figure, in milliseconds; within: half-width of the interval it should lie in.

    beyond: share of the cycles that no table or fit has seen; not_priced: operators without a
    price, for which the prediction is of the others alone.
    """

    device: str
    runtime: str
    version: str
    model: str
    measured: float
    predicted: float
    ratio: float
    within: float
    beyond: float
    not_priced: str


@dataclass(frozen=True)
class Agreement:
    """All figures of a device, runtime and version; errors as fractions, tau of 3 or more."""

    device: str
    runtime: str
    version: str
    n: int
    mape: float
    bias: float
    tau: float


def compare(path: Path, devices: Mapping[str, Device]) -> list[Compared]:
    """Return every row of a CSV file with its prediction.

    devices: those that rows may name. Raises UserError, with the line, for what cannot be read.
    """
    try:
        text = bounds.read_bytes(path, bounds.SETTINGS).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{path} is no table of measured rows: it is not UTF-8 text.") from None
    lines = csv.DictReader(text.splitlines())
    if lacking := [name for name in NEEDED if name not in (lines.fieldnames or ())]:
        raise UserError(
            f"{path} lacks the column {lacking[0]!r}: a row has device, runtime, model and ms, "
            "where it matters version and skeleton."
        )
    found = [_compared(path, lines.line_num, row, devices) for row in lines]
    if not found:
        raise UserError(f"{path} holds no rows.")
    return found


def agreement(rows: Sequence[Compared]) -> list[Agreement]:
    """Return how rows agree, by device, runtime and version, sorted."""
    from scipy import stats

    groups: dict[tuple[str, str, str], list[Compared]] = {}
    for row in rows:
        groups.setdefault((row.device, row.runtime, row.version), []).append(row)
    found = []
    for key, group in sorted(groups.items()):
        ratios = np.array([row.ratio for row in group])
        tau = math.nan
        if len(group) >= 3:
            pair = [row.predicted for row in group], [row.measured for row in group]
            tau = float(stats.kendalltau(*pair)[0])
        errors = float(np.abs(ratios - 1).mean()), float(ratios.mean() - 1)
        found.append(Agreement(*key, len(group), *errors, tau))
    return found


def _compared(
    path: Path, line: int, row: Mapping[str, str | None], devices: Mapping[str, Device]
) -> Compared:
    given = {key: (value or "").strip() for key, value in row.items() if isinstance(value, str)}
    name, runtime, version = (given.get(key, "") for key in ("device", "runtime", "version"))
    try:
        measured = float(given.get("ms", ""))
    except ValueError:
        measured = math.nan
    if not 0 < measured < math.inf:
        raise UserError(f"{path}, line {line}: ms is a number above 0, not {given.get('ms')!r}.")
    if name not in devices:
        raise UserError(
            f"{path}, line {line}: there is no device {name!r}." + did_you_mean(name, devices)
        )
    try:
        model = _read(path, given["model"], given.get("skeleton") or "official")
        prices = _model.prices(model, devices[name], runtime, version)
    except UserError as error:
        raise UserError(f"{path}, line {line}: {error}") from error
    spent = sum(price.cycles or 0.0 for price in prices)
    unseen = sum(p.cycles or 0.0 for p in prices if p.mark in ("extrapolated", "not identified"))
    missing = {
        one.shape.name if one.shape else one.kind
        for one, price in zip(model.operations, prices, strict=True)
        if price.cycles is None
    }
    predicted = 1e3 * spent / devices[name].clock
    return Compared(
        name,
        runtime,
        version,
        given["model"],
        measured,
        predicted,
        predicted / measured,
        interval(devices[name].core, runtime).width,
        unseen / spent if spent else math.nan,
        ", ".join(sorted(missing)),
    )


def _read(path: Path, given: str, skeleton: str) -> Model:
    """Return the model of a row; files lie beside the table that names them."""
    if not given.isdecimal():
        beside = path.parent / given
        return reading.read(str(beside) if beside.is_file() else given)
    if skeleton not in SKELETONS:
        raise UserError(f"There is no skeleton {skeleton!r}; there are {', '.join(SKELETONS)}.")
    return _model.of_network(
        deploy(Cell.from_index(int(given)), SKELETONS[skeleton]["cifar10"]), f"cell {given}"
    )
