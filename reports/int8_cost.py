"""What int8 costs: accuracy lost by quantisation, where it collapses, what is left of the order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchsuite import stats
from benchsuite.api import Report, Result
from benchsuite.ranking.correlations import functional_classes
from benchsuite.reports._common.quantised import ABOUT, METHODS, Array, Training, training
from benchsuite.reports._common.style import (
    COLUMN_WIDTH,
    PALETTE,
    cloud,
    legend_above,
    mark,
    new_figure,
    panels,
    tidy,
)
from benchsuite.reports._common.tables import about_accuracy, accuracy, counts, kind
from benchsuite.space.cell import OPS, all_archs, connected
from benchsuite.stats.contrast import mean_contrast
from benchsuite.stats.intervals import FEWEST_RESAMPLES
from benchsuite.table.table import Table

COLLAPSE = 5.0  # points lost, more than which a cell is said to collapse
SAVED = 1.0  # points below float, within which QAT saves a cell
TOP = 1000
_BINS = 20  # of as many cells each, for the lines of the figure
_TICKS = (1, 0, -1, -5, -20, -80)
_LEFT = 48.0  # % float, where the figure starts
Mask = NDArray[np.bool_]


def _make(table: Table) -> Result:
    of = training(table)
    depth = table.values("depth")
    ranking = pd.DataFrame(_rankings(table, of))
    return Result(
        tables={
            "int8_cost": pd.DataFrame(_costs(of, depth)),
            "int8_ranking": ranking,
            "int8_collapse": pd.DataFrame(_contrasts(of, depth, functional_classes(table))),
            "int8_collapsed_cells": _collapsed_cells(of),
        },
        figures={"int8_cost": _figure(of)},
        notes=(
            ABOUT,
            *_overall(of),
            _collapse(of, functional_classes(table)),
            _order(ranking),
            "int8_cost: int8 - float in points, by quantiles over the cells; a group of all 15,625 "
            "cells is exact, but every cell was trained once: what another training would lose is "
            "not in it. By accuracy: tenths of the cells with an input-output path, by float.",
            "int8_collapse: means over cells, lo and hi hold 95 % of resamples of functional "
            "classes. A comparison of one number at a time: the six operators of a cell add up, so "
            "more of one is fewer of the others, and no row says what causes a collapse.",
            f"int8_ranking: the best {TOP:,} are chosen once, by float or by test {kind(table)}; "
            f"lo and hi hold 95 % of {FEWEST_RESAMPLES:,} resamples of functional classes.",
            _about_figure(of),
            about_accuracy(table),
        ),
    )


def collapsed(of: Training, method: str) -> Mask:
    """Tell which cells [15625] lose more than `COLLAPSE` points in int8."""
    return np.asarray(of.change(method) < -COLLAPSE)


def saved(of: Training) -> Mask:
    """Tell which cells [15625] collapse under PTQ and are within `SAVED` points under QAT."""
    return np.asarray(collapsed(of, "PTQ") & (of.change("QAT") >= -SAVED))


def _groups(of: Training, depth: Array) -> Iterator[tuple[str, str, Mask]]:
    """Yield what cells are grouped by, the group and which cells it has."""
    yield "all", "all", np.ones(len(depth), dtype=bool)
    yield "all", "with a path", connected()
    for op in OPS:
        of_op = counts(op)
        for number in np.unique(of_op):
            yield op, str(number), of_op == number
    for number in np.unique(depth[np.isfinite(depth)]):
        yield "depth", f"{number:.0f}", depth == number
    edges = np.quantile(of.float32[connected()], np.arange(11) / 10)
    tenth = np.clip(np.searchsorted(edges, of.float32, "right") - 1, 0, 9)
    for at in range(10):
        label = f"{edges[at]:.2f} to {edges[at + 1]:.2f}"
        yield "float accuracy", label, connected() & (tenth == at)


def _costs(of: Training, depth: Array) -> Iterator[dict[str, object]]:
    for by, label, cells in _groups(of, depth):
        row: dict[str, object] = {"by": by, "group": label, "cells": int(cells.sum())}
        for method in METHODS:
            change = of.change(method)[cells]
            quantiles = np.quantile(change, [0.5, 0.05, 0.01])
            for name, value in zip(("median", "5 %", "1 %"), quantiles, strict=True):
                row[f"{method} {name}"] = float(value)
            row[f"{method} collapse"] = int((change < -COLLAPSE).sum())
        row["saved by QAT"] = int(saved(of)[cells].sum())
        yield row


def _rankings(table: Table, of: Training) -> Iterator[dict[str, object]]:
    """Yield tau-b of int8 with float and of all three with the test accuracy, by set of cells."""
    test = accuracy(table, "cifar10")
    what = f"test {kind(table)}"
    sets = {
        "all": np.ones(len(test), dtype=bool),
        f"best {TOP:,} by float": stats.top_k(of.float32, TOP),
        f"best {TOP:,} by {what}": stats.top_k(test, TOP),
    }
    pairs = {
        "float": {f"int8 {method}": of.int8[method] for method in METHODS},
        what: {"float": of.float32, **{f"int8 {m}": of.int8[m] for m in METHODS}},
    }
    for label, cells in sets.items():
        for truth, scores in pairs.items():
            rows = [values[cells] for values in scores.values()]
            against = (of.float32 if truth == "float" else test)[cells]
            resampled = stats.kendall_bootstrap(
                rows,
                [against],
                np.random.default_rng(0),
                groups=functional_classes(table)[cells],
                resamples=FEWEST_RESAMPLES,
            )
            low, high = resampled.interval()
            for at, name in enumerate(scores):
                yield {
                    "cells": label,
                    "n": int(cells.sum()),
                    "ranked by": name,
                    "against": truth,
                    "tau": float(resampled.value[at, 0]),
                    "lo": float(low[at, 0]),
                    "hi": float(high[at, 0]),
                }


def _contrasts(
    of: Training, depth: Array, classes: NDArray[np.int64]
) -> Iterator[dict[str, object]]:
    """Yield how the means of some sets of cells differ, of cells with an input-output path."""
    lost = collapsed(of, "PTQ") & connected()
    kept = saved(of) & connected()
    pairs = {
        "collapsed against others": (lost, connected() & ~lost),
        "of these, saved by QAT against not": (kept, lost & ~kept),
    }
    known = np.nan_to_num(depth)  # No depth without a path: such cells are in no set.
    features = {op: counts(op) for op in OPS} | {"depth": known, "float accuracy": of.float32}
    values = np.array(list(features.values()), dtype=np.float64)
    for label, (one, other) in pairs.items():
        contrast = mean_contrast(values, one, other, classes, np.random.default_rng(0))
        low, high = contrast.interval()
        for at, name in enumerate(features):
            yield {
                "comparison": label,
                "mean of": name if name in ("depth", "float accuracy") else f"number of {name}",
                "cells": int(one.sum()),
                "other cells": int(other.sum()),
                "mean": _mean(values[at], one),
                "other mean": _mean(values[at], other),
                "difference": float(contrast.value[at]),
                "lo": float(low[at]),
                "hi": float(high[at]),
                "classes": int(contrast.units[at]),
            }


def _mean(values: Array, cells: Mask) -> float:
    return float(values[cells].mean()) if cells.any() else float("nan")


def _collapsed_cells(of: Training) -> pd.DataFrame:
    cells = np.flatnonzero(collapsed(of, "PTQ"))
    worst_first = cells[np.argsort(of.change("PTQ")[cells], kind="stable")]
    return pd.DataFrame(
        {
            "index": worst_first,
            "arch": [all_archs()[cell] for cell in worst_first],
            "float": of.float32[worst_first],
            **{f"int8 {method}": of.int8[method][worst_first] for method in METHODS},
            "saved by QAT": np.where(saved(of)[worst_first], "yes", "no"),
        }
    )


def _overall(of: Training) -> Iterator[str]:
    for method in METHODS:
        change = of.change(method)
        middle, five, one = np.quantile(change, [0.5, 0.05, 0.01])
        yield (
            f"{method} - float over all {len(change):,} cells: median {middle:.2f} points, 5 % "
            f"quantile {five:.1f}, 1 % quantile {one:.1f}; {int(collapsed(of, method).sum()):,} "
            f"cells lose more than {COLLAPSE:.0f} points."
        )


def _collapse(of: Training, classes: NDArray[np.int64]) -> str:
    lost, kept = collapsed(of, "PTQ"), saved(of)
    both = int((lost & collapsed(of, "QAT")).sum())
    sizes = np.bincount(classes)[classes]
    with_lost = np.bincount(classes, lost)[classes]
    twins = lost & (sizes > 1)
    share = np.mean((with_lost[twins] - 1) / (sizes[twins] - 1)) if twins.any() else np.nan
    return (
        f"Of the {int(lost.sum()):,} cells that collapse under PTQ, QAT brings "
        f"{int(kept.sum()):,} to within {SAVED:.0f} point of float, and {both:,} lose more than "
        f"{COLLAPSE:.0f} points under it too. Collapses repeat in other trainings of the same "
        f"function: of the other cells in the class of a collapsed one {share:.0%} collapse, of "
        f"all cells {lost.mean():.1%}."
    )


def _order(ranking: pd.DataFrame) -> str:
    with_float = ranking[ranking["against"] == "float"]
    said = (
        f"{row['cells']}: {row['ranked by'].removeprefix('int8 ')} {row['tau']:.3f} "
        f"[{row['lo']:.3f}, {row['hi']:.3f}]"
        for row in with_float.to_dict("records")
    )
    return "Kendall tau-b of int8 with float. " + "; ".join(said) + "."


def _about_figure(of: Training) -> str:
    left = int((connected() & (of.float32 < _LEFT)).sum())
    return (
        "The figure shows the cells with an input-output path, lines over twentieths of them by "
        f"float accuracy, dashed where a cell collapses; {left:,} of them, below "
        f"{_LEFT:.0f} %, left of its edge. Its scale is linear from -1 to 1 and logarithmic beyond."
    )


def _figure(of: Training) -> Figure:
    figure = new_figure(COLUMN_WIDTH, 3.6)
    all_axes = panels(figure, 1, len(METHODS), sharex=True, sharey=True)
    for axes, method in zip(all_axes, METHODS, strict=True):
        _draw(axes, of, method)
        tidy(axes)
    legend_above(figure, all_axes[0], 2)
    all_axes[-1].set_xlabel("float accuracy [%]")
    figure.supylabel("int8 - float [points]", fontsize=9)
    return figure


def _draw(axes: Axes, of: Training, method: str) -> None:
    shown = connected()
    x, change = of.float32[shown], of.change(method)[shown]
    cloud(axes, x, change, "#888888")
    order = np.argsort(x, kind="stable")
    for quantile, style, label in ((0.5, "-", "median"), (0.05, "--", "5 % quantile")):
        bins = np.array_split(order, _BINS)
        axes.plot(
            [np.median(x[part]) for part in bins],
            [np.quantile(change[part], quantile) for part in bins],
            linestyle=style,
            linewidth=1.4,
            color=PALETTE[1],
            label=label,
        )
    mark(axes, "collapse", y=-COLLAPSE)
    axes.set_yscale("symlog", linthresh=1)
    axes.set_yticks(_TICKS, [str(tick).replace("-", "\N{MINUS SIGN}") for tick in _TICKS])
    axes.set_yticks([], minor=True)
    axes.set_xlim(left=_LEFT)
    axes.set_title(method)


REPORT = Report(
    title="int8: what it costs",
    answers="how much accuracy a cell loses in int8, which cells collapse, and what order is left",
    make=_make,
)
