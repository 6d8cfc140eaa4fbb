"""Kendall tau of the NTK's condition numbers K_i with accuracy, by i (MONAS Fig. 2a)."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchsuite import stats
from benchsuite.api import Report, Result
from benchsuite.ranking.correlations import direction_of
from benchsuite.reports._common.style import (
    COLOURS,
    MARKERS,
    NAMES,
    PAGE_WIDTH,
    legend_above,
    new_figure,
    panels,
    tidy,
)
from benchsuite.reports._common.tables import DEAD, about_accuracy, accuracy, kind, repeats_of
from benchsuite.stats.intervals import FEWEST_RESAMPLES, SEEDS
from benchsuite.table.columns import DATASETS, stem
from benchsuite.table.table import Table

_SHOWN = (0, 1, 2, 4, 8, 16)
_NETWORKS = (
    "BN in training mode: the proxy's own network of 3 channels, one cell per stage, one repeat; "
    "frozen: five cells per stage, mean of three repeats"
)
_FAMILIES = {"ntk_cond": "BN in training mode", "ntk_frozen": "BN frozen"}


def _make(table: Table) -> Result:
    rows = pd.concat([_rows(table, family) for family in _FAMILIES], ignore_index=True)
    return Result(
        tables={"monas_ntk": rows},
        figures={"monas_ntk": _figure(rows, kind(table))},
        notes=(
            about_accuracy(table),
            f"tau-b of K_i = l_1 / l_(n-i) (smaller is better) with test {kind(table)}; lo, hi: "
            f"95 % of {FEWEST_RESAMPLES} resamples of the cells. {DEAD}; n says how many remain.",
            "Ours: every cell, one batch of 32 CIFAR-10 images at 16x16 for all three datasets. "
            f"{_NETWORKS}. MONAS: an unstated sample, "
            "mean of three runs; it finds K_2 best. lo, hi do not hold what other weights and "
            "images would change, so they compare no two K_i.",
            _undecided(rows, _between(table)),
        ),
    )


def _rows(table: Table, family: str) -> pd.DataFrame:
    own = re.compile(rf"{re.escape(family)}\.k\d+@")  # without a label or a repeat
    names = sorted((name for name in table.columns if own.match(name)), key=_index)
    sampled = stats.kendall_bootstrap(
        np.array([table.values(name) for name in names]),
        np.array([accuracy(table, dataset) for dataset in DATASETS]),
        np.random.default_rng(0),
        directions=[direction_of(table, name) for name in names],
        resamples=FEWEST_RESAMPLES,
    )
    low, high = sampled.interval()
    return pd.DataFrame(
        {
            "batch norm": _FAMILIES[family],
            "i": _index(name),
            "dataset": dataset,
            "n": int(np.isfinite(table.values(name)).sum()),
            "tau": sampled.value[p, t],
            "lo": low[p, t],
            "hi": high[p, t],
        }
        for p, name in enumerate(names)
        for t, dataset in enumerate(DATASETS)
    )


def _index(name: str) -> int:
    return int(stem(name).rpartition(".k")[2])


def _between(table: Table) -> dict[str, float]:
    """Return, by family, the deviation of tau between repeats, the largest over i and datasets."""
    deviations: dict[str, list[float]] = {family: [] for family in _FAMILIES}
    for name, repeats in repeats_of(table).items():
        family = table.columns[name].family
        if family in deviations and re.fullmatch(r".+\.k\d+@\d+", name):
            direction = direction_of(table, name)
            for dataset in DATASETS:
                truth = accuracy(table, dataset)
                taus = [
                    stats.kendall(table.values(r), truth, direction=direction).value
                    for r in repeats
                ]
                deviations[family].append(float(np.std(taus, ddof=1)))
    return {family: max(of) for family, of in deviations.items() if of}


def _undecided(rows: pd.DataFrame, between: Mapping[str, float]) -> str:
    """Say what the means are, and that few draws of weights and images order no two of them."""
    mean = rows.groupby(["batch norm", "i"])["tau"].mean()
    each = []
    for family, name in _FAMILIES.items():
        shown = ", ".join(f"K_{i} {tau:.3f}" for i, tau in mean[name].items() if i in _SHOWN)
        spread = (
            f"tau deviates between repeats by up to {between[family]:.3f}"
            if family in between
            else "one repeat"
        )
        each.append(f"{name}, the means over datasets are {shown} ({spread})")
    return (
        "Which K_i is best: undecided (n = 1 draw, or 3, of weights and images; "
        f"{SEEDS} are needed). In four draws on 200 classes, made apart from this table, tau of "
        "one K_i deviated by .017, and the highest was K_4, K_4, K_2 and K_0. With "
        + "; with ".join(each)
        + "."
    )


def _figure(rows: pd.DataFrame, what: str) -> Figure:
    figure = new_figure(PAGE_WIDTH, 2.7)
    both = panels(figure, 2, sharey=True)
    for axes, family in zip(both, _FAMILIES.values(), strict=True):
        for dataset, marker in zip(DATASETS, MARKERS, strict=False):
            of = rows[(rows["batch norm"] == family) & (rows["dataset"] == dataset)]
            places = np.arange(len(of)) + (DATASETS.index(dataset) - 1) * 0.08
            axes.errorbar(
                places,
                of["tau"],
                yerr=[of["tau"] - of["lo"], of["hi"] - of["tau"]],
                marker=marker,
                markersize=4,
                linewidth=1,
                capsize=2,
                color=COLOURS[dataset],
                label=NAMES[dataset],
            )
        step = 1 if len(of) <= 12 else 5
        axes.set_xticks(range(0, len(of), step), of["i"].iloc[::step])
        axes.set_title(family)
        axes.set_xlabel("i of the condition number $K_i$")
        tidy(axes)
    both[0].set_ylabel(f"Kendall tau-b with test\n{what}")
    legend_above(figure, both[0], 3)
    return figure


REPORT = Report(
    title="Fig. 2a: NTK condition numbers",
    answers="MONAS (2024), Fig. 2a: Kendall tau against the condition number K_i",
    make=_make,
    group="MONAS",
)
