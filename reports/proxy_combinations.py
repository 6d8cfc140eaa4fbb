"""How far proxies get together, and what a forest learns of a few trainings, on cells not used."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure

from benchsuite.api import Report, Result
from benchsuite.ranking.combinations import FOLDS, TRAINING_CELLS, best_combination, tried_on
from benchsuite.ranking.correlations import ceilings
from benchsuite.ranking.learned import TREES, forest_ranking
from benchsuite.reports._common.style import COLOURS, MARKERS, NAMES, PAGE_WIDTH, new_figure
from benchsuite.reports._common.tables import about_accuracy, headline_proxies
from benchsuite.table.columns import DATASETS, family
from benchsuite.table.table import Table

SIZES = {1: "best proxy", 2: "best pair", 3: "best triple"}
AMONG = 10
TRAINED = (100, 1000)
FORESTS = {
    "forest, cell features": False,
    "forest, these and triple": True,
}  # whether the proxies are among the features


def _make(table: Table) -> Result:
    names = headline_proxies(table)
    rows = pd.DataFrame(_rows(table, names))
    _, judged = tried_on(table, names)
    ceiling = {d: noise.headline.tau.value for d, noise in ceilings(table, judged).items()}
    notes = [
        about_accuracy(table),
        f"tau-b on cells that were not used, mean and range of {FOLDS} folds of functional "
        f"classes. Proxies are chosen on {TRAINING_CELLS:,} cells of the other folds, whose "
        f"accuracies the choice thus knows, among the {AMONG} that are best there alone, and "
        "combined by the sum of their ranks, without weights; agreed: how many folds chose these.",
        f"Forests ({TREES} trees) have seen the accuracies of as many cells as `trained` says; the "
        "least size of a leaf is chosen inside them by two folds. Cell features: operators by "
        "edge, counts of operators and paths. The triple is the one that most folds chose, so it "
        f"knows besides the accuracies of the {TRAINING_CELLS:,} cells of each fold it was chosen "
        "on. All are judged on the same cells, those that have a score of all proxies tried.",
    ]
    if ceiling:
        each = ", ".join(f"{NAMES[d]} {tau:.3f}" for d, tau in ceiling.items())
        notes.append(f"Line: tau between two training runs of these cells ({each}).")
    if not _forests():
        notes.append("No forest: scikit-learn is not installed (extra `optimisers`).")
    return Result(
        tables={"proxy_combinations": rows},
        figures={"proxy_combinations": _figure(rows, ceiling)},
        notes=tuple(notes),
    )


def _forests() -> bool:
    return importlib.util.find_spec("sklearn") is not None


def _rows(table: Table, names: list[str]) -> Iterator[dict[str, object]]:
    _, cells = tried_on(table, names)
    for dataset in DATASETS:
        triple: list[str] = []
        for size, method in SIZES.items():
            if size > len({family(name) for name in names}):
                break
            best = best_combination(
                table, names, size=size, dataset=dataset, truth="test", among=AMONG
            ).iloc[0]
            triple = str(best["chosen"]).split(" + ")
            kept = {key: best[key] for key in ("tau", "lo", "hi", "n", "chosen", "agreed")}
            yield {"dataset": dataset, "method": method, "trained": 0, **kept}
        for method, proxies in FORESTS.items() if _forests() else ():
            for trained in TRAINED:
                row = forest_ranking(
                    table,
                    triple * proxies,
                    cell_features=True,
                    trained=trained,
                    dataset=dataset,
                    truth="test",
                    cells=cells,
                )
                of = " + ".join(triple * proxies)
                yield {"dataset": dataset, "method": method, **row, "chosen": of, "agreed": ""}


def _figure(rows: pd.DataFrame, ceiling: dict[str, float]) -> Figure:
    rows = rows.assign(
        label=[
            f"{method}, {trained:,} trained" if trained else method
            for method, trained in zip(rows["method"], rows["trained"], strict=True)
        ]
    )
    labels = list(dict.fromkeys(rows["label"]))
    figure = new_figure(PAGE_WIDTH, 1.1 + 0.26 * len(labels))
    axes = figure.add_subplot()
    places = {label: len(labels) - at for at, label in enumerate(labels)}
    for offset, marker, dataset in zip((0.2, 0, -0.2), MARKERS, DATASETS, strict=False):
        of = rows[rows["dataset"] == dataset]
        at = [places[label] + offset for label in of["label"]]
        errors = [of["tau"] - of["lo"], of["hi"] - of["tau"]]
        colour = COLOURS[dataset]
        axes.errorbar(
            of["tau"], at, xerr=errors, fmt=marker, markersize=3, color=colour, label=NAMES[dataset]
        )
        if dataset in ceiling:
            axes.axvline(ceiling[dataset], color=colour, linewidth=1, linestyle="dotted")
    axes.set_yticks(list(places.values()), list(places))
    axes.set_xlabel("tau-b on cells not used (dotted: run against run)")
    figure.legend(
        *axes.get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize=7
    )
    return figure


REPORT = Report(
    title="Proxies together, and what a few trainings teach",
    answers="Which two or three proxies rank best together, and when is a learned ranking better?",
    make=_make,
)
