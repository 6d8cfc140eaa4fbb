"""What optimisers of other people are asked for cells by: objectives, bounds, and what was found.

The objectives are the validation error and every column with a bound in the search, as muNAS' are
(`_scalarisation`); an optimiser of one objective minimises the error. A cell that breaks a bound is
known to do so by arithmetic: it is not trained, and the optimiser is told by how much.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchsuite.search._scalarisation import CAP, above_zero, answer_front
from benchsuite.simulation.search import ExhaustedError, Search
from benchsuite.space.cell import EDGES, N_CELLS, OPS, index_of

Array = NDArray[np.float64]

# Of cells that break bounds and cost nothing, so many in a row end a search.
TRIES = 1000
WORST = 100.0
NAMES = tuple(f"edge{source}{target}" for source, target in EDGES)
LEVELS = tuple(range(len(OPS)))


class Objectives:
    """Trains cells for an optimiser; `costs` are the bounded columns over their bounds, [N, k].

    Raises UserError for a bound that is not above 0.
    """

    def __init__(self, search: Search) -> None:
        columns = [
            np.nan_to_num(search.column(name) / above_zero(bound, name), nan=CAP)
            for name, bound in search.bounds.items()
        ]
        self.costs = np.stack(columns, axis=1) if columns else np.empty((N_CELLS, 0))
        self.found: dict[int, float] = {}
        self._search, self._left = search, TRIES

    def __len__(self) -> int:
        return 1 + int(self.costs.shape[1])

    def error(self, cell: int) -> float:
        """Train a cell and return its error in %, or `WORST` of one that breaks a bound."""
        if not self._search.feasible(cell):
            self._left -= 1
            if not self._left:
                raise ExhaustedError
            return WORST
        self._left = TRIES
        self.found[cell] = self._search.query_one(cell)
        return 100.0 - self.found[cell]

    def all(self, cell: int) -> list[float]:
        """Train a cell and return its error in % and its costs."""
        return [self.error(cell), *self.costs[cell].tolist()]

    def broken(self, cell: int) -> list[float]:
        """Return by how much of each bound a cell breaks it; 0 or less where it keeps it."""
        return [] if self._search.feasible(cell) else (self.costs[cell] - 1).tolist()


def front_of(search: Search, optimise: Callable[[Objectives], None]) -> None:
    """Optimise until the budget is spent; answer the best cell, then the rest of the front."""
    objectives = Objectives(search)
    with contextlib.suppress(ExhaustedError):
        optimise(objectives)
    answer_front(search, objectives.costs, objectives.found)


def cell_of(ops: NDArray[np.integer]) -> int:
    """Return the cell with an operator on each edge, [6]."""
    return int(index_of(np.asarray(ops, dtype=np.int64)[None])[0])
