"""Rank correlations of proxies: published figures beside ours, by the same rule for cells."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd

from benchsuite import stats
from benchsuite.api import Report, Result
from benchsuite.columns import DATASETS
from benchsuite.correlate import CELLS, mask
from benchsuite.errors import UserError
from benchsuite.table import Table
from reports._tables import about_accuracy, about_repeats, accuracy, kind, published

EXPECTED = 0.03
RESAMPLES = 100
# What is known to be different on our side, by proxy: given as the likely reason of a gap.
LIKELY = {
    "naswot": "theirs counts the ReLUs of a cell twice and sees noise; ours each once, images; "
    "noise moves ours too, see Proxies: settings",
    "zen": "the two agree on cells without dead operators; ours scores the pruned network",
    "grasp": "ill-conditioned: single repeats differ by as much, see Proxies: repeats",
    "grad_norm": "gradients of one batch of 32, at 16x16",
    "grad_norm_global": "gradients of one batch of 32, at 16x16",
    "te_nas": "other batch and inputs for the NTK; regions of the full network here",
    "zico": "two batches of 32; the ratio mean / deviation of two is ill-conditioned",
    "jacob_cov": "inputs of 16x16; cells without a path are missing here",
    "fisher": "theirs is of activations by channel alone; ours weighs channels by their weights",
    "plain": "its sign is random by weights and batch",
}


_mask = functools.cache(mask)


def _make(table: Table) -> Result:
    records = published("correlations")
    error = _errors(table, records)
    rows = [row for record in records.to_dict("records") for row in _rows(table, record, error)]
    frame = pd.DataFrame(rows)
    return Result(
        tables={"paper_versus_ours": frame},
        notes=(
            about_accuracy(table),
            f"kendall is tau-b, with test {kind(table)}. "
            + "; ".join(f"{rule} = {what}" for rule, (what, _) in CELLS.items())
            + ". n: cells with a score. ours leaves out the others, `missing last` ranks them "
            "below all; the papers do not say which of the two theirs is. lo, hi: 95 % of "
            f"{RESAMPLES} resamples of the cells, for kendall.",
            f"verdict: agrees = either of ours is within {EXPECTED}; sampling = it is once "
            "the error "
            "of a published sample of fewer cells is added; differs = neither, with the likely "
            f"reason. Ours: 32 CIFAR-10 images at 16x16 for all datasets, five cells per stage. "
            f"{about_repeats(table)} Supervised methods and those with public code only for other "
            "spaces are left out; MONAS prints its tau only in a figure.",
            "Verdicts: "
            + "; ".join(f"{name} {count} of {len(frame)}" for name, count in _counts(frame).items())
            + ".",
        ),
    )


def _counts(frame: pd.DataFrame) -> dict[str, int]:
    first = frame["verdict"].str.partition(":")[0]
    return {name: int((first == name).sum()) for name in ("agrees", "sampling", "differs")}


def _errors(table: Table, records: pd.DataFrame) -> dict[tuple[str, str, str], tuple[float, float]]:
    """Return the interval of our tau by proxy, dataset and rule for cells."""
    truths = np.array([accuracy(table, dataset) for dataset in DATASETS])
    found = {}
    for rule in records["cells"].unique():
        names = {
            str(proxy): table.resolve(str(proxy))
            for proxy in records.loc[records["cells"] == rule, "proxy"].unique()
            if _has(table, str(proxy))
        }
        chosen = _mask(str(rule))
        sampled = stats.kendall_bootstrap(
            np.array([table.values(name)[chosen] for name in names.values()]),
            truths[:, chosen],
            np.random.default_rng(0),
            directions=[_direction(table, name) for name in names.values()],
            resamples=RESAMPLES,
        )
        low, high = sampled.interval()
        for p, proxy in enumerate(names):
            for t, dataset in enumerate(DATASETS):
                found[proxy, dataset, str(rule)] = float(low[p, t]), float(high[p, t])
    return found


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
    record: dict[str, object],
    errors: dict[tuple[str, str, str], tuple[float, float]],
) -> list[dict[str, object]]:
    """Return the row of one published figure, or none if the table lacks the proxy."""
    proxy, dataset, cells = (str(record[key]) for key in ("proxy", "dataset", "cells"))
    if (proxy, dataset, cells) not in errors:
        return []
    name, chosen = table.resolve(proxy), _mask(cells)
    metric = str(record["metric"])
    measure = stats.kendall if metric == "kendall" else stats.spearman
    direction = _direction(table, name)
    score, truth = table.values(name)[chosen], accuracy(table, dataset)[chosen]
    ours = measure(score, truth, direction=direction)
    upward = score if direction == "max" else -score
    worst = np.nanmin(upward) - 1 if np.isfinite(upward).any() else 0.0
    last = measure(np.where(np.isfinite(upward), upward, worst), truth)
    values = [ours.value, last.value]
    if metric == "abs_spearman":
        values = [abs(value) for value in values]
    theirs, sample = float(str(record["value"])), float(str(record["sample"]))
    low, high = errors[proxy, dataset, cells]
    gap = min(abs(value - theirs) for value in values)
    cells_used = int(chosen.sum())
    spread = (high - low) / 2 * np.sqrt(cells_used / sample) if sample == sample else 0.0
    return [
        {
            "proxy": name,
            "dataset": dataset,
            "cells": cells,
            "published sample": f"{sample:,.0f} drawn" if sample == sample else f"{cells_used:,}",
            "n": ours.n,
            "metric": metric,
            "published": theirs,
            "ours": values[0],
            "lo": low if metric == "kendall" else np.nan,
            "hi": high if metric == "kendall" else np.nan,
            "missing last": values[1],
            "difference": values[0] - theirs,
            "verdict": _verdict(gap, spread, proxy),
            "their setting": record["differs"],
            "source": f"{record['source']}, {record['where']}",
        }
    ]


def _verdict(gap: float, spread: float, proxy: str) -> str:
    if gap <= EXPECTED:
        return "agrees"
    if gap <= EXPECTED + spread:
        return "sampling"
    return f"differs: {LIKELY.get(proxy, 'no known reason')}"


REPORT = Report(
    title="Proxies: paper and ours",
    answers="published rank correlations on NAS-Bench-201, each beside ours by the same rule",
    make=_make,
)
