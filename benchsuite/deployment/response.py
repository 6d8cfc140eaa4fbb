"""The compression response: how much accuracy low bitwidths, sparsity and narrow layers cost.

NAS-Bench-201 says nothing about compressed cells. What stands for them is this response, measured
by this project on small networks (`data/compression.csv`, conditions in `data/README.md`):

    accuracy = chance + (table's accuracy - chance) * prod_k R(b_k, s_k, w_k) ^ share_k

R is the fraction of the accuracy above chance that a network keeps, all three stages compressed
alike: R = A(b, s) W(w). A is the mean over cells and seeds at the measured (b, s); a density that
was measured at 32 bits but not at b bits gets the 32-bit value times the ratio of the two,
interpolated in log s. A is made monotone in b and s: the mean of the least monotone table above it
and the greatest below; W is made monotone likewise. Both are interpolated linearly in log s and
log w, and held constant beyond the measured range. share_k, which sums to 1, is stage k's part of
the logarithmic loss of compressing each stage alone. No R is below 0.01.

That losses multiply, that width does not interact with bits and sparsity, that stages share widths
as they share bits, and that fractions carry over from small networks trained shortly to the
table's, are assumptions. So every result says that it depends on them (`ASSUMES`), and the response
can be switched off (`lossless`).
"""

from __future__ import annotations

import csv
import functools
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchsuite.bounds import because
from benchsuite.deployment.compressed import BITS, Compressed
from benchsuite.errors import UserError
from benchsuite.files import shipped
from benchsuite.numerics.arithmetic import exp, log
from benchsuite.space.network import STAGES

Array = NDArray[np.float64]
Name = Literal["measured", "lossless"]

FILE = shipped("data/compression.csv")
ASSUMES = {
    "measured": "compression response (benchsuite.deployment.response), measured on other, small "
    "networks",
    "lossless": "compression costs no accuracy",
}
_CHANCE = 10.0
_FLOOR = 0.01
_EVERYWHERE = "012"


@dataclass(frozen=True)
class Point:
    """One compression as measured: the fraction kept, its spread over networks, and how many."""

    bits: int
    density: float
    width: float
    stages: str
    kept: float
    spread: float
    networks: int


@dataclass(frozen=True, eq=False)
class Response:
    """The fraction of the accuracy above chance that compressed networks keep.

    kept: [bits, densities], at `BITS`, monotone; width_kept: [widths]; shares: of the stages.
    """

    name: str
    densities: Array
    kept: Array
    widths: Array
    width_kept: Array
    shares: Array

    def log_kept(self, bits: ArrayLike, density: ArrayLike, width: ArrayLike) -> Array:
        """Return log R(b, s, w), natural, for arrays that broadcast.

        Raises UserError for a bitwidth that was not measured.
        """
        b, s, w = np.broadcast_arrays(*(np.asarray(x, dtype=float) for x in (bits, density, width)))
        if not np.isin(b, BITS).all():
            raise UserError(f"The compression response knows {BITS} bits, not {b.ravel().tolist()}")
        if not ((s > 0) & (s <= 1) & (w > 0) & (w <= 1)).all():
            raise UserError("Densities and widths are fractions above 0 and at most 1.")
        found: Array = np.interp(log(w), log(self.widths), log(self.width_kept))
        for i, known in enumerate(BITS):
            at = np.interp(log(s), log(self.densities), log(self.kept[i]))
            found = found + np.where(b == known, at, 0.0)
        return found

    def fraction(self, form: Compressed) -> float:
        """Return the fraction of the accuracy above chance that a compressed network keeps."""
        logs = self.log_kept(form.bits, form.densities, form.widths)
        return float(exp((self.shares * logs).sum()))

    def lost(self, bits: float, density: float, width: float, accuracy: float) -> float:
        """Return the accuracy lost [percentage points] by a network of `accuracy` [%], CIFAR-10."""
        kept = float(exp(self.log_kept(bits, density, width)))
        return (accuracy - _CHANCE) * (1 - kept)


def apply(accuracy: ArrayLike, fraction: ArrayLike, classes: int) -> Array:
    """Return accuracies [%] of which a fraction above chance, 100 / classes, is kept.

    An accuracy below chance stays as it is.
    """
    chance = 100 / classes
    accuracy = np.asarray(accuracy, dtype=np.float64)
    kept: Array = np.minimum(accuracy, chance + (accuracy - chance) * np.asarray(fraction))
    return kept


def response(name: Name = "measured") -> Response:
    """Return the measured response, or the one under which compression costs nothing."""
    if name == "lossless":
        one = np.ones(1)
        return Response(name, one, np.ones((len(BITS), 1)), one, one, np.full(STAGES, 1 / STAGES))
    return _measured()


@functools.cache
def without_each(name: Name = "measured") -> tuple[Response, ...]:
    """Return the response without each of its cells in turn, by which it is as sure as they agree.

    All networks of a cell are left out together, of every seed. One that costs nothing has none.
    """
    if name == "lossless":
        return ()
    networks = read(FILE)
    cells = dict.fromkeys(network.cell for network in networks)
    return tuple(fit(points(n for n in networks if n.cell != cell)) for cell in cells)


@functools.cache
def _measured() -> Response:
    return fit(points(read(FILE)))


@dataclass(frozen=True)
class Trained:
    """A trained network of the table: cell and seed, its compression, and its accuracy [%]."""

    cell: int
    seed: int
    width: float
    bits: int
    density: float
    stages: str
    accuracy: float

    def __post_init__(self) -> None:
        fractions = 0 < self.width <= 1 and 0 < self.density <= 1
        stages = self.stages in (_EVERYWHERE, *_EVERYWHERE)
        if not (fractions and stages and self.bits in BITS and 0 <= self.accuracy <= 100):
            raise ValueError(f"{self} is no compressed network")


def read(path: Path) -> list[Trained]:
    """Return the networks of a table that `benchsuite.proxies._compression.experiment` made.

    Where a file of conditions lies beside it (the same name, `.json`), the table must have the
    SHA-256 that it states. Raises UserError for a file that is missing, damaged or cut short.
    """
    again = "Install benchsuite anew, or make the table anew as benchsuite/data/README.md says."
    try:
        content = path.read_bytes()
        about = path.with_suffix(".json")
        stated = json.loads(about.read_text("utf-8"))["sha256"] if about.exists() else None
        rows = list(csv.DictReader(content.decode("utf-8").splitlines()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"The compression table {path} cannot be read{because(error)}. {again}"
        ) from error
    if stated is not None and hashlib.sha256(content).hexdigest() != stated:
        raise UserError(f"The compression table {path} is not the one {about} describes. {again}")
    names = [field.name for field in fields(Trained)]
    if not rows or not set(names) <= set(rows[0]):
        raise UserError(f"{path} is no table of compressed networks: it needs {names}. {again}")
    found = []
    for number, row in enumerate(rows, start=2):
        try:
            values = (kind(row[name]) for kind, name in zip(_KINDS, names, strict=True))
            found.append(Trained(*values))
        except (TypeError, ValueError) as error:
            raise UserError(f"{path} is damaged in line {number}. {again}") from error
    return found


_KINDS = (int, int, float, int, float, str, float)


def points(networks: Iterable[Trained]) -> list[Point]:
    """Return the fractions kept, relative to the same cell and seed dense at full width.

    The dense network was trained as many steps more. spread: the standard deviation over networks,
    NaN for one. Raises UserError for a network whose dense one is missing or no better than chance.
    """
    networks = list(networks)
    dense = {
        (n.cell, n.seed): n.accuracy
        for n in networks
        if (n.bits, n.density, n.width) == (32, 1.0, 1.0)
    }
    groups: dict[tuple[int, float, float, str], list[float]] = defaultdict(list)
    for n in networks:
        control = dense.get((n.cell, n.seed), _CHANCE)
        if control <= _CHANCE:
            raise UserError(
                f"The compression table has no dense network of cell {n.cell}, seed {n.seed}, that "
                "is better than chance."
            )
        key = n.bits, n.density, n.width, n.stages
        groups[key].append((n.accuracy - _CHANCE) / (control - _CHANCE))
    return [
        Point(*key, float(np.mean(v)), float(np.std(v, ddof=1)) if len(v) > 1 else np.nan, len(v))
        for key, v in sorted(groups.items())
    ]


def fit(measured: Iterable[Point]) -> Response:
    """Return the response through measured points; see the module's text.

    Raises UserError where a bitwidth, the dense network or a single compressed stage is missing.
    """
    measured = list(measured)
    of_all = [p for p in measured if p.stages == _EVERYWHERE]
    full = {(p.bits, p.density): max(p.kept, _FLOOR) for p in of_all if p.width == 1}
    if missing := sorted({(b, 1.0) for b in BITS} - set(full)):
        raise UserError(
            f"The compression table has no dense network of {missing[0][0]} bits, all stages."
        )
    densities = np.array(sorted(s for b, s in full if b == 32))
    reference = np.array([full[32, s] for s in densities])
    kept = np.empty((len(BITS), len(densities)))
    for i, bits in enumerate(BITS):
        known = np.array(sorted(s for b, s in full if b == bits and (32, s) in full))
        ratio = np.array([min(full[bits, s] / full[32, s], 1.0) for s in known])
        kept[i] = reference * np.interp(log(densities), log(known), ratio)
    narrow = {p.width: p.kept for p in of_all if (p.bits, p.density) == (32, 1.0)}
    widths = np.array(sorted(narrow))
    width_kept = monotone(np.array([narrow[w] for w in widths])[None])[0]
    kept = monotone(kept)
    return Response(
        "measured",
        densities,
        np.clip(kept / kept[-1, -1], _FLOOR, 1),
        widths,
        np.clip(width_kept / width_kept[-1], _FLOOR, 1),
        _shares([p for p in measured if p.stages != _EVERYWHERE]),
    )


def monotone(values: Array) -> Array:
    """Return the mean of the least table above and the greatest below that grow along both axes."""
    above = np.maximum.accumulate(np.maximum.accumulate(values, axis=0), axis=1)
    below = values[::-1, ::-1]
    below = np.minimum.accumulate(np.minimum.accumulate(below, axis=0), axis=1)[::-1, ::-1]
    mean: Array = (above + below) / 2
    return mean


def _shares(single: list[Point]) -> Array:
    """Return each stage's part of the summed logarithmic losses of stages compressed alone."""
    losses: Array = np.zeros(STAGES)
    for point in single:
        losses[int(point.stages)] += max(-float(log(max(point.kept, _FLOOR))), 0.0)
    if not losses.sum() > 0:
        raise UserError("The compression table has no network of which one stage is compressed.")
    losses /= losses.sum()
    return losses
