"""The random scalarisation that all forms of muNAS minimise, and the answer they give.

Source: Liberis et al., "muNAS", EuroMLSys 2021, section 3.5, equation 2: the goal is
max_i min(f_i / b_i, 10) / l_i with l_i ~ U(0, 1) drawn anew at every selection. The objectives are
the validation error and every column with a bound in the search; an objective without a bound is
left out. The cap of 10 is that of the authors' code (eliberis/uNAS).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchsuite.errors import UserError, did_you_mean
from benchsuite.simulation.search import Search
from benchsuite.space.cell import N_CELLS
from benchsuite.stats.pareto import non_dominated

Array = NDArray[np.float64]

CAP = 10.0


def above_zero(scale: float, name: str) -> float:
    """Return what a column is divided by; UserError for 0 or less, which turns its order round."""
    if scale <= 0:
        raise UserError(
            f"This strategy divides a column by what it may have at most, which has to be above "
            f"0: {name} <= {scale:g} is not."
        )
    return scale


def scaled_costs(search: Search, without: Sequence[str]) -> Array:
    """Return the bounded columns over their bounds, capped, [15625, k]; the cap where missing.

    without: bounds to leave out. Raises UserError for one that the search does not have, and for a
    bound that is not above 0.
    """
    left_out = {_bounded(search, name): name for name in without}
    for full, name in left_out.items():
        if full not in search.bounds:
            raise UserError(
                f"{full!r} has no bound to leave out; bounded are "
                f"{', '.join(search.bounds) or 'no columns'}." + did_you_mean(name, search.bounds)
            )
    columns = [
        np.nan_to_num(search.column(name) / above_zero(bound, name), nan=CAP)
        for name, bound in search.bounds.items()
        if name not in left_out
    ]
    return np.minimum(np.stack(columns, axis=1) if columns else np.empty((N_CELLS, 0)), CAP)


def _bounded(search: Search, name: str) -> str:
    """Return the full name of a column, by a name as bounds have it.

    A short name that a cost and a proxy share is the proxy's where it is looked up, and the cost's
    as a bound.
    """
    full, own = search.full_name(name), f"{search.dataset}.{name}"
    return own if own in search.bounds and full not in search.bounds else full


def draw_weights(rng: np.random.Generator, selections: int, objectives: int) -> Array:
    """Return 1 / l_i for some selections: [selections, 1, objectives]."""
    weights: Array = 1 / (1 - rng.random((selections, 1, objectives)))
    return weights


def goal(scaled: Array, weights: Array) -> Array:
    """Return the goal [N] of objectives over their bounds [N, k], under weights [1, k]."""
    worst: Array = (scaled * weights).max(axis=1)
    return worst


def answer_front(search: Search, costs: Array, found: Mapping[int, float]) -> None:
    """Answer the best feasible cell by validation accuracy, then the rest of the Pareto front.

    costs: what `scaled_costs` returned; found: cell -> accuracy in %. Without a feasible cell there
    is no answer.
    """
    cells = np.array(list(found), dtype=np.int64)
    kept = np.array([search.feasible(cell) for cell in found], dtype=bool)
    if not kept.any():
        return
    cells = cells[kept]
    accuracy = np.array(list(found.values()))[kept]
    front = non_dominated(np.column_stack([-accuracy, costs[cells]]))
    best = int(np.argmax(np.where(front, accuracy, -np.inf)))
    order = [best, *(i for i in np.flatnonzero(front) if i != best)]
    search.answer(cells[order])
