"""Judgement of searches: test accuracies, costs and regret of what they answered, and statistics.

This is the only module of the search part that reads a test column, and it does so after the runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchsuite.errors import UserError
from benchsuite.numerics.ties import at_most
from benchsuite.replays import compressed
from benchsuite.simulation.problem import device_columns, full_name, short_names
from benchsuite.simulation.setting import Setting
from benchsuite.simulation.skeleton import skeleton_columns
from benchsuite.stats import intervals
from benchsuite.table.columns import DATASETS
from benchsuite.table.table import Table

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Answer:
    """What a run leaves to be judged; `cells` has the pick first and is empty for none.

    details: of a compressed pick: how it is compressed, its bytes, the fraction of the accuracy
    above chance it `kept`, what that would be `kept_without` each cell that it was measured on, and
    what it `assumes`; empty for a network of the table.
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
    dataset the table has, and `valid.<dataset>` for that of the search; flops, params of the
    search's network; every bounded column, and those of the setting's device; regret = the best
    test accuracy of any feasible cell on the search's dataset minus the pick's;
    queries, simulated_seconds. A pick that breaks a bound keeps its numbers but has no regret.
    A compressed pick has none either; its row has all its `details` and, by the assumption they
    name, `compressed.test.<dataset>`, while its other columns are those of the uncompressed cell.
    """
    import pandas as pd

    if setting.skeleton is not None:
        table = table.with_columns(skeleton_columns(setting.skeleton))
    columns = _columns(table, setting)
    target = f"test.{setting.dataset}"
    tested = columns[target][_keeps(table, setting)]
    best = float(np.max(tested, initial=-np.inf, where=~np.isnan(tested)))
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
                **compressed.accuracies(values, run.details),
            }
        )
    return pd.DataFrame(rows)


def attainable(table: Table, setting: Setting) -> dict[str, tuple[float, float]]:
    """Return, per column of `judge` but costs of the search, its least and most of feasible cells.

    Raises UserError as `judge` does.
    """
    if setting.skeleton is not None:
        table = table.with_columns(skeleton_columns(setting.skeleton))
    keeps = _keeps(table, setting)
    of = {name: values[keeps] for name, values in _columns(table, setting).items()}
    known = {name: values[np.isfinite(values)] for name, values in of.items()}
    ends = {name: (float(v.min()), float(v.max())) for name, v in known.items() if len(v)}
    least, most = ends.get(f"test.{setting.dataset}", (np.nan, np.nan))
    return {**ends, "regret": (0.0, most - least)}


def _keeps(table: Table, setting: Setting) -> NDArray[np.bool_]:
    """Return which cells keep all bounds of a search."""
    keeps = np.ones(len(table), dtype=bool)
    for name, bound in setting.bounds.items():
        keeps &= at_most(table.values(full_name(table, name, setting)), bound)
    return keeps


def _columns(table: Table, setting: Setting) -> dict[str, Array]:
    """Return the columns of `judge` that are of a cell; UserError without one to judge by."""
    found = {name: table.values(full) for name, full in sources(table, setting.dataset).items()}
    if f"test.{setting.dataset}" not in found:
        raise UserError(f"The table has no test accuracy of {setting.dataset} to judge by.")
    own = short_names(table, setting)
    found |= {cost: table.values(own[cost]) for cost in ("flops", "params") if cost in own}
    for name in (full_name(table, bound, setting) for bound in setting.bounds):
        found[name] = table.values(name)
    for name in device_columns(table, setting):
        found[name] = table.values(name)
    return found


def sources(table: Table, dataset: str) -> dict[str, str]:
    """Return which column of the table each accuracy of `judge` is read from."""
    stems = {f"test.{d}": f"{d}.test.200ep.mean" for d in DATASETS}
    stems[f"valid.{dataset}"] = f"{dataset}.valid.200ep.mean"
    return {
        short: table.resolve(stem)
        for short, stem in stems.items()
        if any(full.startswith(f"{stem}@") for full in table.columns)
    }


def estimated(table: Table, dataset: str) -> list[str]:
    """Return which columns of `judge` are estimates in a table, or rest on one."""
    of = sources(table, dataset)
    found = [short for short, full in of.items() if table.columns[full].estimated]
    rest = [f"{compressed.PREFIX}{short}" for short in found if short.startswith("test.")]
    return [*found, *rest, *(["regret"] if f"test.{dataset}" in found else [])]


def summarise(
    rows: pd.DataFrame, possible: Mapping[str, tuple[float, float]], seed: int = 0
) -> dict[str, dict[str, float]]:
    """Return, per numeric column, statistics over the runs with a value (see `describe`).

    Only feasible runs count; `failed` says how many did not. possible: of `attainable`; no interval
    of a mean begins or ends beyond what feasible cells have, as no mean of them is. Of compressed
    picks, which keep to bounds as they are compressed, only the regret is held so; intervals of
    accuracies that rest on the compression response hold its error too.
    """
    from pandas.api.types import is_numeric_dtype

    chosen = rows[rows["feasible"].astype(bool)]
    skipped = {"seed", "cell", "arch", "feasible", "reason"}
    found = {
        name: {
            **describe(
                chosen[name].to_numpy(dtype=float), seed, compressed.without_each(chosen, name)
            ),
            "failed": _failed(rows),
        }
        for name in rows.columns
        if name not in skipped and is_numeric_dtype(rows[name])
    }
    for name in set(found) & set(possible if "kept" not in rows else ("regret",)):
        for end in ("lo", "hi", "iqm_lo", "iqm_hi"):
            found[name][end] = float(np.clip(found[name][end], *possible[name]))
    return found


def failures(rows: pd.DataFrame) -> list[str]:
    """Return a sentence per reason for which runs of a search failed, the most frequent first."""
    why = rows.loc[~rows["feasible"].astype(bool), "reason"].value_counts()
    return [f"{n} of {len(rows)} runs failed: {reason}." for reason, n in why.items()]


def describe(
    values: ArrayLike, seed: int = 0, without: ArrayLike | None = None
) -> Mapping[str, float]:
    """Return n, mean, std (n - 1), iqm, and 95 % intervals over the runs that have a value.

    lo, hi: of the mean; iqm_lo, iqm_hi: of the interquartile mean (Agarwal et al., "Deep RL at the
    Edge of the Statistical Precipice", NeurIPS 2021, section 4). Both as
    `benchsuite.stats.intervals`, NaN where the runs are too few for one or all give one value;
    seed: of its resamples; without: the values without each of G groups of what they rest on,
    [G, S], by default of one that all hold.
    """
    x = np.asarray(values, dtype=np.float64)
    known = ~np.isnan(x)
    left = (x[None] if without is None else np.asarray(without, dtype=np.float64))[:, known]
    x = x[known]
    mean, middle = intervals.mean(x), intervals.middle_mean(x, seed, left)
    if len(x):
        mean = compressed.on_response(mean, left.mean(axis=1))
    low, high = mean.interval()
    spread = float(x.std(ddof=1)) if len(x) > 1 else float("nan")
    names = ("mean", "std", "iqm", "lo", "hi", "iqm_lo", "iqm_hi")
    found = (float(mean.value), spread, middle[0], float(low), float(high), *middle[1:])
    return {"n": len(x), **dict(zip(names, found, strict=True))}


def _failed(rows: pd.DataFrame) -> int:
    return int((~rows["feasible"].astype(bool)).sum())
