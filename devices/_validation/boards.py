"""Predicted beside measured latency, for every board and runtime that somebody measured.

A prediction here is that of a model from its amounts of work (`tables/models.csv`), so it is an
interpolation. `mape_family_out` predicts each family of models from coefficients that never saw it;
counted runtimes were fitted to no network, so for them it is `mape`. Figures that are not compared
are listed with the reason, and so are the pairs that fail: `mape_family_out` above `FAILS_ABOVE`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from benchsuite.deployment.memory_factor import of_core
from benchsuite.devices._latency import cycles as _table
from benchsuite.devices._latency import fitted as _fitted
from benchsuite.devices._latency.measured import Figure, figures, models, work
from benchsuite.errors import UserError

# microTVM compiles its own schedules around CMSIS-NN; it is set beside TFLM with CMSIS-NN.
_PREDICTED_AS = {"microtvm_cmsis_nn": "tflm_cmsis_nn"}
FAILS_ABOVE = 0.15
_WHY = {
    ("NUCLEO-L4R5ZI", "tflm_cmsis_nn"): (
        "measured is 1.7 to 1.85 times the prediction for all three models, so they are ranked "
        "right: these binaries are TFLM 2.3.1 of 2020, the counts are CMSIS-NN 99f736a with gcc "
        "12.2 -Ofast; microTVM with CMSIS-NN on the same board agrees within 8 %"
    ),
    ("STM32H743", "x_cube_ai"): (
        "no other family holds depthwise kernels of 5x5 and 7x7, so without this one they are "
        "priced as 3x3; with their own coefficient, fitted to these three networks alone, the "
        "error is 2 %, and at most 4 % for the one that is left out. The source names no clock: "
        "480 MHz, the part's highest, is assumed, at which TFLM of the same source agrees within "
        "8 %"
    ),
    ("STM32H743", "tinyengine"): (
        "TinyEngine is X-CUBE-AI 7.3 times a ratio measured on this board, so what is not known of "
        "that here (its note) is not known of this; the ratio itself varies from model to model"
    ),
}


@dataclass(frozen=True)
class Row:
    """Agreement on one board under one runtime; errors as fractions, mae_ms in milliseconds.

    clock_stated: whether the source names the clock; families: how many; note: why it fails, empty
    where it does not.
    """

    board: str
    core: str
    runtime: str
    n: int
    families: int
    clock_stated: bool
    mae_ms: float
    mape: float
    mape_family_out: float
    spearman: float
    tau: float
    spearman_family_out: float
    tau_family_out: float
    note: str


@dataclass(frozen=True)
class Prediction:
    """One figure with its prediction, in seconds, by all data and by those of other families."""

    figure: Figure
    predicted: float
    family_out: float


class Record(TypedDict):
    """A comparison as JSON: one record per board and runtime, and reason -> how many figures."""

    rows: list[dict[str, object]]
    left_out: dict[str, int]


@dataclass(frozen=True)
class Check:
    """The whole comparison; left_out: reason -> how many figures."""

    rows: tuple[Row, ...]
    left_out: Mapping[str, int]
    predictions: tuple[Prediction, ...]

    def to_json(self) -> Record:
        """Return the comparison as JSON; a number that is not defined is None."""

        def plain(value: object) -> object:
            return None if isinstance(value, float) and math.isnan(value) else value

        rows = [{key: plain(value) for key, value in asdict(row).items()} for row in self.rows]
        return Record(rows=rows, left_out=dict(self.left_out))

    def points(self) -> list[dict[str, object]]:
        """Return one record per figure: what was measured where, and both predictions [s]."""
        return [
            {
                "board": one.figure.board,
                "runtime": one.figure.runtime,
                "version": one.figure.version,
                "model": one.figure.model,
                "family": one.figure.family,
                "source": one.figure.source,
                "measured": one.figure.latency,
                "predicted": one.predicted,
                "family_out": None if math.isnan(one.family_out) else one.family_out,
            }
            for one in self.predictions
        ]


@functools.cache
def check() -> Check:
    """Return predicted against measured for all of `tables/measured.csv`."""
    left_out: dict[str, int] = {}
    predictions = []
    for figure in figures():
        reason = _why_not(figure)
        if reason:
            left_out[reason] = left_out.get(reason, 0) + 1
        else:
            predictions.append(_predict(figure))
    groups: dict[tuple[str, str], list[Prediction]] = {}
    for one in predictions:
        groups.setdefault((one.figure.board, one.figure.runtime), []).append(one)
    rows = tuple(_row(group) for _, group in sorted(groups.items()))
    return Check(rows, left_out, tuple(predictions))


def _why_not(figure: Figure) -> str:
    if figure.model not in models():
        return "the layers of the model are not known"
    if figure.family == _fitted.WITHOUT_CONVOLUTION:
        return "a network without convolutions"
    return ""


def _predict(figure: Figure) -> Prediction:
    runtime = _PREDICTED_AS.get(figure.runtime, figure.runtime)
    if runtime == "tflm_cmsis_nn":
        seconds = _counted_cycles(figure) / figure.clock
        return Prediction(figure, seconds, seconds)
    predicted = _fitted_seconds(figure, *_fits(""))
    return Prediction(figure, predicted, _fitted_seconds(figure, *_fits(figure.family)))


@functools.cache
def _fits(without: str) -> tuple[_fitted.Fit, float]:
    """Return the fits of X-CUBE-AI and of TinyEngine's ratio to all families but one."""
    rows = [row for row in figures() if row.family != without]
    ratio = _fitted.tinyengine_ratio([row for row in rows if _fitted.unclocked(row)])
    return _fitted.fit([row for row in rows if _fitted.usable(row)]), ratio


def _fitted_seconds(figure: Figure, fitted: _fitted.Fit, ratio: float) -> float:
    tinyengine = figure.runtime == "tinyengine"
    version = _fitted.TINYENGINE_REFERENCE if tinyengine else figure.version
    try:
        cycles = fitted.cycles(figure.core, version, _fitted.parts_of_work(work(figure)))
    except UserError:  # this family is all that was measured on that core and version
        return math.nan
    return cycles * (ratio if tinyengine else 1) / figure.clock


def _counted_cycles(figure: Figure) -> float:
    table = _table.load(f"tflm_cmsis_nn-{figure.core}")
    done = work(figure)
    amounts_of: dict[str, Sequence[str]] = {
        "conv": ("conv_macs", "conv_columns", "conv_outputs", "conv_pixels"),
        "conv1x1": ("conv1x1_macs", "conv1x1_columns", "conv1x1_outputs", "conv1x1_pixels"),
        "depthwise": ("depthwise_macs",),
        "avg_pool": ("pool_window", "pool_outputs", "pool_pixels"),
        "add": ("elementwise_outputs",),
        "linear": ("linear_macs", "linear_outputs"),
    }
    cycles = sum(
        float(table.coefficients(operator) @ np.array([done[name] for name in names]))
        for operator, names in amounts_of.items()
    )
    return cycles * of_core(figure.core).value


def _row(group: Sequence[Prediction]) -> Row:
    measured = np.array([one.figure.latency for one in group])
    predicted = np.array([one.predicted for one in group])
    unseen = np.array([one.family_out for one in group])
    error = np.abs(predicted - measured)
    family_out = _mean_known(np.abs(unseen - measured) / measured)
    first = group[0].figure
    why = _WHY.get((first.board, first.runtime), "not explained")
    return Row(
        board=first.board,
        core=first.core,
        runtime=first.runtime,
        n=len(group),
        families=len({one.figure.family for one in group}),
        clock_stated=all(one.figure.clock_stated for one in group),
        mae_ms=float(error.mean() * 1e3),
        mape=float((error / measured).mean()),
        mape_family_out=family_out,
        spearman=_rank(predicted, measured, "spearman"),
        tau=_rank(predicted, measured, "tau"),
        spearman_family_out=_rank(unseen, measured, "spearman"),
        tau_family_out=_rank(unseen, measured, "tau"),
        note=why if family_out > FAILS_ABOVE else "",
    )


def _mean_known(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan


def _rank(predicted: NDArray[np.float64], measured: NDArray[np.float64], which: str) -> float:
    """Return a rank correlation over the pairs that are known, NaN for fewer than 3."""
    from scipy import stats

    known = ~np.isnan(predicted)
    if known.sum() < 3 or len(set(measured[known])) < 2 or len(set(predicted[known])) < 2:
        return math.nan
    pair = predicted[known], measured[known]
    found = stats.spearmanr(*pair) if which == "spearman" else stats.kendalltau(*pair)
    return float(found[0])
