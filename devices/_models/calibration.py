"""A board of one's own: measured latencies of networks beside what its runtime is priced at.

A CSV file with a row per figure: `model` (or `cell`: a file of a network, a network that ships, or
a cell in the network that `dataset` and `skeleton` name) and `ms`. Networks are priced by
`devices._models.model.prices`, as everywhere; figures of networks that cost the same operators are
one, their mean. `fitting` says what the coefficients are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchsuite.api import Calibration, Device
from benchsuite.deployment.calibration import KINDS
from benchsuite.devices._latency.calibrated import kind_of
from benchsuite.devices._models import measured_rows
from benchsuite.devices._models.fitting import NOISE, SURE, WAYS, Fit, How, fit, least
from benchsuite.devices._models.intervals import nine_of_ten
from benchsuite.devices._models.measured_rows import Given
from benchsuite.devices._models.model import Model, prices
from benchsuite.errors import UserError
from benchsuite.notations import enumeration

NEEDED = ("model", "ms")
_HOLDS = "model (or cell) and ms, of a cell also dataset and skeleton"
_FAR = 10


@dataclass(frozen=True)
class Network:
    """One network that was measured, in milliseconds.

    rows: how many figures measured is the mean of; priced: before the calibration; fitted: after
    it; left_out: by a calibration without this network; error: that over measured, less 1.
    """

    model: str
    rows: int
    measured: float
    priced: float
    fitted: float
    left_out: float
    error: float


@dataclass(frozen=True)
class Calibrated:
    """A calibration with what it is made of.

    networks: each once, in an order that the file's does not change; fit: chosen; errors: mean
    relative error of networks left out, by way (`factor`, `coefficients`); notes: sentences on
    what the rows do not say.
    """

    device: str
    runtime: str
    calibration: Calibration
    networks: tuple[Network, ...]
    fit: Fit
    errors: dict[str, float]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Measured:
    name: str
    priced: tuple[float, ...]
    ms: float
    not_priced: frozenset[str]


def calibrate(
    path: Path,
    name: str,
    device: Device,
    runtime: str,
    *,
    how: How = "auto",
    dataset: str = "cifar10",
    skeleton: str = "official",
    report: Callable[[int], None] = lambda rows: None,
) -> Calibrated:
    """Return the calibration of a device's runtime to the rows of a CSV file.

    A calibration that the device has is not applied. dataset, skeleton: of cells whose row names
    none; report: called with the number of rows, after each. Raises UserError, with the line, for
    what cannot be read or priced.
    """
    plain = replace(device, calibrations={})
    prices(Model("", "", ()), plain, runtime)
    given = measured_rows.read(path, NEEDED, _HOLDS)
    if len(versions := {row.fields.get("version", "") for row in given}) > 1:
        named = enumeration(sorted(version or "no version" for version in versions))
        raise UserError(f"{path} has figures of {named}: a calibration is of one. Keep its rows.")
    rows = []
    for row in given:
        try:
            _same_board(row, name, runtime)
            model = measured_rows.model_of(path, row, dataset, skeleton)
            rows.append(_measured(row, model, plain, runtime))
        except UserError as error:
            raise UserError(f"{path}, line {row.line}: {error}") from error
        report(len(given))
    groups: dict[tuple[float, ...], list[_Measured]] = {}
    for one in rows:
        groups.setdefault(one.priced, []).append(one)
    order = sorted(groups)
    priced = np.array(order)
    measured = np.array([_mean([one.ms for one in groups[key]]) for key in order]) / 1e3
    chosen = fit(priced, measured, how)
    errors: dict[str, float] = {}
    if len(order) > 1:
        for way in WAYS:
            errors[way] = _mean(fit(priced, measured, way).errors(measured).tolist())
    fitted = chosen.predict(priced)
    networks = [
        Network(
            ", ".join(sorted({one.name for one in groups[key]})),
            len(groups[key]),
            1e3 * measured[at],
            1e3 * _mean([math.fsum(key)]),
            1e3 * fitted[at],
            1e3 * chosen.left_out[at],
            chosen.left_out[at] / measured[at] - 1,
        )
        for at, key in enumerate(order)
    ]
    networks.sort(key=lambda one: (one.model, one.measured))
    return Calibrated(
        name,
        runtime,
        _calibration(path, chosen, measured, len(rows), len(order), errors),
        tuple(networks),
        chosen,
        errors,
        tuple(_notes(chosen, len(order), rows, how)),
    )


def _same_board(row: Given, name: str, runtime: str) -> None:
    for what, wanted in (("device", name), ("runtime", runtime)):
        if row.fields.get(what, "") not in ("", wanted):
            raise UserError(f"It is of the {what} {row.fields[what]!r}, not of {wanted}.")


def _measured(row: Given, model: Model, device: Device, runtime: str) -> _Measured:
    cycles: dict[str, list[float]] = {kind: [] for kind in KINDS}
    unknown = set()
    for one, price in zip(model.operations, prices(model, device, runtime), strict=True):
        if one.shape and price.cycles is None:
            raise UserError(
                f"{runtime} has no kernel of {one.shape.name} here, so what {model.name} took "
                "says nothing of those it has."
            )
        if price.cycles is None:
            unknown.add(one.kind)
        elif one.shape:
            cycles[kind_of(one.shape)].append(price.cycles)
    # Exact sums: operators in another order are the same network.
    seconds = tuple(math.fsum(each) / device.clock for each in cycles.values())
    if not any(seconds):
        raise UserError(f"{model.name} has no operator that costs anything.")
    name = " ".join(filter(None, (row.fields.get(k) for k in ("model", "dataset", "skeleton"))))
    return _Measured(name, seconds, row.ms, frozenset(unknown))


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _calibration(
    path: Path, chosen: Fit, measured: np.ndarray, rows: int, n: int, errors: dict[str, float]
) -> Calibration:
    within = nine_of_ten(chosen.errors(measured).tolist()) if errors else None
    error = errors[chosen.how] if errors else None
    source = f"{path.name}: {rows} latencies of {n} networks, {chosen.how}"
    return Calibration(chosen.factor, dict(chosen.kinds), n, _short(error), _short(within), source)


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _notes(chosen: Fit, n: int, rows: Sequence[_Measured], how: How) -> Iterator[str]:
    """Yield what the rows do not say, a sentence each."""
    seconds = np.array([one.priced for one in rows]).sum(axis=0)
    for kinds, what in (
        ([k for k, held in zip(KINDS, seconds, strict=True) if not held], "is in no network"),
        (
            [k for k, held in zip(KINDS, seconds, strict=True) if held and k not in chosen.kinds],
            f"is less than {NOISE:.1%} of every network",
        ),
    ):
        if kinds:
            yield (
                f"{enumeration(kinds)} {what.replace('is', 'are', 1) if len(kinds) > 1 else what}: "
                f"priced times the common factor, {chosen.factor:.4g}, and marked extrapolated."
            )
    if how == "factor":
        yield "One factor for all kinds of operators was asked for."
    elif n < least(2):
        yield (
            f"{n} network{'s' * (n > 1)}: one factor for all. Two coefficients need {least(2)} "
            "networks or more."
        )
    elif chosen.how == "factor":
        yield "One factor for all predicts networks left out no worse than coefficients do."
    for one in chosen.coefficients if chosen.how == "coefficients" else ():
        if len(one.kinds) > 1:
            yield (
                f"The networks do not tell {enumeration(one.kinds)} apart, so these have one "
                f"coefficient: alone, one would be 0 or less or have a standard error above "
                f"{SURE:.0%}, or there are fewer networks than two per coefficient and two more."
            )
    if n == 1:
        yield "With one network there is nothing to leave out: no error, no interval."
    if unknown := frozenset().union(*(one.not_priced for one in rows)):
        yield (
            f"Not priced: {', '.join(sorted(unknown))}. Their time counts as that of the other "
            "operators."
        )
    if not 1 / _FAR < chosen.factor < _FAR:
        yield (
            f"Measured is {chosen.factor:.3g} times what is priced. Are these milliseconds of one "
            "image, at the clock of this device?"
        )
