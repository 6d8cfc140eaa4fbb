"""What compressed picks are worth, and how sure that is: seeds and compression response together.

Seeds say how sure a search is, the cells that the response was measured on how sure the response
is. A mean over seeds is taken again by the response without each cell in turn (the jackknife of
`benchsuite.stats.intervals`), and both errors are in its interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchsuite.deployment import response
from benchsuite.errors import UserError
from benchsuite.space.network import OFFICIAL
from benchsuite.stats import intervals
from benchsuite.stats.intervals import Estimate

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
PREFIX = "compressed."
_TEST = "test."


def accuracies(values: Mapping[str, float], details: Mapping[str, Any]) -> dict[str, float]:
    """Return the test accuracies [%] of a compressed pick, by name; none of another.

    values: those of its cell, uncompressed; details: as `benchsuite.replays.judgement.Answer`.
    """
    if "kept" not in details:
        return {}
    return {
        PREFIX + name: float(response.apply(value, details["kept"], _classes(name)))
        for name, value in values.items()
        if name.startswith(_TEST)
    }


def without_each(rows: pd.DataFrame, name: str) -> Array:
    """Return an accuracy [%] of runs by the response without each of its G cells, [G, S].

    rows: runs of one search, of `benchsuite.replays.judgement.judge`. An accuracy that rests on no
    measured response is the same without any: G is 1.
    """
    as_judged = rows[name].to_numpy(dtype=np.float64)
    if rows.empty or not name.startswith(PREFIX + _TEST):
        return as_judged[None]
    plain = name.removeprefix(PREFIX)
    # A run that was cut has no answer, and nothing here.
    each = [None if np.ndim(one) == 0 else np.asarray(one) for one in rows["kept_without"]]
    groups = {len(one) for one in each if one is not None} or {0}
    if len(groups) > 1:
        raise UserError(f"Runs rest on responses of {sorted(groups)} cells; replay all of them.")
    missing = np.full(max(groups), np.nan)
    kept = np.array([missing if one is None else one for one in each], dtype=np.float64).T
    values = rows[plain].to_numpy(dtype=np.float64)
    return response.apply(values, kept, _classes(plain)) if len(kept) else as_judged[None]


def mean(rows: pd.DataFrame, name: str) -> Estimate:
    """Return the mean accuracy [%] of the runs of a search."""
    over_seeds = intervals.mean(rows[name].to_numpy(dtype=np.float64))
    return on_response(over_seeds, _means(rows, name))


def difference(one: pd.DataFrame, other: pd.DataFrame, name: str, of_other: str = "") -> Estimate:
    """Return the mean accuracy of a search minus that of another [points], by the same response.

    name, of_other: the columns of both searches, by default the same.
    """
    sides = (one, name), (other, of_other or name)
    over_seeds = intervals.difference(*(rows[of].to_numpy(dtype=np.float64) for rows, of in sides))
    return on_response(over_seeds, np.subtract(*(_means(rows, of) for rows, of in sides)))


def on_response(over_seeds: Estimate, without: ArrayLike) -> Estimate:
    """Return an estimate over seeds with the error of the response; without: it without each cell.

    Values [G, ...] of which there is one, or that are all alike, add no error.
    """
    return intervals.together(over_seeds, intervals.jackknife(over_seeds.value, without))


def _means(rows: pd.DataFrame, name: str) -> Array:
    each = without_each(rows, name)
    means: Array = each.mean(axis=1) if each.size else np.full(1, np.nan)
    return means


def _classes(name: str) -> int:
    return OFFICIAL[name.removeprefix(_TEST)].classes
