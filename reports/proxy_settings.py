"""What the network and the images of the proxies' table change: other settings, beside repeats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchsuite import stats
from benchsuite.api import Report, Result
from benchsuite.assembly import shipped
from benchsuite.ranking.correlations import direction_of
from benchsuite.reports._common import words
from benchsuite.reports._common.causes import columns
from benchsuite.reports._common.style import (
    COLOURS,
    COLUMN_WIDTH,
    MARKERS,
    PALETTE,
    legend_above,
    new_figure,
    tidy,
)
from benchsuite.reports._common.tables import (
    DEAD,
    about_accuracy,
    accuracy,
    headline_proxies,
    kind,
    other_precision,
    repeats_of,
)
from benchsuite.table.columns import DATASETS, stem
from benchsuite.table.table import Table

BETWEEN, OTHER = "tau between repeats", "tau of the settings"
LOWER = "lower by"  # the latter than the former
MORE = 0.02


def _make(table: Table) -> Result:
    variants = shipped.variants()
    rows = pd.DataFrame(
        row for setting, other in variants.items() for row in _rows(table, setting, other)
    )
    return Result(
        tables={"proxy_settings": rows, "proxy_settings_made": _settings(variants)},
        figures={"proxy_settings": _figure(rows, _settings(variants))},
        notes=(
            about_accuracy(table),
            "Noise was scored on a random sample of classes, 32 px on all of them, or on a sample "
            "where n is less, by as many repeats as are told; n classes with a score, each counted "
            "once. "
            f"{OTHER}: mean tau-b between each of its repeats and those of the table with "
            "other weights (of proxies with one repeat, with the same weights); "
            f"{BETWEEN}: the same between repeats of the table. Where the former "
            "is no lower than the latter, the setting changes the order of the classes no more "
            "than new weights and images do. Left out: scores of another precision than the "
            "table's.",
            "Figure: the table's scores are of 16 px images of CIFAR-10, 10 classes.",
            f"tau here, tau there: with CIFAR-10 test {kind(table)} on these classes, of the "
            f"table's repeats (mean of their tau) and of the setting's. {DEAD}.",
            _larger(rows),
        ),
    )


def _rows(table: Table, setting: str, other: Table) -> Iterator[dict[str, str | int | float]]:
    """Yield one row per proxy of a setting that the table holds too."""
    repeats = repeats_of(table)
    truth = accuracy(table, DATASETS[0])
    unlike = other_precision(table, other)
    for name in headline_proxies(table):
        if name not in other.columns or table.columns[name].family in unlike:
            continue
        alone = columns(other, stem(name), "") or [name]
        scored = np.isfinite(np.array([other.values(of) for of in alone]))
        cells = _one_per_class(table, scored.all(axis=0))
        there = [other.values(of)[cells] for of in alone]
        here = [table.values(of)[cells] for of in repeats.get(name, [name])]
        direction = direction_of(table, name)
        # Repeats of one number share weights and images.
        pairs = [(i, j) for j in range(len(there)) for i in range(len(here)) if i != j]
        other_tau = float(np.mean([_tau(here[i], there[j]) for i, j in pairs or [(0, 0)]]))
        between = [_tau(here[i], here[j]) for i, j in pairs if j < len(here)]
        own_tau = float(np.mean(between)) if between else np.nan
        yield {
            "setting": setting,
            "proxy": stem(name),
            "n": len(cells),
            "repeats": len(there),
            OTHER: other_tau,
            BETWEEN: own_tau,
            LOWER: own_tau - other_tau,
            "tau here": float(np.mean([_tau(a, truth[cells], direction) for a in here])),
            "tau there": float(np.mean([_tau(a, truth[cells], direction) for a in there])),
        }


def _one_per_class(table: Table, scored: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the first scored cell of every class that has one."""
    cells = np.flatnonzero(scored)
    _, first = np.unique(table.values("class.functional")[cells], return_index=True)
    return cells[np.sort(first)]


def _tau(
    a: NDArray[np.float64], b: NDArray[np.float64], direction: stats.Direction = "max"
) -> float:
    return stats.kendall(a, b, direction=direction).value


def _settings(variants: Mapping[str, Table]) -> pd.DataFrame:
    """Return what each setting is."""
    rows = []
    for name, table in variants.items():
        made = table.provenance["settings"]
        rows.append(
            {
                "setting": name,
                **made["skeleton"],
                "batch": made["batch"]["size"],
                "images": made["batch"]["images"],
                "scored classes": table.provenance["rows"] // table.provenance["repeats"],
                "repeats": table.provenance["repeats"],
            }
        )
    return pd.DataFrame(rows)


def _larger(rows: pd.DataFrame) -> str:
    """Say, per setting, of how many proxies its draws differ more than repeats do."""
    said = []
    for setting, of in rows[rows[LOWER].notna()].groupby("setting", sort=False):
        said.append(f"{setting} {int((of[LOWER] > MORE).sum())} of {len(of)}")
    return (
        "No verdict: each setting is a draw or few of weights and images. Proxies whose order it "
        f"changes more than a repeat does, by more than {MORE}, which is ours: {'; '.join(said)}. "
        f"{LOWER} has each of them."
    )


def _called(made: pd.DataFrame) -> dict[str, str]:
    """Return what each setting is, in words: its images, their size and number of classes."""
    called = {}
    for row in made.itertuples():
        drawn = row.images == "gaussian"
        images = "noise" if drawn else "CIFAR-10 images"
        called[str(row.setting)] = f"{images}, {row.resolution} px, {row.classes} classes"
    return called


def _figure(rows: pd.DataFrame, made: pd.DataFrame) -> Figure:
    called = _called(made)
    rows = rows.assign(setting=rows["setting"].map(called))
    proxies = list(dict.fromkeys(rows["proxy"]))
    figure = new_figure(COLUMN_WIDTH, max(2.6, 1.3 + 0.17 * len(proxies)))
    axes = figure.add_subplot()
    place = {name: len(proxies) - at for at, name in enumerate(proxies)}
    noise = rows.groupby("proxy")[BETWEEN].mean().dropna()
    axes.plot(
        noise,
        [place[name] for name in noise.index],
        "|",
        color=COLOURS["grey"],
        markersize=11,
        markeredgewidth=2,
        label="the table: repeats with each other",
    )
    settings = list(dict.fromkeys(rows["setting"]))
    for at, (name, colour) in enumerate(zip(settings, PALETTE, strict=False)):
        of = rows[rows["setting"] == name]
        axes.plot(
            of[OTHER],
            [place[p] for p in of["proxy"]],
            MARKERS[at],
            color=colour,
            markersize=4,
            label=name,
        )
    axes.set_yticks(list(place.values()), [words.proxy(name) for name in place])
    axes.set_xlabel("tau-b with the table's scores")
    tidy(axes, "x")
    legend_above(figure, axes, 1)
    return figure


REPORT = Report(
    title="Proxies: settings",
    answers="what other images, resolutions and heads change in the order of the cells",
    make=_make,
)
