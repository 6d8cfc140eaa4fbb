"""Rank correlations of proxies: published figures beside ours, by the same rule for cells."""

from __future__ import annotations

import functools
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from benchsuite import stats
from benchsuite.api import Report, Result
from benchsuite.errors import UserError
from benchsuite.ranking import truths
from benchsuite.ranking.correlations import CELLS, mask
from benchsuite.reports._common import causes, effects
from benchsuite.reports._common.tables import (
    about_accuracy,
    about_repeats,
    accuracy,
    kind,
    published,
)
from benchsuite.stats.intervals import FEWEST_RESAMPLES
from benchsuite.table.columns import DATASETS, stem
from benchsuite.table.table import Table

EXPECTED = 0.03
Judged = tuple[str, ...]  # Proxy, dataset, rule for cells, accuracy.
LAST = "missing last"
AGREES, SAMPLING, SETTING, DIFFERS = "agrees", "sampling", "setting", "differs"
_mask = functools.cache(mask)


def _make(table: Table) -> Result:
    records = published("correlations")
    runs = _runs(table, records)
    if not runs:
        raise UserError("The table holds no proxy whose correlation is published.")
    error = _errors(table, records, runs)
    rows = [
        row for record in records.to_dict("records") for row in _rows(table, record, runs, error)
    ]
    frame = pd.DataFrame(rows)
    near = int(frame["verdict"].isin([AGREES, SAMPLING]).sum())
    like = near + int((frame["verdict"] == SETTING).sum())
    share = (
        f"Within {EXPECTED} or sampling error: {near} of {len(frame)} rows "
        f"({near / len(frame):.0%}); in the settings of the source, {like} "
        f"({like / len(frame):.0%})."
    )
    return Result(
        tables={"paper_versus_ours": frame},
        notes=(
            about_accuracy(table),
            f"kendall is tau-b, with test {kind(table)}; where `accuracy` says so, as the source "
            f"does, with {truths.about(table, 'validation')}. "
            + "; ".join(f"{rule} = {what}" for rule, (what, _) in CELLS.items())
            + ". n: cells with a score. ours leaves out the others, `missing last` ranks them "
            "below all; the papers do not say which of the two theirs is. lo, hi: 95 % of "
            f"{FEWEST_RESAMPLES} resamples of the cells, for kendall.",
            "ours: mean tau of single runs, of which `runs` there are (they differ in weights and "
            "images; between runs: their deviation); the papers print single runs or means of "
            "their taus. lo, hi: of the mean, over cells. error: how far their figure may lie from "
            "ours by chance, at 95 %: two means of runs that deviate as ours do (Student's t), and "
            "a published sample of fewer cells. "
            f"verdict: {AGREES} = either of ours is within {EXPECTED}; {SAMPLING} = within that "
            f"error; {SETTING} = a setting of the source, run on a sample, makes all of the gap; "
            f"{DIFFERS} = none of these. by: {LAST} = the verdict is another by `ours`. {share}",
            "cause, of a gap that is neither small nor chance: settings that were run on "
            f"160 to {len(effects.runs('settings').cells)} connected cells drawn at random, one of "
            "a class (32 pixels: 80; what dead operators, networks trained on half of the images "
            "and images of a cell's own change: 640 or 1,000 of all cells), and what each adds to "
            "the correlation on those that the row's rule keeps, "
            f"with the 95 % interval of {effects.RESAMPLES} resamples of cells and repeats "
            "together. A setting counts as the cause if its interval excludes zero and its sign is "
            f"the gap's; as all of it, if it leaves no more than {EXPECTED} or `error`, or if its "
            "interval holds the gap and it leaves less than half of it. "
            f"{causes.NOT_FOUND} = none does.",
            "Ours: 32 CIFAR-10 images at 16x16 for all datasets, five cells per stage. "
            f"{about_repeats(table)} Supervised methods and those with public code only for other "
            "spaces are left out; MONAS prints its tau only in a figure.",
        ),
    )


def _errors(
    table: Table, records: pd.DataFrame, runs: Mapping[str, list[str]]
) -> dict[Judged, tuple[float, float]]:
    """Return the interval of our mean tau by proxy, dataset, rule for cells and truth."""
    ends: dict[Judged, tuple[float, float]] = {}
    for (rule, truth), of_both in records.groupby(["cells", "truth"], sort=False):
        here = runs.keys() & set(of_both["proxy"])
        if not here:
            continue
        accuracies = np.array([accuracy(table, dataset, str(truth)) for dataset in DATASETS])
        of_rule = {proxy: runs[proxy] for proxy in sorted(here)}
        chosen, columns = _mask(str(rule)), [name for of in of_rule.values() for name in of]
        sampled = stats.kendall_bootstrap(
            np.array([table.values(name)[chosen] for name in columns]),
            accuracies[:, chosen],
            np.random.default_rng(0),
            directions=[_direction(table, name) for name in columns],
            resamples=FEWEST_RESAMPLES,
        )
        for proxy, of in of_rule.items():
            at = [columns.index(name) for name in of]
            mean = stats.Bootstrap(
                sampled.value[at].mean(axis=0),
                sampled.samples[at].mean(axis=0),
                sampled.units[at].min(axis=0),
            )
            for dataset, low, high in zip(DATASETS, *mean.interval(), strict=True):
                ends[proxy, dataset, str(rule), str(truth)] = float(low), float(high)
    return ends


def _runs(table: Table, records: pd.DataFrame) -> dict[str, list[str]]:
    """Return, by proxy, the columns of its single runs, its own column where it has no repeats."""
    names = {p: table.resolve(p) for p in records["proxy"].unique() if _has(table, p)}
    return {proxy: causes.columns(table, stem(name), "") or [name] for proxy, name in names.items()}


def _has(table: Table, proxy: str) -> bool:
    try:
        table.resolve(proxy)
    except UserError:
        return False
    return True


def _direction(table: Table, name: str) -> stats.Direction:
    direction = table.columns[name].direction
    return "max" if direction == "none" else direction


def _rows(
    table: Table,
    record: Mapping[Hashable, Any],
    runs: Mapping[str, list[str]],
    errors: Mapping[Judged, tuple[float, float]],
) -> list[dict[str, object]]:
    """Return the row of one published figure, or none if the table lacks the proxy."""
    judged = tuple(str(record[key]) for key in ("proxy", "dataset", "cells", "truth"))
    if judged not in errors:
        return []
    proxy, dataset, cells, named = judged
    chosen, metric = _mask(cells), str(record["metric"])
    measure = stats.kendall if metric == "kendall" else stats.spearman
    truth = accuracy(table, dataset, named)[chosen]
    each, last = [], []
    for name in runs[proxy]:
        score = table.values(name)[chosen]
        upward = score if _direction(table, name) == "max" else -score
        worst = np.nanmin(upward) - 1 if np.isfinite(upward).any() else 0.0
        each.append(measure(upward, truth))
        last.append(measure(np.where(np.isfinite(upward), upward, worst), truth).value)
    taus = [one.value for one in each]
    if metric == "abs_spearman":
        taus, last = np.abs(taus).tolist(), np.abs(last).tolist()
    values = [float(np.mean(taus)), float(np.mean(last))]
    theirs, sample = float(str(record["value"])), float(str(record["sample"]))
    low, high = errors[judged]
    gap = min((theirs - value for value in values), key=abs)
    cells_used = int(chosen.sum())
    of_cells = (high - low) / 2 * np.sqrt(cells_used / sample) if sample == sample else 0.0
    error = float(np.hypot(of_cells, _of_runs(taus, int(str(record["runs"])))))
    verdict, why = _verdict(abs(gap), error), ""
    needs_last = verdict != _verdict(abs(theirs - values[0]), error)
    if verdict == DIFFERS:
        of = dataset, cells, metric, named
        near = max(EXPECTED, error)
        gaps = theirs - values[0], theirs - values[1]
        cause = causes.cause(table, proxy, str(record["source"]), gaps, near, of)
        verdict, why = SETTING if cause.whole else DIFFERS, cause.words
    return [
        {
            "proxy": table.resolve(proxy),
            "dataset": dataset,
            "accuracy": named,
            "cells": cells,
            "published sample": f"{sample:,.0f} drawn" if sample == sample else f"{cells_used:,}",
            "n": min(one.n for one in each),
            "metric": metric,
            "published": theirs,
            "ours": values[0],
            "lo": low if metric == "kendall" else np.nan,
            "hi": high if metric == "kendall" else np.nan,
            LAST: values[1],
            "runs": len(each),
            "between runs": float(np.std(taus, ddof=1)) if len(taus) > 1 else np.nan,
            "error": error,
            "difference": values[0] - theirs,
            "verdict": verdict,
            "by": LAST if needs_last else "ours",
            "cause": why,
            "their setting": record["differs"],
            "source": f"{record['source']}, {record['where']}",
        }
    ]


def _of_runs(taus: Sequence[float], theirs: int) -> float:
    """Return how far a mean of `theirs` runs lies from that of these by chance, at 95 %; of one
    run, 0: no other tells how runs deviate.
    """
    ours = len(taus)
    if ours == 1:
        return 0.0
    deviation = float(np.std(taus, ddof=1)) * np.sqrt(1 / ours + 1 / theirs)
    return float(student.ppf(0.975, ours - 1) * deviation)


def _verdict(gap: float, error: float) -> str:
    if gap <= EXPECTED:
        return AGREES
    return SAMPLING if gap <= error else DIFFERS


REPORT = Report(
    title="Proxies: paper and ours",
    answers="published rank correlations on NAS-Bench-201, each beside ours by the same rule",
    make=_make,
)
