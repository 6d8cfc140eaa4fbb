"""Judgement of searches: test accuracies, costs and regret of what they answered, and statistics.

This is the only module of the search part that reads a test column, and it does so after the runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchsuite import compression
from benchsuite.columns import DATASETS
from benchsuite.errors import UserError
from benchsuite.network import OFFICIAL
from benchsuite.problem import Setting, device_columns, full_name, skeleton_columns
from benchsuite.table import Table
from benchsuite.ties import at_most

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

RESAMPLES = 2000
_BLOCK = 500


@dataclass(frozen=True)
class Answer:
    """What a run leaves to be judged; `cells` has the pick first and is empty for none.

    details: of a compressed pick: how it is compressed, its bytes, the fraction of the accuracy
    above chance it `kept` and what that `assumes`; empty for a network of the table.
    """

    seed: int
    cells: tuple[int, ...]
    feasible: bool
    reason: str
    queries: int
    simulated_seconds: float
    optimiser_seconds: float = float("nan")
    details: Mapping[str, Any] = field(default_factory=dict)


def judge(table: Table, setting: Setting, answers: Sequence[Answer]) -> pd.DataFrame:
    """Return one row per run: its pick, what it is worth, and what the search cost.

    Columns: seed, cell, arch, feasible, reason; `test.<dataset>` in % after 200 epochs for each
    dataset the table has; flops, params; every bounded column, and those of the setting's device;
    regret = the best test accuracy of any feasible cell on the search's dataset minus the pick's;
    queries, simulated_seconds. A pick that breaks a bound keeps its numbers but has no regret.
    A compressed pick has none either; its row has all its `details` and, by the assumption they
    name, `compressed.test.<dataset>`, while its other columns are those of the uncompressed cell.
    """
    import pandas as pd

    if setting.skeleton is not None:
        table = table.with_columns(skeleton_columns(setting.skeleton))
    columns = _columns(table, setting)
    target = f"test.{setting.dataset}"
    if target not in columns:
        raise UserError(f"The table has no test accuracy of {setting.dataset} to judge by.")
    keeps = np.ones(len(columns[target]), dtype=bool)
    for name, bound in setting.bounds.items():
        keeps &= at_most(table.values(full_name(table, name, setting)), bound)
    best = float(np.nanmax(columns[target][keeps]))
    archs = table.data.column("arch")
    rows = []
    for run in answers:
        cell = run.cells[0] if run.cells else -1
        values = {name: float(c[cell]) if run.cells else np.nan for name, c in columns.items()}
        rows.append(
            {
                "seed": run.seed,
                "cell": cell,
                "arch": archs[cell].as_py() if run.cells else "",
                "feasible": run.feasible,
                "reason": run.reason,
                **values,
                "regret": best - values[target] if run.feasible and not run.details else np.nan,
                "queries": run.queries,
                "simulated_seconds": run.simulated_seconds,
                **run.details,
                **_compressed(values, run.details),
            }
        )
    return pd.DataFrame(rows)


def _compressed(values: Mapping[str, float], details: Mapping[str, Any]) -> dict[str, float]:
    if "kept" not in details:
        return {}
    return {
        f"compressed.{name}": float(
            compression.apply(value, details["kept"], OFFICIAL[name.removeprefix("test.")].classes)
        )
        for name, value in values.items()
        if name.startswith("test.")
    }


def _columns(table: Table, setting: Setting) -> dict[str, Array]:
    found: dict[str, Array] = {}
    for dataset in DATASETS:
        name = f"{dataset}.test.200ep.mean"
        if any(full.startswith(f"{name}@") for full in table.columns):
            found[f"test.{dataset}"] = table.values(name)
    for cost in ("flops", "params"):
        if f"{setting.dataset}.{cost}" in table.columns:
            found[cost] = table.values(f"{setting.dataset}.{cost}")
    for name in (full_name(table, bound, setting) for bound in setting.bounds):
        found[name] = table.values(name)
    for name in device_columns(table, setting):
        found[name] = table.values(name)
    return found


def sources(table: Table) -> dict[str, str]:
    """Return which column of the table each test accuracy of `judge` is read from."""
    stems = {f"test.{d}": f"{d}.test.200ep.mean" for d in DATASETS}
    return {
        short: table.resolve(stem)
        for short, stem in stems.items()
        if any(full.startswith(f"{stem}@") for full in table.columns)
    }


def summarise(rows: pd.DataFrame, seed: int = 0) -> dict[str, dict[str, float]]:
    """Return, per numeric column, statistics over the runs with a value (see `describe`).

    Only feasible runs count; `failed` says how many did not.
    """
    from pandas.api.types import is_numeric_dtype

    chosen = rows[rows["feasible"].astype(bool)]
    skipped = {"seed", "cell", "arch", "feasible", "reason"}
    return {
        name: {**describe(chosen[name].to_numpy(dtype=float), seed), "failed": _failed(rows)}
        for name in rows.columns
        if name not in skipped and is_numeric_dtype(rows[name])
    }


def describe(values: ArrayLike, seed: int = 0) -> Mapping[str, float]:
    """Return n, mean, std (n - 1), iqm, and 95 % bootstrap intervals over runs.

    lo, hi: of the mean; iqm_lo, iqm_hi: of the interquartile mean, the mean of the middle half
    (Agarwal et al., "Deep RL at the Edge of the Statistical Precipice", NeurIPS 2021, section 4).
    Percentile intervals of 2,000 resamples; the same seed gives the same interval.
    """
    x = np.asarray(values, dtype=np.float64)
    x = x[~np.isnan(x)]
    names = ("mean", "std", "iqm", "lo", "hi", "iqm_lo", "iqm_hi")
    if not len(x):
        return {"n": 0, **dict.fromkeys(names, float("nan"))}
    rng = np.random.default_rng(seed)
    means, iqms = np.empty(RESAMPLES), np.empty(RESAMPLES)
    for start in range(0, RESAMPLES, _BLOCK):
        drawn = x[rng.integers(len(x), size=(min(_BLOCK, RESAMPLES - start), len(x)))]
        means[start : start + _BLOCK] = drawn.mean(axis=1)
        iqms[start : start + _BLOCK] = _middle_means(drawn)
    spread = float(x.std(ddof=1)) if len(x) > 1 else float("nan")
    ends = (*np.quantile(means, [0.025, 0.975]), *np.quantile(iqms, [0.025, 0.975]))
    found = (x.mean(), spread, _middle_means(x[None])[0], *ends)
    return {"n": len(x), **{name: float(v) for name, v in zip(names, found, strict=True)}}


def _middle_means(rows: Array) -> Array:
    """Return the mean of the middle half of each row: [R, n] -> [R]."""
    n = rows.shape[1]
    cut = n // 4
    means: Array = np.sort(rows, axis=1)[:, cut : n - cut].mean(axis=1)
    return means


def _failed(rows: pd.DataFrame) -> int:
    return int((~rows["feasible"].astype(bool)).sum())
