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
from benchsuite.reports._common.effects import RESAMPLES
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
ALL, DRAWN = "all", "random"
_COLUMNS = (
    *("proxy", "dataset", "classes", "n", "repeats", "tau, 16 px", "tau, 32 px"),
    *("change", "lo", "hi", "apart"),
)


def _make(table: Table) -> Result:
    larger = [of for name, of in shipped.variants().items() if name.partition("_")[0] == LARGER]
    found = (row for of in larger for row in _rows(table, of))
    rows = pd.DataFrame(found, columns=_COLUMNS)
    return Result(
        tables={"proxy_resolution": rows},
        figures={"proxy_resolution": _figure(rows, kind(table))},
        notes=(
            about_accuracy(table),
            "change: mean tau-b of single repeats at 32 px less that at 16 px, images scaled down "
            "by area; weights of a repeat are the same in both. lo, hi: 95 % of "
            f"{RESAMPLES} resamples of classes and repeats together (three are few for that). "
            f"With test {kind(table)}.",
            *(_about(rows) if len(rows) else ("The table has no repeat to compare with.",)),
        ),
    )


def _rows(table: Table, larger: Table) -> Iterator[dict[str, object]]:
    """Yield a row per proxy and dataset of the classes and repeats that both tables have."""
    number = table.values("class.functional")
    _, first = np.unique(number, return_index=True)
    about = larger.provenance
    classes = ALL if about["rows"] == about["classes"] * about["repeats"] else DRAWN
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
            yield {
                "proxy": proxy,
                "dataset": dataset,
                "classes": classes,
                "n": change.n,
                "repeats": repeats,
                "tau, 16 px": change.before,
                "tau, 32 px": change.before + change.value,
                "change": change.value,
                "lo": change.low,
                "hi": change.high,
                "apart": _apart(taus, repeats),
            }


def _unmoved(ours: effects.Floats, theirs: effects.Floats) -> bool:
    """Return whether scores [R, N] of two resolutions differ by rounding or a factor alone."""
    factor = np.linalg.norm(ours) / np.linalg.norm(theirs)
    return bool(np.allclose(theirs * factor, ours, rtol=1e-3))


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


def _about(rows: pd.DataFrame) -> Iterator[str]:
    yield (
        "Left out: scores that the size of images does not move, and those that are of another "
        "precision at 32 px. "
        f"classes: {ALL}, or a {DRAWN} sample (connected cells in random order, the first of a "
        f"class each); n connected ones with a score, {_sizes(rows, 'n')}, each counted once, "
        "by its first cell (which matters for VKDNW with size, as sizes differ within a class). "
        "apart: how far the means of as many draws of weights and images lie apart in 95 % of "
        "cases, by the repeats at 16 px (Student's t; empty for one repeat); in the figure a band, "
        "which may end beyond the axis."
    )
    yield _beyond(rows)


def _sizes(rows: pd.DataFrame, column: str) -> str:
    least, most = int(rows[column].min()), int(rows[column].max())
    return f"{most:,}" if least == most else f"{least:,} to {most:,}"


def _beyond(rows: pd.DataFrame) -> str:
    of = rows[(rows["dataset"] == DATASETS[0]) & rows["apart"].notna()]
    told = (of["lo"] > 0) | (of["hi"] < 0)
    beyond = of[told & (of["change"].abs() > of["apart"])]
    return (
        "On CIFAR-10 the change is larger than draws lie apart, and its interval without zero, for "
        f"{len(beyond)} of {len(of)} proxies{_listed(beyond)}."
    )


def _figure(rows: pd.DataFrame, what: str) -> Figure:
    shown = rows[rows["dataset"] == DATASETS[0]].sort_values("change", kind="stable")
    shown = shown.assign(place=np.arange(len(shown)))
    figure = new_figure(COLUMN_WIDTH, 1.3 + 0.17 * len(shown))
    axes = figure.add_subplot()
    axes.axvline(0, color="k", linewidth=0.8)
    axes.barh(
        shown["place"],
        2 * shown["apart"],
        left=-shown["apart"],
        height=0.8,
        color=COLOURS["grey"],
        alpha=0.25,
        label="draws at 16 px, 95 %",
    )
    for classes, of in shown.groupby("classes"):
        axes.errorbar(
            of["change"],
            of["place"],
            xerr=[of["change"] - of["lo"], of["hi"] - of["change"]],
            fmt="D",
            markersize=4,
            linewidth=1,
            capsize=2,
            color=COLOURS["cifar10"],
            markerfacecolor=COLOURS["cifar10"] if classes == ALL else "white",
            label=f"{classes} classes, {_sizes(of, 'n')} with a score",
        )
    axes.set_yticks(shown["place"], [words.proxy(str(name)) for name in shown["proxy"]])
    axes.set_ylim(-0.7, len(shown) - 0.3)
    reach = 1.05 * float(np.nanmax([0.01, *shown["lo"].abs(), *shown["hi"].abs()]))
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
