"""Measured latencies of anybody's beside the predictions: a test on boards never seen.

A CSV file with a row per figure: `device` (as `benchsuite ls devices` names it; a plug-in's too),
`runtime`, `model` (a file of a network, a network that ships, or a cell in the network that
`dataset` and `skeleton` name: official or mcu) and `ms`; where it matters also `version` (of
X-CUBE-AI; empty: the newest that was fitted). Other columns stay as they are. Nothing is fitted to
these rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchsuite.api import Device
from benchsuite.devices._latency import fitted
from benchsuite.devices._models import measured_rows
from benchsuite.devices._models import model as _model
from benchsuite.devices._models.intervals import interval
from benchsuite.devices._models.measured_rows import Given
from benchsuite.errors import UserError, did_you_mean

NEEDED = ("device", "runtime", "model", "ms")


@dataclass(frozen=True)
class Compared:
    """One figure, in milliseconds; within: what nine of ten errors are within, NaN of too few.

    version: in full; beyond: share of the cycles that no table or fit has seen; not_priced:
    operators without a price, for which the prediction is of the others alone.
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
    holds = "device, runtime, model and ms, where it matters version, dataset and skeleton"
    return [_compared(path, row, devices) for row in measured_rows.read(path, NEEDED, holds)]


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


def _compared(path: Path, row: Given, devices: Mapping[str, Device]) -> Compared:
    name, runtime, version = (row.fields.get(key, "") for key in ("device", "runtime", "version"))
    if name not in devices:
        raise UserError(
            f"{path}, line {row.line}: there is no device {name!r}." + did_you_mean(name, devices)
        )
    try:
        model = measured_rows.model_of(path, row)
        prices = _model.prices(model, devices[name], runtime, version)
    except UserError as error:
        raise UserError(f"{path}, line {row.line}: {error}") from error
    if runtime == "x_cube_ai" and runtime not in devices[name].tables:
        version = fitted.in_full(version or fitted.NEWEST)
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
        row.fields["model"],
        row.ms,
        predicted,
        predicted / row.ms,
        interval(devices[name], runtime, model).width,
        unseen / spent if spent else math.nan,
        ", ".join(sorted(missing)),
    )
