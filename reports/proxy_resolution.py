"""What images of 32 instead of 16 pixels change in how well a proxy ranks cells."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import t as student

from benchsuite import stats
from benchsuite.api import Report, Result
from benchsuite.assembly import shipped
from benchsuite.reports._common import causes, effects, words
from benchsuite.reports._common.effects import BASE, RESAMPLES
from benchsuite.reports._common.style import (
    COLOURS,
    COLUMN_WIDTH,
    legend_above,
    new_figure,
    tidy,
)
from benchsuite.reports._common.tables import about_accuracy, accuracy, kind, other_precision
from benchsuite.stats.intervals import LEVEL
from benchsuite.table.columns import DATASETS
from benchsuite.table.table import Table

LARGER = "px32"
_SHOWN = {"ntk_cond.k0", "ntk_cond.k2", "linear_regions.n3000", "dextr.svd"}  # of many numbers
_COMBINED = {"vkdnw_single": ("tensors",), "te_nas": ()}  # and what columns each takes besides
_COLUMNS = (
    *("proxy", "dataset", "n", "repeats", "tau, 16 px", "tau, 32 px", "change", "lo", "hi"),
    "apart",
)


def _make(table: Table) -> Result:
    rows = pd.DataFrame(_of_sample(table))
    every = pd.DataFrame(_of_all(table, shipped.variants()[LARGER]), columns=_COLUMNS)
    order = rows[rows["dataset"] == DATASETS[0]].sort_values("change", kind="stable")
    moved = order[(order["lo"] > 0) | (order["hi"] < 0)]
    repeats = _sizes(rows, "repeats")
    return Result(
        tables={"proxy_resolution": rows, "proxy_resolution_all": every},
        figures={"proxy_resolution": _figure(order, every, kind(table))},
        notes=(
            about_accuracy(table),
            "change: mean tau-b of single repeats at 32 px less that at 16 px, images scaled down "
            "by area; weights of a repeat are the same in both. Sample: n connected cells drawn at "
            f"random, one of a class; {repeats} repeats; lo, hi: 95 % of {RESAMPLES} resamples of "
            f"cells and repeats together. With test {kind(table)}.",
            f"In the sample the interval on CIFAR-10 excludes zero for {len(moved)} of "
            f"{len(order)} proxies{_listed(moved)}. No correction for their number.",
            *(_about_all(every) if len(every) else ("The table has no repeat to compare with.",)),
        ),
    )


def _of_sample(table: Table) -> Iterator[dict[str, object]]:
    """Yield a row per proxy and dataset of the cells that were scored several times."""
    runs = effects.runs("settings")
    for setting, proxy in runs.scores:
        if setting != LARGER or (BASE, proxy) not in runs.scores or not _shown(proxy):
            continue
        here, there, cells = causes.pair(table, proxy, LARGER, proxy)
        for dataset in DATASETS:
            change = effects.effect(here, there, accuracy(table, dataset)[cells])
            yield _row(proxy, dataset, change, min(change.repeats, len(here)))


def _of_all(table: Table, larger: Table) -> Iterator[dict[str, object]]:
    """Yield a row per proxy and dataset of all classes, of the repeats that both tables have."""
    number = table.values("class.functional")
    _, first = np.unique(number, return_index=True)
    known = {column.stem for column in table.columns.values()}
    stems = [column.stem for column in larger.columns.values() if column.kind == "proxy"]
    for proxy in (*filter(_shown, stems), *_COMBINED):
        parts = causes.needed(proxy)
        names = [causes.columns(table, part, "") for part in parts]
        besides = _COMBINED.get(proxy, ())
        if not all(names) or not set(parts) <= set(stems) or not set(besides) <= known:
            continue
        if other_precision(table, larger) & {part.partition(".")[0] for part in parts}:
            continue
        alone = [causes.columns(larger, part, "") or [part] for part in parts]
        here, there = (
            [
                np.array([of.values(name)[first] for name in each[: min(map(len, wanted))]])
                for each in wanted
            ]
            for of, wanted in ((table, names), (larger, alone))
        )
        scored = np.isfinite([*np.concatenate(here), *np.concatenate(there)]).all(axis=0)
        ours, theirs = (
            causes.whole(table, proxy, [part[:, scored] for part in of], first[scored])
            for of in (here, there)
        )
        repeats = min(len(ours), len(theirs))
        if _unmoved(ours[:repeats], theirs[:repeats]):
            continue
        for dataset in DATASETS:
            truth = accuracy(table, dataset)[first[scored]]
            change = effects.effect(ours[:repeats], theirs[:repeats], truth)
            taus = [stats.kendall(one, truth).value for one in ours]
            yield {**_row(proxy, dataset, change, repeats), "apart": _apart(taus, repeats)}


def _unmoved(ours: effects.Floats, theirs: effects.Floats) -> bool:
    """Return whether scores [R, N] of two resolutions differ by rounding or a factor alone."""
    factor = np.linalg.norm(ours) / np.linalg.norm(theirs)
    return bool(np.allclose(theirs * factor, ours, rtol=1e-3))


def _row(proxy: str, dataset: str, change: effects.Effect, repeats: int) -> dict[str, object]:
    return {
        "proxy": proxy,
        "dataset": dataset,
        "n": change.n,
        "repeats": repeats,
        "tau, 16 px": change.before,
        "tau, 32 px": change.before + change.value,
        "change": change.value,
        "lo": change.low,
        "hi": change.high,
    }


def _apart(taus: list[float], repeats: int) -> float:
    """Return how far the means of so many runs and of as many others lie apart at `LEVEL`.

    By the deviation of some runs, and Student's t; NaN for one.
    """
    if len(taus) < 2:
        return np.nan
    reach = student.ppf((1 + LEVEL) / 2, len(taus) - 1)
    return float(reach * np.sqrt(2 / repeats) * np.std(taus, ddof=1))


def _shown(proxy: str) -> bool:
    family, dot, _ = proxy.partition(".")
    return proxy in _SHOWN or not dot or family == "az_nas"


def _listed(rows: pd.DataFrame) -> str:
    said = (
        f"{words.plain(str(row.proxy))} {row.change:+.3f} [{row.lo:+.3f}, {row.hi:+.3f}]"
        for row in rows.itertuples()
    )
    return f": {'; '.join(said)}" if len(rows) else ""


def _about_all(every: pd.DataFrame) -> tuple[str, str]:
    return (
        "Left out: scores that the size of images does not move, and those that are of another "
        "precision at 32 px. "
        f"All classes: repeats at 32 px of {_sizes(every, 'n')} connected classes, each counted "
        "once, against those of the same weights and images at 16 px; lo, hi: over "
        "classes, and over repeats where there are several (two or three are few for that). "
        "apart: how far the means of as many draws of weights and images lie apart in 95 % of "
        "cases, by the repeats at 16 px (Student's t; empty for one repeat); in the figure a band, "
        "which may end beyond the axis.",
        _beyond(every),
    )


def _sizes(every: pd.DataFrame, column: str) -> str:
    least, most = int(every[column].min()), int(every[column].max())
    return f"{most:,}" if least == most else f"{least:,} to {most:,}"


def _beyond(every: pd.DataFrame) -> str:
    of = every[(every["dataset"] == DATASETS[0]) & every["apart"].notna()]
    beyond = of[of["change"].abs() > of["apart"]]
    return (
        "On CIFAR-10 the change of all classes is larger than draws lie apart for "
        f"{len(beyond)} of {len(of)} proxies{_listed(beyond)}."
    )


def _figure(rows: pd.DataFrame, every: pd.DataFrame, what: str) -> Figure:
    whole = every[every["dataset"] == DATASETS[0]].sort_values("change", kind="stable")
    names = [*whole["proxy"], *(p for p in rows["proxy"] if p not in set(whole["proxy"]))]
    place = {name: at for at, name in enumerate(names)}
    figure = new_figure(COLUMN_WIDTH, 1.3 + 0.17 * len(names))
    axes = figure.add_subplot()
    axes.axvline(0, color="k", linewidth=0.8)
    if len(whole):
        at = [place[name] for name in whole["proxy"]]
        axes.barh(
            at,
            2 * whole["apart"],
            left=-whole["apart"],
            height=0.8,
            color=COLOURS["grey"],
            alpha=0.25,
            label="draws at 16 px, 95 %",
        )
        axes.plot(
            whole["change"],
            at,
            "D",
            markersize=4,
            color=COLOURS["cifar10"],
            label=f"all classes, repeats: {_sizes(every, 'repeats')}",
        )
    axes.errorbar(
        rows["change"],
        [place[name] for name in rows["proxy"]],
        xerr=[rows["change"] - rows["lo"], rows["hi"] - rows["change"]],
        fmt="o",
        markersize=3,
        linewidth=1,
        capsize=2,
        color=COLOURS["grey"],
        label="sample, several draws",
    )
    axes.set_yticks(list(place.values()), [words.proxy(name) for name in names])
    axes.set_ylim(-0.7, len(names) - 0.3)
    reach = 1.05 * float(np.nanmax([*rows["lo"].abs(), *rows["hi"].abs(), *whole["change"].abs()]))
    axes.set_xlim(-reach, reach)  # Bars may go on: draws that lie farther apart need no end.
    axes.set_xlabel(f"change of Kendall tau-b with\nCIFAR-10 {what},\n16 to 32 px")
    legend_above(figure, axes, 1)
    tidy(axes, "x")
    return figure


REPORT = Report(
    title="Proxies: resolution",
    answers="whether images of 32 pixels instead of 16 change how a proxy ranks cells",
    make=_make,
)
