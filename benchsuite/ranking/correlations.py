"""How well proxies rank cells: rank correlations with accuracy, a row per proxy and dataset."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchsuite import stats
from benchsuite.errors import UserError, did_you_mean
from benchsuite.parallel.cores import cores
from benchsuite.parameters import check_whole
from benchsuite.ranking.truths import BEST, column_of
from benchsuite.space import equivalence
from benchsuite.space.cell import N_CELLS, all_ops, connected, prune
from benchsuite.stats.intervals import CELLS as ENOUGH
from benchsuite.stats.intervals import RESAMPLES
from benchsuite.table.columns import DATASETS, seconds_name, stem
from benchsuite.table.table import Table

if TYPE_CHECKING:
    import pandas as pd

TOP, MOST = 1000, 1100  # Best cells, and how many ties may make of them.
Mask = NDArray[np.bool_]
Array = NDArray[np.float64]

# Which cells a correlation is taken over: the first trap in comparing published figures.
CELLS: dict[str, tuple[str, Callable[[], Mask]]] = {
    "all": ("all 15,625 cells", lambda: np.ones(N_CELLS, dtype=bool)),
    "connected": (
        "the 15,284 cells with an input-output path",
        connected,
    ),
    "pruned": (
        "the 9,445 cells without a dead operator",
        lambda: np.asarray((prune(all_ops()) == all_ops()).all(axis=1)),
    ),
}


def mask(cells: str) -> Mask:
    """Return which cells [15625] one of `CELLS` keeps; UserError for an unknown rule."""
    if cells not in CELLS:
        raise UserError(
            f"There is no rule {cells!r} for choosing cells; there are {', '.join(CELLS)}."
            + did_you_mean(cells, CELLS)
        )
    return CELLS[cells][1]()


def proxies_in(table: Table, wanted: Sequence[str] = ()) -> list[str]:
    """Return the full names of the proxies in a table, all or those wanted.

    A wanted name is a column (`flops@1`, `cifar10.valid.12ep.mean`), a proxy (`flops`), a proxy of
    several numbers, which stands for all of them (`ntk_cond`), or a detail that has a direction
    (`ntk_cond.k3`). Raises
    UserError for a name the table does not hold, and for a table without any proxy.
    """
    present = [name for name, column in table.columns.items() if column.kind == "proxy"]
    if not (wanted or present):
        raise UserError("The table holds no proxy; `benchsuite tabulate` scores cells.")
    if not wanted:
        return present
    known = set(map(stem, table.columns)) | set(table.columns)
    found: list[str] = []
    for name in wanted:
        family = [full for full in present if full.startswith(f"{name}.")]
        if name not in known:
            if not family:
                heads = {table.columns[full].family for full in present}
                near = did_you_mean(name, heads) or did_you_mean(name, known)
                raise UserError(
                    f"The table has no proxy {name!r}."
                    + (near or f" It has {', '.join(sorted(heads))}.")
                    + " Scores of your own come from `benchsuite tabulate`, or by --scores."
                )
            found += family
        else:
            found.append(table.resolve(name))
    return list(dict.fromkeys(found))


def correlations(
    table: Table,
    proxies: Sequence[str] = (),
    *,
    cells: Sequence[str] = ("all",),
    datasets: Sequence[str] = DATASETS,
    truth: str = BEST,
    resamples: int = RESAMPLES,
    seed: int = 0,
    common: bool = False,
) -> pd.DataFrame:
    """Return `correlation_rows` as a DataFrame."""
    import pandas as pd

    return pd.DataFrame(
        correlation_rows(
            table,
            proxies,
            cells=cells,
            datasets=datasets,
            truth=truth,
            resamples=resamples,
            seed=seed,
            common=common,
        )
    )


def same_cells(table: Table, names: Sequence[str], cells: Sequence[str]) -> bool:
    """Return whether columns, named in full, have values on the same of the chosen cells."""
    chosen = np.any([mask(rule) for rule in cells], axis=0)
    have = [np.isfinite(table.values(name))[chosen] for name in names]
    return all((other == have[0]).all() for other in have[1:])


def correlation_rows(
    table: Table,
    proxies: Sequence[str] = (),
    *,
    cells: Sequence[str] = ("all",),
    datasets: Sequence[str] = DATASETS,
    truth: str = BEST,
    resamples: int = RESAMPLES,
    seed: int = 0,
    common: bool = False,
) -> list[dict[str, Any]]:
    """Return one row per (cells, proxy, dataset) with rank correlations and their intervals.

    tau is Kendall's tau-b with its 95 % bootstrap interval (lo, hi). It resamples cells, or, for a
    score that most of the cells lack, functional classes, of which a sample was tabulated: see
    `resampled`. class_lo and class_hi resample classes in any case: cells of one class share a
    score, so that interval is the wider one. n_classes counts the classes of the cells used.
    weighted_tau, spearman, tau_top1000 (of the best 1,000 of the chosen cells by accuracy those
    with a score, n_top1000) and tau_given_flops (partial tau) follow. Below `intervals.CELLS`
    cells, or classes, there is no interval, and no tau_top1000, nor where ties with the last of
    the best make them more than 1,100: reason says what is missing why.
    n counts the cells used, missing those without a score or an accuracy, ties_score and
    ties_accuracy the tied pairs; seconds is the mean processor time of one repeat of a score, of
    which it may be the mean of several, where the table tells it, NaN elsewhere. Every score is
    turned so that more is better.
    truth: what accuracy is, as `truths.column_of` takes it; accuracy is the column that was it;
    common: take every score on the cells alone that all of them have. Raises UserError for an
    unknown proxy, rule for cells, dataset or truth, and for too few resamples.
    """
    stats.enough_resamples(resamples)
    check_whole(seed, "The seed", low=0)
    names = proxies_in(table, proxies)
    targets = [column_of(table, truth, dataset) for dataset in datasets]
    scores = np.array([table.values(name) for name in names])
    if common:
        scores[:, ~np.isfinite(scores).all(axis=0)] = np.nan
    truths = np.array([table.values(name) for name in targets])
    directions = [direction_of(table, name) for name in names]
    flops = table.values("cifar10.flops")
    of_class = functional_classes(table)
    rows = []
    for rule in cells:
        chosen = mask(rule)
        units = [_unit(score[chosen]) for score in scores]
        low, high = np.empty((2, len(names), len(targets)))
        class_ends = np.empty((2, len(names), len(targets)))
        rests_on = np.empty((len(names), len(targets)), dtype=np.int64)
        for unit, groups in (("cells", None), ("classes", of_class[chosen])):
            of_unit = [p for p, its in enumerate(units) if unit in ("classes", its)]
            if not of_unit:
                continue
            resampled = stats.kendall_bootstrap(
                scores[of_unit][:, chosen],
                truths[:, chosen],
                np.random.default_rng(seed),
                directions=[directions[p] for p in of_unit],
                groups=groups,
                resamples=resamples,
                threads=cores(),
            )
            ends = resampled.interval()
            mine = np.array([units[p] == unit for p in of_unit])
            judged = np.array(of_unit)[mine]
            low[judged], high[judged] = ends[0][mine], ends[1][mine]
            rests_on[judged] = resampled.units[mine]
            if unit == "classes":
                class_ends[:] = ends
        for p, name in enumerate(names):
            for t, target in enumerate(targets):
                found = _row(scores[p, chosen], truths[t, chosen], flops[chosen], directions[p])
                none = bool(np.isnan(low[p, t]))
                top = int(stats.top_k(truths[t, chosen], TOP).sum())
                if top > MOST:
                    found["tau_top1000"] = np.nan
                rows.append(
                    {
                        "proxy": name,
                        "dataset": datasets[t],
                        "cells": rule,
                        **found,
                        "n_classes": _distinct(of_class[chosen], scores[p], truths[t], chosen),
                        "lo": low[p, t],
                        "hi": high[p, t],
                        "resampled": units[p],
                        "class_lo": class_ends[0, p, t],
                        "class_hi": class_ends[1, p, t],
                        "seconds": seconds(table, name, chosen),
                        "accuracy": target,
                        "reason": _why(found, rests_on[p, t], units[p], none, top),
                    }
                )
    return rows


def functional_classes(table: Table) -> NDArray[np.int64]:
    """Return the functional class of every cell [15625]: as the table has it, else computed."""
    name = "class.functional"
    known = table.values(name) if name in table.columns else equivalence.classes("functional")
    return known.astype(np.int64)


def _why(row: Mapping[str, Any], units: int, unit: str, none: bool, top: int) -> str:
    """Return why a row has no interval or no tau of the best cells, empty where it has both."""
    why = []
    if np.isnan(row["tau"]):
        why.append("no tau: fewer than two cells, or one side is constant")
    elif units < ENOUGH:
        why.append(f"no interval: {units} {unit}, {ENOUGH} are needed")
    elif none:
        why.append("no interval: all resamples are alike")
    if top > MOST:
        why.append(f"no tau_top1000: with ties for the last place the best 1,000 are {top:,}")
    elif row["n_top1000"] < ENOUGH:
        why.append(
            f"no tau_top1000: {row['n_top1000']} of the best 1,000 cells have a score, "
            f"{ENOUGH} are needed"
        )
    return "; ".join(why)


def _unit(score: Array) -> str:
    return "cells" if 2 * np.isfinite(score).sum() >= len(score) else "classes"


def _distinct(of_class: NDArray[np.int64], x: Array, y: Array, chosen: Mask) -> int:
    return len(np.unique(of_class[np.isfinite(x[chosen]) & np.isfinite(y[chosen])]))


def seconds(table: Table, name: str, chosen: Mask) -> float:
    """Return the mean processor seconds per cell of a proxy alone, NaN where it was not timed."""
    head, *rest = stem(name).split(".")
    stems = (f"alone.{head}.{rest[-1]}" if rest else "", f"alone.{head}")
    timed = next((n for n in map(seconds_name, stems) if n in table.columns), None)
    if timed is None:
        return float("nan")
    values = table.values(timed)[chosen]
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def ceilings(
    table: Table, cells: Mask, datasets: Sequence[str] = DATASETS, truth: str = BEST
) -> dict[str, stats.NoiseCeiling]:
    """Return by dataset how well one training run ranks some cells [15625] as another does.

    Runs are the columns `...seed...` beside the mean that the truth is, of its release; a dataset
    without two of them, as with estimates, has no entry.
    """
    found = {}
    for dataset in datasets:
        mean = column_of(table, truth, dataset)
        start, release = stem(mean).removesuffix("mean"), table.columns[mean].release
        seeds = [
            name
            for name, column in table.columns.items()
            if name.startswith(f"{start}seed") and column.release == release
        ]
        if len(seeds) > 1:
            runs = np.stack([table.values(name)[cells] for name in seeds], axis=1)
            found[dataset] = stats.noise_ceiling(runs)
    return found


def direction_of(table: Table, name: str) -> stats.Direction:
    """Return which end of a column is good; UserError for one that is no score."""
    direction = table.columns[name].direction
    if direction == "none":
        raise UserError(f"{name!r} has no direction: it is no score, so it cannot be correlated.")
    return direction


def _row(
    score: NDArray[np.float64],
    truth: NDArray[np.float64],
    flops: NDArray[np.float64],
    direction: stats.Direction,
) -> dict[str, Any]:
    measure = functools.partial(stats.kendall, direction=direction)
    tau = measure(score, truth)
    best = stats.top_k_kendall(score, truth, TOP, direction=direction)
    return {
        "n": tau.n,
        "missing": tau.n_missing,
        "tau": tau.value,
        "weighted_tau": stats.weighted_kendall(score, truth, direction=direction).value,
        "spearman": stats.spearman(score, truth, direction=direction).value,
        "tau_top1000": best.value if best.n >= ENOUGH else np.nan,
        "n_top1000": best.n,
        "tau_given_flops": stats.partial_kendall(score, truth, flops, direction=direction).value,
        "ties_score": tau.ties_x,
        "ties_accuracy": tau.ties_y,
    }
