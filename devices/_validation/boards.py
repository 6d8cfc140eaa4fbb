"""Predicted beside measured latency, for every board and runtime that somebody measured.

A prediction here is that of a model from its amounts of work (`tables/models.csv`), so it is an
interpolation. `mape_family_out` predicts each family of models from coefficients that never saw it;
counted runtimes were fitted to no network, so for them it is `mape`, but for those that are the
counts of another times one factor. Figures that are not compared are listed with the reason, and so
are the pairs that fail: `mape_family_out` above `FAILS_ABOVE`, on a Cortex-M7 under X-CUBE-AI above
9 %.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from benchsuite.deployment.memory_factor import of_core
from benchsuite.devices._latency import cycles as _table
from benchsuite.devices._latency import fitted as _fitted
from benchsuite.devices._latency.measured import Figure, figures, models, work
from benchsuite.devices._latency.operators import Operator
from benchsuite.devices._latency.work import AMOUNTS
from benchsuite.errors import UserError

# Runtimes that are set beside the counts of another, times one factor of their own: microTVM
# compiles its own schedules around CMSIS-NN; TFLM 2.3.1 is of 2020 and was compiled with -Os. Its
# factor multiplies the counts of -Ofast: with those of -Os the error on a model left out is 15 %,
# for these price depthwise kernels as today's, which were slower then.
_PREDICTED_AS = {
    ("microtvm_cmsis_nn", ""): "tflm_cmsis_nn",
    ("tflm_cmsis_nn", "2.3.1 (TAGS=cmsis-nn)"): "tflm_cmsis_nn",
}
PROMISED = {("cortex-m7", "x_cube_ai"): 0.09}
FAILS_ABOVE = 0.10
_WHY = {
    ("NUCLEO-U385RG-Q", "x_cube_ai"): (
        "the keyword network is predicted a sixth too slow and the 1-D wake-word network a fifth "
        "too fast, both when their family is left out; on the NUCLEO-U575ZI-Q, which has the same "
        "core and version, the same two are off by the same factors, so it is the models of 10.2 "
        "and not the part; four networks are all that was measured"
    ),
    ("STM32H743", "x_cube_ai"): (
        "no other family holds depthwise kernels of 5x5 and 7x7, so without this one they are "
        "priced as 3x3; with their own coefficient, fitted to these three networks alone, the "
        "error is 2 %, and at most 5 % for the one that is left out. The source names no clock: "
        "480 MHz, the part's highest, is assumed, at which TFLM of the same source agrees within "
        "9 %"
    ),
    ("STM32H743", "tinyengine"): (
        "TinyEngine is X-CUBE-AI 7.3 times a ratio measured on this board, so what is not known of "
        "that here (its note) is not known of this; the ratio itself varies from model to model"
    ),
}


@dataclass(frozen=True)
class Row:
    """Agreement on one board under one runtime; errors as fractions, mae_ms in milliseconds.

    version, goal: of X-CUBE-AI, empty where all are together; bias: mean of predicted over
    measured, less 1; clock_stated: whether the source names the clock; families: how many;
    factor_rows: how many figures the factor of this core and version rests on, 0 where there is
    none; note: why it fails, empty where it does not.
    """

    board: str
    core: str
    runtime: str
    version: str
    goal: str
    n: int
    families: int
    clock_stated: bool
    mae_ms: float
    mape: float
    bias: float
    mape_family_out: float
    bias_family_out: float
    spearman: float
    tau: float
    spearman_family_out: float
    tau_family_out: float
    factor_rows: int
    note: str


@dataclass(frozen=True)
class Prediction:
    """One figure with its prediction, in seconds, by all data and by those of other families."""

    figure: Figure
    predicted: float
    family_out: float


class Record(TypedDict):
    """A comparison as JSON: a record per board and runtime, and likewise per version and goal."""

    rows: list[dict[str, object]]
    versions: list[dict[str, object]]
    cores: list[dict[str, object]]
    left_out: dict[str, int]


@dataclass(frozen=True)
class Check:
    """The whole comparison.

    rows: per board and runtime; versions: per version and goal of these too; cores: per core and
    runtime, whatever the board; left_out: reason -> how many figures.
    """

    rows: tuple[Row, ...]
    versions: tuple[Row, ...]
    cores: tuple[Row, ...]
    left_out: Mapping[str, int]
    predictions: tuple[Prediction, ...]

    def to_json(self) -> Record:
        """Return the comparison as JSON; a number that is not defined is None."""

        def plain(value: object) -> object:
            return None if isinstance(value, float) and math.isnan(value) else value

        rows, versions, cores = (
            [{key: plain(value) for key, value in asdict(row).items()} for row in of]
            for of in (self.rows, self.versions, self.cores)
        )
        return Record(rows=rows, versions=versions, cores=cores, left_out=dict(self.left_out))

    def points(self) -> list[dict[str, object]]:
        """Return one record per figure: what was measured where, and both predictions [s]."""
        return [
            {
                "board": one.figure.board,
                "core": one.figure.core,
                "runtime": one.figure.runtime,
                "version": one.figure.version,
                "goal": one.figure.goal,
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
    return Check(
        _rows(predictions, lambda f: (f.board, f.runtime)),
        _rows(predictions, lambda f: (f.board, f.runtime, f.version, f.goal)),
        _rows(predictions, lambda f: (f.core, f.runtime)),
        left_out,
        tuple(predictions),
    )


def _rows(
    predictions: Sequence[Prediction], key: Callable[[Figure], tuple[str, ...]]
) -> tuple[Row, ...]:
    groups: dict[tuple[str, ...], list[Prediction]] = {}
    for one in predictions:
        groups.setdefault(key(one.figure), []).append(one)
    return tuple(_row(group) for _, group in sorted(groups.items()))


def _why_not(figure: Figure) -> str:
    if figure.model not in models():
        return "the layers of the model are not known"
    if figure.family == _fitted.WITHOUT_CONVOLUTION:
        return "a network without convolutions"
    return ""


def _predict(figure: Figure) -> Prediction:
    key = figure.runtime, figure.version
    runtime = _PREDICTED_AS.get(key, figure.runtime)
    if not runtime.startswith("tflm_cmsis_nn"):
        predicted = _fitted_seconds(figure, *_fits(""))
        return Prediction(figure, predicted, _fitted_seconds(figure, *_fits(figure.family)))
    seconds = _counted_cycles(figure, runtime) / figure.clock
    if key not in _PREDICTED_AS:
        return Prediction(figure, seconds, seconds)
    return Prediction(
        figure, counted_factor(*key) * seconds, counted_factor(*key, figure.family) * seconds
    )


@functools.cache
def counted_factor(runtime: str, version: str, without: str = "") -> float:
    """Return what multiplies the counts that a runtime is set beside, fitted to all its figures.

    without: a family that is left out; NaN where nothing is left.
    """
    ratios = np.array(
        [
            _counted_cycles(figure, _PREDICTED_AS[runtime, version]) / figure.cycles
            for figure in figures()
            if (figure.runtime, figure.version) == (runtime, version)
            and figure.family != without
            and not _why_not(figure)
        ]
    )
    return float(ratios.sum() / (ratios @ ratios)) if len(ratios) else math.nan


def own_factor(figure: Figure) -> float:
    """Return by what a figure's price is multiplied here and in no estimate: 1 of most."""
    return own_factors().get((figure.runtime, figure.version), 1.0)


def own_factors() -> dict[tuple[str, str], float]:
    """Return these factors by runtime and version."""
    return {key: counted_factor(*key) for key in _PREDICTED_AS}


@functools.cache
def _fits(without: str) -> tuple[_fitted.Fit, float]:
    """Return the fits of X-CUBE-AI and of TinyEngine's ratio to all families but one."""
    rows = [row for row in figures() if row.family != without]
    ratio = _fitted.tinyengine_ratio([row for row in rows if _fitted.unclocked(row)])
    return _fitted.fit([row for row in rows if _fitted.usable(row)]), ratio


def _fitted_seconds(figure: Figure, fitted: _fitted.Fit, ratio: float) -> float:
    done = work(figure)
    parts, version, factor, counted = _fitted.parts_of_work(done), figure.version, 1.0, 0.0
    if figure.runtime == "tinyengine":  # whose additions have TFLM's price: `fitted_prices`
        parts = parts - [0, 0, 0, done["add_outputs"], done["adds"]]
        version, factor = _fitted.TINYENGINE_REFERENCE, ratio
        counted = _counted_cycles(figure, "tflm_cmsis_nn", ("add",))
    try:
        cycles = fitted.cycles(figure.core, version, parts)
    except UserError:  # this family is all that was measured on that core and version
        return math.nan
    return (cycles * factor + counted) / figure.clock


def _counted_cycles(figure: Figure, runtime: str, operators: Iterable[Operator] = AMOUNTS) -> float:
    table = _table.load(f"{runtime}-{figure.core}")
    done = work(figure)
    cycles = sum(
        float(table.coefficients(operator) @ np.array([done[name] for name in AMOUNTS[operator]]))
        for operator in operators
        if any(done[name] for name in AMOUNTS[operator])
    )
    return cycles * of_core(figure.core).value


def _row(group: Sequence[Prediction]) -> Row:
    measured = np.array([one.figure.latency for one in group])
    predicted = np.array([one.predicted for one in group])
    unseen = np.array([one.family_out for one in group])
    error = np.abs(predicted - measured)
    family_out = _mean_known(np.abs(unseen - measured) / measured)
    first = group[0].figure

    def common(values: Iterable[str]) -> str:
        """Return the value that all figures of the group share, empty where they differ."""
        shared = set(values)
        return shared.pop() if len(shared) == 1 else ""

    board = common(one.figure.board for one in group)
    version = common(one.figure.version for one in group)
    one_version = all(one.figure.version == version for one in group)
    why = _WHY.get((board, first.runtime), "not explained")
    return Row(
        board=board,
        core=first.core,
        runtime=first.runtime,
        version=version,
        goal=common(one.figure.goal for one in group),
        n=len(group),
        families=len({one.figure.family for one in group}),
        clock_stated=all(one.figure.clock_stated for one in group),
        mae_ms=float(error.mean() * 1e3),
        mape=float((error / measured).mean()),
        bias=float((predicted / measured).mean() - 1),
        mape_family_out=family_out,
        bias_family_out=_mean_known(unseen / measured - 1),
        spearman=_rank(predicted, measured, "spearman"),
        tau=_rank(predicted, measured, "tau"),
        spearman_family_out=_rank(unseen, measured, "spearman"),
        tau_family_out=_rank(unseen, measured, "tau"),
        factor_rows=_factor_rows(first) if one_version else 0,
        note=why if board and family_out > promised(first.core, first.runtime) else "",
    )


def promised(core: str, runtime: str) -> float:
    """Return the error on families left out above which a pair of board and runtime fails."""
    return PROMISED.get((core, runtime), FAILS_ABOVE)


def _factor_rows(figure: Figure) -> int:
    """Count the figures that the factor of a figure's core and version was fitted to."""
    if figure.runtime == "x_cube_ai":
        group = _fitted.group_of(figure)
        return sum(_fitted.usable(f) and _fitted.group_of(f) == group for f in figures())
    key = figure.runtime, figure.version
    same = [f for f in figures() if (f.runtime, f.version) == key and not _why_not(f)]
    return len(same) if key in _PREDICTED_AS else 0


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
