"""Moves between cells that several strategies share."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from benchsuite.simulation.search import Search
from benchsuite.space.cell import EDGES, N_CELLS, OPS, all_ops, index_of

N_NEIGHBOURS = len(EDGES) * (len(OPS) - 1)


@functools.cache
def neighbours() -> NDArray[np.int64]:
    """Return the cells that differ in one operator, [15625, 24], edge by edge, by operator."""
    table = np.empty((N_CELLS, N_NEIGHBOURS), dtype=np.int64)
    for edge in range(len(EDGES)):
        for shift in range(1, len(OPS)):
            ops = all_ops().astype(np.int64)
            ops[:, edge] = (ops[:, edge] + shift) % len(OPS)
            table[:, edge * (len(OPS) - 1) + shift - 1] = index_of(ops)
    table.setflags(write=False)
    return table


class Space:
    """The cells that keep the bounds of a search, and moves among them."""

    def __init__(self, search: Search) -> None:
        self.cells = search.feasible_cells()
        self._is_in = np.zeros(N_CELLS, dtype=bool)
        self._is_in[self.cells] = True
        self._whole = len(self.cells) == N_CELLS

    def __contains__(self, cell: int) -> bool:
        return bool(self._is_in[cell])

    def draw(self, rng: np.random.Generator) -> int:
        """Return a cell drawn uniformly."""
        return int(self.cells[rng.integers(len(self.cells))])

    def around(self, cell: int) -> NDArray[np.int64]:
        """Return the neighbours of a cell that keep the bounds; there may be none."""
        near: NDArray[np.int64] = neighbours()[cell]
        return near if self._whole else near[self._is_in[near]]

    def mutate(self, rng: np.random.Generator, cell: int) -> int:
        """Return a neighbour drawn uniformly; where none keeps the bounds, any cell that does."""
        near = self.around(cell)
        return int(near[rng.integers(len(near))]) if len(near) else self.draw(rng)
