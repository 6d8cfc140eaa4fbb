"""Kendall tau of the NTK's condition numbers K_i with accuracy, by i (MONAS Fig. 2a)."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchsuite import stats
from benchsuite.api import Report, Result
from benchsuite.errors import UserError
from benchsuite.ranking.correlations import direction_of, functional_classes
from benchsuite.reports._common import effects, ntk_draws
from benchsuite.reports._common.searches import Claim
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
from benchsuite.stats.intervals import FEWEST_RESAMPLES
from benchsuite.table.columns import DATASETS, stem
from benchsuite.table.table import Table

_NETWORKS = (
    "BN in training mode: the proxy's own network of 3 channels, one cell per stage; "
    "frozen: 16 channels, five cells per stage"
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
            f"95 % of {FEWEST_RESAMPLES} resamples of functional classes. {DEAD}; n says how many "
            "remain.",
            "Ours: every cell, batches of 32 CIFAR-10 images at 16x16 for all three datasets. "
            f"{_NETWORKS}. Figure and table: mean tau of single draws of weights and images, "
            f"{_draws(rows)}; lo, hi are over classes and, where there are several, draws. MONAS: "
            "an unstated sample, mean of three runs; it finds K_2 best.",
            *(claim.sentence for claim in claims(table)),
        ),
    )


def claims(table: Table) -> list[Claim]:
    """Return what MONAS says of K_2, and what many draws on a sample of cells say."""
    drawn = ntk_draws.by_order(table)
    names = [f"K_{order}" for order in ntk_draws.ORDERS]
    said, verdict = ntk_draws.highest(drawn, names.index("K_2"), names)
    mean = ", ".join(
        f"{name} {tau:.3f}" for name, tau in zip(names, drawn.value.mean(axis=(1, 2)), strict=True)
    )
    between = drawn.value.std(axis=1, ddof=1).mean() if drawn.draws > 1 else np.nan
    return [
        Claim(
            "MONAS",
            "Fig. 2a",
            "tau is highest for K_2",
            f"of {drawn.draws} draws on {drawn.n} cells, means over datasets: {mean} (one draw "
            f"deviates by {between:.3f}); K_2 {said}",
            verdict,
        )
    ]


def _rows(table: Table, family: str) -> pd.DataFrame:
    own = re.compile(rf"{re.escape(family)}\.k\d+@")  # without a label or a repeat
    names = sorted((name for name in table.columns if own.match(name)), key=_index)
    if not names:
        raise UserError(f"The table holds no {family}.k*; `benchsuite tabulate` scores cells.")
    draws = repeats_of(table)
    if any(name in draws for name in names):  # tau of a draw and of a mean of draws differ
        names = [name for name in names if name in draws]
    columns = {name: draws.get(name, [name]) for name in names}
    flat = [one for of in columns.values() for one in of]
    sampled = stats.kendall_bootstrap(
        np.array([table.values(name) for name in flat]),
        np.array([accuracy(table, dataset) for dataset in DATASETS]),
        np.random.default_rng(0),
        directions=[direction_of(table, name) for name in flat],
        groups=functional_classes(table),
        resamples=FEWEST_RESAMPLES,
    )
    rows = []
    for name, of in columns.items():
        at = [flat.index(one) for one in of]
        drawn = effects.repeats(np.random.default_rng(1), len(of), FEWEST_RESAMPLES)
        for t, dataset in enumerate(DATASETS):
            low, high = np.quantile(effects.over(sampled.samples[at, t], drawn), [0.025, 0.975])
            rows.append(
                {
                    "batch norm": _FAMILIES[family],
                    "i": _index(name),
                    "dataset": dataset,
                    "n": int(np.isfinite(table.values(name)).sum()),
                    "draws": len(of),
                    "tau": float(sampled.value[at, t].mean()),
                    "lo": float(low),
                    "hi": float(high),
                }
            )
    return pd.DataFrame(rows)


def _index(name: str) -> int:
    return int(stem(name).rpartition(".k")[2])


def _draws(rows: pd.DataFrame) -> str:
    counts = rows.groupby("batch norm", sort=False)["draws"].max()
    return ", ".join(f"{count} with {name}" for name, count in counts.items())


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
