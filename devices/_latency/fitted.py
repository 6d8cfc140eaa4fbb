"""Runtimes known from boards only: coefficients fitted to published latencies.

    cycles = factor(core, version) * (dense * macs + light(version) * light_macs
                                      + large * large_macs + element * elements + call * layers)

- macs: multiply-accumulates of convolutions that read 4 channels or more, and of the classifier;
- light_macs: those of depthwise convolutions up to 3 pixels in one direction, and of first layers
  (few inputs per output); a coefficient up to version 8 and another from 9 on, whose kernels for
  them are new;
- large_macs: those of larger depthwise convolutions (5x5, 7x7);
- elements: outputs of convolutions, of additions, of the other elementwise operators, and the
  window elements of pooling;
- layers: operators.

The other coefficients are common to all cores and versions of X-CUBE-AI; each (core, version) has
a factor, 9.0 and 10.2 one together: MLPerf Tiny measured the same three networks with both on a
Cortex-M4 and a Cortex-M33, and none of the six differs by more than 1.5 %. 10.0 stands apart: with
it the model zoo was measured, which names no goal of the optimiser, and its eight networks gain
9 % over 8.1 on a Cortex-M7 (the median) where MLPerf's three, optimised for time, gain 21 %. Of
nine ways to let a coefficient differ from version 9 on, this one has the least error on families
left out. All are non-negative and minimise the relative error; every (core, version, family of
models) has the same weight, so that many resolutions of one model do not outvote others. Fitting
leaves out networks without convolutions (the MLPerf autoencoder: its classifier's cost is not that
of a classifier after convolutions) and boards whose clock no source states. But for `large`: only
three networks of one such board hold large depthwise kernels, so this coefficient alone is fitted
to them, at the clock that is assumed, after all others; until then it is `light`.

No board row holds local average pooling, so no coefficient says what it costs (as window elements,
as which the max pooling of eight networks counts, it would cost more than a 3x3 convolution). It is
priced from TFLM's counts on the same core, times how this runtime's 3x3 convolutions compare with
TFLM's.

TinyEngine's cycles are those of X-CUBE-AI 7.3 on the Cortex-M7 times the ratio of the two that one
source measured on one board, where the unknown clock cancels. Its networks are made of 1x1 and
depthwise convolutions; for what they do not hold, dense convolutions of larger kernels, and for
pooling and additions, TFLM's counted price stands, with the device's memory factor: on a Cortex-M4
(-O3) TinyEngine took 4.08, 3.59 and 3.38 cycles per multiply-accumulate of conv3x3 at 16, 32 and 64
channels, 125 per addition and about 10 per window element of pooling, where TFLM's price is 3.92,
3.18 and 2.88, 137 and 17 to 14; the ratio would say .96 to .85 on the Cortex-M7, less than half.
"""

from __future__ import annotations

import csv
import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.devices._latency.cycles import TABLES, amounts
from benchsuite.devices._latency.measured import Figure, figures, models, work
from benchsuite.devices._latency.operators import Shape
from benchsuite.errors import UserError

PARTS = ("macs", "light_macs", "large_macs", "elements", "layers")
# Of the coefficients: those of `PARTS`, with two for light_macs.
COEFFICIENTS = ("macs", "light_macs", "light_macs_9", "large_macs", "elements", "layers")
_LIGHT, _LIGHT_9, _LARGE = map(COEFFICIENTS.index, ("light_macs", "light_macs_9", "large_macs"))
_NEW_KERNELS = 9  # the first major version with its own coefficient of light_macs
NEWEST = "10.2.0"
TINYENGINE_REFERENCE = "7.3.0"
WITHOUT_CONVOLUTION = "autoencoder"
_SMALL = 3
Group = tuple[str, str]
_UNIT: Group = ("cortex-m4", "9.0 and 10.2")  # whose factor is 1


@dataclass(frozen=True)
class Fit:
    """Coefficients [6] by `COEFFICIENTS`, in cycles, and the factor of each (core, version)."""

    coefficients: NDArray[np.float64]
    factors: Mapping[Group, float]

    def cycles(self, core: str, version: str, parts: NDArray[np.float64]) -> float:
        """Return the cycles of work given by its `PARTS` [5]. Raises UserError if not fitted."""
        group = core, pooled(in_full(version))
        if group not in self.factors:
            known = [version for name, of in self.factors if name == core for version in split(of)]
            there = ", ".join(sorted(known, key=_numbers)) or "none"
            raise UserError(f"X-CUBE-AI {version} on {core} was not fitted; there is {there}.")
        return float(self.factors[group] * (by_version(parts, version) * self.coefficients).sum())


_TOGETHER = {"9.0 and 10.2": ("9.0.0", "10.2.0")}


def in_full(version: str) -> str:
    """Return a version of three numbers for one of fewer.

    >>> in_full("10.2")
    '10.2.0'
    """
    return version + ".0" * max(2 - version.count("."), 0)


def pooled(version: str) -> str:
    """Return the versions that share the factor of a version."""
    return next((name for name, of in _TOGETHER.items() if version in of), version)


def split(pool: str) -> tuple[str, ...]:
    """Return the versions of a name that `pooled` gives."""
    return _TOGETHER.get(pool, (pool,))


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def by_version(parts: NDArray[np.float64], version: str) -> NDArray[np.float64]:
    """Return the `PARTS` [..., 5] of work by `COEFFICIENTS` [..., 6] under a version."""
    at = _LIGHT if int(version.partition(".")[0]) >= _NEW_KERNELS else _LIGHT_9
    return np.insert(parts, at, 0.0, axis=-1)


def parts_of_shape(shape: Shape) -> NDArray[np.float64]:
    """Return the `PARTS` [5] of one operator."""
    if shape.operator == "avg_pool":
        return np.array([0, 0, 0, amounts(shape)[0], 1.0])
    light = shape.in_channels < 4 or shape.operator == "depthwise"
    large = shape.operator == "depthwise" and min(shape.height.kernel, shape.width.kernel) > _SMALL
    elements = 0 if shape.operator == "linear" else shape.outputs
    at = 2 if large else 1 if light else 0
    return np.array([*(shape.macs if at == i else 0 for i in range(3)), elements, 1.0])


def parts_of_work(work: Mapping[str, float]) -> NDArray[np.float64]:
    """Return the `PARTS` [5] of a model of `tables/models.csv`."""
    return np.array([work[part] for part in PARTS], dtype=np.float64)


def usable(figure: Figure) -> bool:
    """Tell whether a figure takes part in the fit of X-CUBE-AI."""
    return (
        figure.runtime == "x_cube_ai"
        and figure.family != WITHOUT_CONVOLUTION
        and figure.model in models()
        and (figure.clock_stated or work(figure)["large_macs"] > 0)
    )


def fit(rows: Sequence[Figure]) -> Fit:
    """Return the coefficients and factors that suit measured rows best (see above)."""
    first = _fit_stated([row for row in rows if row.clock_stated])
    known = [
        (row, first.factors[group_of(row)])
        for row in rows
        if not row.clock_stated and group_of(row) in first.factors
    ]
    if not known:
        return first
    parts = np.stack([_design(row) for row, _ in known])
    per_cycle = np.array([factor / row.cycles for row, factor in known])
    share = parts[:, _LARGE] * per_cycle
    coefficients = first.coefficients.copy()
    coefficients[_LARGE] = 0.0
    rest = 1 - parts @ coefficients * per_cycle
    coefficients[_LARGE] = max(float(share @ rest / (share @ share)), 0.0)
    return Fit(coefficients, first.factors)


def group_of(row: Figure) -> Group:
    """Return the core and version whose factor a figure has."""
    return row.core, pooled(row.version)


def _design(row: Figure) -> NDArray[np.float64]:
    return by_version(parts_of_work(work(row)), row.version)


def _fit_stated(rows: Sequence[Figure]) -> Fit:
    """Return the fit to rows without large depthwise kernels, whose coefficient is `light`."""
    from scipy.optimize import nnls

    parts = np.delete(np.stack([_design(row) for row in rows]), _LARGE, axis=1)
    cycles = np.array([row.cycles for row in rows])
    groups = [group_of(row) for row in rows]
    families = Counter((*group_of(row), row.family) for row in rows)
    weights = np.array([families[(*group_of(row), row.family)] ** -0.5 for row in rows])
    names = sorted(set(groups))
    member = np.array([[group == name for name in names] for group in groups], dtype=np.float64)
    factors = np.ones(len(names))
    for _ in range(200):
        relative = parts * (member @ factors / cycles * weights)[:, None]
        scale = relative.max(axis=0)
        scale[scale == 0] = 1.0
        coefficients = nnls(relative / scale, weights)[0] / scale
        ratio = parts @ coefficients / cycles
        update = (member.T @ (weights**2 * ratio)) / (member.T @ (weights * ratio) ** 2)
        settled = np.allclose(update, factors, rtol=1e-10)
        factors = update
        if settled:
            break
    unit = factors[names.index(_UNIT)] if _UNIT in names else 1.0
    return Fit(
        np.insert(coefficients, _LARGE, coefficients[_LIGHT]) * unit,
        {n: float(f / unit) for n, f in zip(names, factors, strict=True)},
    )


def tinyengine_ratio(rows: Sequence[Figure]) -> float:
    """Return TinyEngine's latency over that of X-CUBE-AI 7.3, by least squares on relative error.

    rows: figures of both runtimes on one board; those measured for one runtime only are skipped.
    """
    reference = {r.model: r.latency for r in rows if r.runtime == "x_cube_ai"}
    pairs = [
        reference[r.model] / r.latency
        for r in rows
        if r.runtime == "tinyengine" and r.model in reference
    ]
    if not pairs:
        raise UserError("No model was measured under both TinyEngine and X-CUBE-AI.")
    ratio = np.array(pairs)
    return float(ratio.sum() / (ratio @ ratio))


def unclocked(row: Figure) -> bool:
    """Tell whether a figure is of the source that measured TinyEngine beside X-CUBE-AI."""
    return not row.clock_stated


def dump(fitted: Fit, ratio: float) -> str:
    """Return a fit as the CSV text that ships: kind, core, version, value."""
    lines = ["kind,core,version,value"]
    lines += [f"{p},,,{c:.9g}" for p, c in zip(COEFFICIENTS, fitted.coefficients, strict=True)]
    lines += [f"factor,{c},{v},{f:.9g}" for (c, v), f in sorted(fitted.factors.items())]
    lines.append(f"tinyengine,cortex-m7,{TINYENGINE_REFERENCE},{ratio:.9g}")
    return "\n".join(lines) + "\n"


def refit() -> str:
    """Return what `tables/fitted.csv` must hold, fitted anew to `tables/measured.csv`."""
    rows = [row for row in figures() if usable(row)]
    return dump(fit(rows), tinyengine_ratio([row for row in figures() if unclocked(row)]))


@functools.cache
def shipped() -> tuple[Fit, float]:
    """Return the fit of X-CUBE-AI and the ratio of TinyEngine that ship in `tables/fitted.csv`."""
    with (TABLES / "fitted.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    value = {row["kind"]: float(row["value"]) for row in rows}
    factors = {
        (row["core"], row["version"]): float(row["value"])
        for row in rows
        if row["kind"] == "factor"
    }
    return Fit(np.array([value[part] for part in COEFFICIENTS]), factors), value["tinyengine"]
