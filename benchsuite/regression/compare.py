"""Compare two sets of results and say which differences are regressions.

What is a function of the cells' structure has to be equal. Scores of proxies are compared cell by
cell, by the ranking, and by their tau-b with accuracy (paired bootstrap). Searches are compared by
a test over seeds, and speeds by their ratio to a reference that ran beside them. What is equal is
not tested, so an unchanged result never alarms by chance.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchsuite.errors import UserError
from benchsuite.regression.baseline import Baseline
from benchsuite.regression.check import Check, Verdict
from benchsuite.regression.compare_replays import compare_replays
from benchsuite.regression.compare_scores import Array, Scores, compare_scores, shown
from benchsuite.regression.compare_speeds import compare_speeds
from benchsuite.regression.since import judged, since
from benchsuite.regression.tolerances import Tolerances
from benchsuite.table.columns import stem
from benchsuite.table.table import Table

if TYPE_CHECKING:
    import pandas as pd


def compare(
    before: Baseline, after: Baseline, allowed: Tolerances, *, measured_now: bool = False
) -> list[Check]:
    """Return every comparison of a later set of results with an earlier one.

    A part that only the earlier one has is `untold`, and what differs beside another library or
    processor `moved`. measured_now: whether the later one is no baseline of its own. Raises
    UserError, which says how to have the same, where they measure different things, or nothing.
    """
    _same_settings(before, after, measured_now)
    checks: list[Check] = []
    if before.table is not None and after.table is not None:
        checks += _columns(before, after.table, allowed)
        checks += _table_scores(before, after.table, allowed)
    elif before.table is not None:
        checks.append(Check("baseline", "table", "untold", "There is no table to compare with."))
    frames = {}
    for name, frame in before.frames.items():
        if name in after.frames and len(frame):
            frames[name] = frame, after.frames[name]
        else:
            side = "in the baseline" if not len(frame) else "to compare with"
            checks.append(Check("baseline", name, "untold", f"There are no {name} {side}."))
    if "scores" in frames:
        checks += _sample(*frames["scores"], allowed)
    if "tau" in frames:
        moved = {c.name for c in checks if c.part in ("scores", "columns") and c.verdict != "same"}
        checks += _tau(*frames["tau"], moved)
    if "replays" in frames:
        estimated = frozenset(after.made_by.get("estimated", ()))
        checks += compare_replays(*frames["replays"], allowed, estimated)
    if "speeds" in frames:
        checks += compare_speeds(*frames["speeds"], allowed)
    if not checks:
        raise UserError("The baseline holds nothing to compare with: save it again.")
    return list(judged(checks, since(before.made_by, after.made_by)))


def regressions(checks: Sequence[Check]) -> list[Check]:
    """Return the checks that are regressions."""
    return [check for check in checks if check.verdict == "regression"]


def _same_settings(before: Baseline, after: Baseline, measured_now: bool) -> None:
    old, new = asdict(before.settings), asdict(after.settings)
    changed = [f"{k} {old[k]!r} and {new[k]!r}" for k in old if old[k] != new[k]]
    used = {
        "images": (before.settings.proxies, "images", "have the images"),
        "accuracies": (before.studies, "accuracy", "set BENCHSUITE_DATA"),
    }
    ways = []
    for what, (uses, source, way) in used.items():
        both = before.made_by.get(what), after.made_by.get(what)
        if uses and None not in both and both[0] != both[1]:
            named = before.made_by.get(source), after.made_by.get(source)
            x, y = both if None in named or named[0] == named[1] else named
            changed.append(f"other {what} ({x!r} and {y!r})")
            ways.append(way)
    if before.studies != after.studies:
        changed.append("other studies")
    if not changed:
        return
    how = " and ".join(ways)
    if not measured_now:
        advice = (
            f"Save both with the same options{f' ({how} alike)' if how else ''}, or compare with a "
            "new measurement by leaving --against out."
        )
    else:
        again = f"{how} as when the baseline was saved, or save it again." if how else "save again."
        advice = again[0].upper() + again[1:]
    raise UserError(f"The two sets do not measure the same thing: {'; '.join(changed)}. {advice}")


def _columns(before: Baseline, after: Table, allowed: Tolerances) -> Iterator[Check]:
    """Compare what is a function of structure, and the accuracies: every cell has to be equal."""
    assert before.table is not None
    for name in before.exact:
        if _version_is_raised(before.table, after, name):
            continue  # It is announced; `_table_scores` says what moved.
        if name not in after.columns:
            what = "accuracies come and go with the files that are present"
            why = f" ({what})" if before.table.column(name).kind == "accuracy" else ""
            yield Check("columns", name, "regression", f"The column is gone{why}.")
            continue
        x, y = before.table.values(name), after.values(name)
        rule = allowed.of("columns", name)
        if np.isnan(x).all():
            what = f"None of the {len(x)} cells had a value: nothing to compare with."
            yield Check("columns", name, "untold", what)
            continue
        if np.array_equal(x, y, equal_nan=True):
            yield Check("columns", name, "same", f"All {len(x)} values are equal.")
            continue
        close = _close(x, y, rule.relative)
        off = int((~close).sum())
        apart = ~close if off else (x != y) & ~(np.isnan(x) & np.isnan(y))
        first = int(np.flatnonzero(apart)[0])
        verdict: Verdict = "regression" if off else "within"
        yield Check(
            "columns",
            name,
            verdict,
            f"{off} of {len(x)} values differ by more than {rule.relative:g}; cell {first} had "
            f"{name} {shown(x[first])} and has {shown(y[first])}.",
            {"cells": off, "first": first, "before": x[first], "after": y[first]},
        )
    known = set(map(stem, before.table.columns))
    for name in after.columns:
        if stem(name) not in known:
            yield Check("columns", name, "changed", "The column is new.")


def _table_scores(before: Baseline, after: Table, allowed: Tolerances) -> Iterator[Check]:
    """Compare the tabulated scores of all cells."""
    table = before.table
    assert table is not None
    truths = {
        name: table.values(name)
        for name, column in table.columns.items()
        if column.kind == "accuracy" and column.split == "test"
    }
    for name, column in table.columns.items():
        exact = name in before.exact
        if column.kind != "proxy" or (exact and not _version_is_raised(table, after, name)):
            continue
        full = _later(name, after.columns)
        if full is None:
            yield Check("scores", name, "regression", "The column is gone.")
            continue
        old = Scores(table.values(name), column.direction, column.version)
        found = after.columns[full]
        new = Scores(after.values(full), found.direction, found.version)
        yield from compare_scores("scores", name, old, new, truths, allowed, exact=exact)


def _later(name: str, names: Collection[str]) -> str | None:
    """Return what a column is called later, perhaps with another version; None if it is gone."""
    same = (later for later in names if stem(later) == stem(name))
    return name if name in names else next(same, None)


def _close(x: Array, y: Array, relative: float) -> NDArray[np.bool_]:
    """Tell which values are equal, or apart by no more than this share of the larger one."""
    with np.errstate(invalid="ignore"):  # of infinities
        near = np.abs(x - y) <= relative * np.fmax(np.abs(x), np.abs(y))
    alike = (x == y) | (np.isnan(x) & np.isnan(y))
    return np.asarray(alike | (near & np.isfinite(x) & np.isfinite(y)))


def _version_is_raised(before: Table, after: Table, name: str) -> bool:
    return before.column(name).kind == "proxy" and _later(name, after.columns) not in (name, None)


def _sample(before: pd.DataFrame, after: pd.DataFrame, allowed: Tolerances) -> Iterator[Check]:
    """Compare the scores that were computed anew of the sample."""
    truths = {
        str(name): rows.sort_values("cell")["value"].to_numpy(dtype=np.float64)
        for name, rows in before[before["kind"] == "accuracy"].groupby("column")
    }
    old, new = (_by_stem(frame[frame["kind"] != "accuracy"]) for frame in (before, after))
    for name, rows in old.items():
        if name not in new:
            yield Check("sample", name, "regression", "The proxy, or this output of it, is gone.")
            continue
        if rows["cell"].tolist() != new[name]["cell"].tolist():
            yield Check("sample", name, "untold", "The sample holds other cells.")
            continue
        old_scores, new_scores = _scores(rows), _scores(new[name])
        yield from compare_scores(
            "sample",
            name,
            old_scores,
            new_scores,
            truths,
            allowed,
            cells=rows["cell"].to_numpy(),
            reasons=new[name]["reason"].tolist(),
            exact=rows["kind"].iloc[0] == "analytic",
        )
    for name in new:
        if name not in old:
            yield Check("sample", name, "changed", "The proxy, or this output of it, is new.")


def _by_stem(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    rows = frame.sort_values(["column", "cell"])
    return {stem(str(name)): scores for name, scores in rows.groupby("column", sort=False)}


def _scores(rows: pd.DataFrame) -> Scores:
    name = str(rows["column"].iloc[0])
    version = name.removeprefix(f"{stem(name)}@")
    values = rows["value"].to_numpy(dtype=np.float64)
    return Scores(values, str(rows["direction"].iloc[0]), version)


def _tau(before: pd.DataFrame, after: pd.DataFrame, moved: set[str]) -> Iterator[Check]:
    """Compare tau-b and its interval where neither scores nor accuracies moved."""
    named = dict.fromkeys(after["proxy"])
    later = [_later(name, named) or "" for name in before["proxy"]]
    merged = before.assign(later=later).merge(
        after.rename(columns={"proxy": "later"}),
        on=["later", "accuracy"],
        how="left",
        suffixes=("_b", "_a"),
        indicator=True,
    )
    for row in merged.to_dict("records"):
        name = f"{row['proxy']} with {row['accuracy']}"
        if row["proxy"] in moved or row["accuracy"] in moved:
            continue  # Its own check says so.
        if row["_merge"] != "both":
            yield Check("tau", name, "untold", "There is no tau-b to compare with.")
            continue
        old, new = ([row[f"{what}_{side}"] for what in ("tau", "lo", "hi")] for side in "ba")
        if np.isnan(old[0]):
            yield Check("tau", name, "untold", "Tau-b was undefined: nothing to compare with.")
            continue
        if np.allclose(old, new, rtol=0, atol=1e-9, equal_nan=True):
            yield Check("tau", name, "same", f"Tau-b is {row['tau_a']:.3f} as before.")
            continue
        taus = [f"{tau:.4f} [{lo:.4f}, {hi:.4f}]" for tau, lo, hi in (old, new)]
        yield Check(
            "tau",
            name,
            "regression",
            f"Tau-b was {taus[0]} and is {taus[1]}, though neither the scores nor the accuracies "
            "moved: the statistic did.",
            {"before": old[0], "after": new[0]},
        )
