"""What a proxy costs and what that buys: tau and the pick of a time budget, by seconds per cell."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchsuite import stats
from benchsuite.api import Report, Result
from benchsuite.errors import UserError
from benchsuite.ranking import correlations
from benchsuite.ranking.correlations import direction_of, mask
from benchsuite.reports._common import picked, words
from benchsuite.reports._common.style import (
    COLOURS,
    NAMES,
    PAGE_WIDTH,
    label_points,
    new_figure,
    tidy,
)
from benchsuite.reports._common.tables import (
    DEAD,
    about_accuracy,
    about_repeats,
    accuracy,
    headline_proxies,
    kind,
    partial,
    repeats_of,
)
from benchsuite.table.columns import DATASETS, seconds_name, stem
from benchsuite.table.table import Table

BUDGET = 60.0
ANALYTIC = ("convs", "depth", "flops", "params", "tensors")
_SUMS = {"te_nas": ("ntk_cond.k0", "linear_regions.n3000")}
# Drawn by one of the family that costs and ranks the same.
_TWINS = ("ntk_cond.k2", "ntk_frozen.k2")


def _make(table: Table) -> Result:
    names = [name for name in headline_proxies(table) if np.isfinite(seconds(table, name))]
    if not any(seconds(table, name) for name in names):
        raise UserError("The table holds no proxy that was timed; `benchsuite tabulate` times all.")
    rows = pd.DataFrame(_row(table, name) for name in names)
    rows = rows.sort_values("seconds per cell", kind="stable")
    return Result(
        tables={"proxy_cost": rows},
        figures={"proxy_cost": _figure(rows, kind(table))},
        notes=(
            about_accuracy(table),
            "seconds per cell: mean processor time of one thread, the proxy taken alone with the "
            "passes it needs, as tabulated (see `benchsuite/data/README.md`: 32 images of 16x16), "
            "of one repeat; tau and pick are those of single repeats, too, the mean of them: the "
            "mean of several repeats, which `correlations` judges, costs as many times as much. "
            f"{about_repeats(table)} Not all were timed on one "
            "processor, nor without other work beside them (a Xeon at 2.5 GHz, an AMD EPYC; VKDNW, "
            "AZ-NAS, MeCo, SWAP, linear regions and the NTK together took 2.4 s on the former, "
            "under load, and .28 s on the latter): read costs to a factor of ten. Analytic proxies "
            "cost nothing.",
            f"pick: expected test {kind(table)} of the best-scored of as many cells, drawn without "
            f"replacement, as {BUDGET:.0f} s score; exact, ties averaged. All by the cells with an "
            f"input-output path. {DEAD}; n says how many remain. * scores fewer than others do, so "
            "that its tau and pick cannot be held against theirs. The figure leaves "
            "out proxies with a negative tau and K_2, which lies on K_0.",
        ),
    )


def seconds(table: Table, name: str) -> float:
    """Return the mean seconds per cell of a proxy alone, 0 for an analytic one, NaN if unknown."""
    head = table.columns[name].family
    if head in ANALYTIC:
        return 0.0
    if head in _SUMS:
        return sum(seconds(table, table.resolve(part)) for part in _SUMS[head])
    alone = correlations.seconds(table, name, mask("all"))
    own = seconds_name(f"score.{head}")
    if np.isnan(alone) and own in table.columns:  # runs on a module of its own, shares nothing
        return float(np.nanmean(table.values(own)))
    return alone


def _row(table: Table, name: str) -> dict[str, object]:
    cost = seconds(table, name)
    sign = -1 if direction_of(table, name) == "min" else 1
    whole = sign * table.values(name)
    scores = [sign * table.values(one) for one in repeats_of(table).get(name, [])] or [whole]
    scores = [np.where(mask("connected"), score, np.nan) for score in scores]
    cells = int(np.isfinite(scores[0]).sum()) if cost == 0 else int(BUDGET / cost)
    taus = {
        d: float(np.mean([stats.kendall(score, accuracy(table, d)).value for score in scores]))
        for d in DATASETS
    }
    return {
        "proxy": stem(name),
        "n": int(np.isfinite(scores[0]).sum()),
        "seconds per cell": cost,
        f"cells in {BUDGET:.0f} s": cells,
        **{f"tau {NAMES[d]}": tau for d, tau in taus.items()},
        "tau": float(np.mean(list(taus.values()))),
        **{
            f"pick {NAMES[d]}": float(
                np.mean([picked.expected(score, accuracy(table, d), cells) for score in scores])
            )
            for d in DATASETS
        },
    }


def _figure(rows: pd.DataFrame, what: str) -> Figure:
    figure = new_figure(PAGE_WIDTH, 3.8)
    axes = figure.add_subplot()
    rows = rows[rows["tau"] > 0].assign(tau=rows["tau"].round(4))
    rows = rows[~rows["proxy"].isin(_TWINS)]
    timed = rows[rows["seconds per cell"] > 0]
    free = rows[rows["seconds per cell"] == 0]
    axes.plot(timed["seconds per cell"], timed["tau"], "o", markersize=4, color=COLOURS["cifar10"])
    axes.set_xscale("log")
    low, high = timed["seconds per cell"].min(), timed["seconds per cell"].max()
    left = low / 9
    axes.plot([left] * len(free), free["tau"], "s", markersize=4, color=COLOURS["cifar100"])
    axes.axvline(left * 3.6, color=COLOURS["grey"], linewidth=0.6, linestyle="dashed")
    axes.set_xlim(left / 1.6, high * 4)
    axes.set_xlabel("processor seconds per cell (left of the dashed line: none, analytic)")
    axes.set_ylabel(f"Kendall tau-b with test {what},\nmean of three datasets")
    tidy(axes)
    x = [*([left] * len(free)), *timed["seconds per cell"]]
    y = [*free["tau"], *timed["tau"]]
    axes.set_ylim(min(y) - 0.02, max(y) + 0.02)
    names, few = [*free["proxy"], *timed["proxy"]], partial(rows.set_index("proxy")["n"])
    label_points(axes, x, y, words.starred(names, few))
    return figure


REPORT = Report(
    title="Proxies: cost",
    answers="what each proxy costs, and what it finds for the same time",
    make=_make,
)
