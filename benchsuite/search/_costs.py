"""FLOPs and latency of a supernet, from a column of cells.

Source: Qiao et al., MONAS, algorithm 1: the latency of a network is the sum over its operators of
what a table says of each, plus a constant; so that of a supernet is the sum over all operators
left on all edges, and its FLOPs are those of all its operators. What an operator costs on an edge
is read from the column: the cell with `skip_connect` on the five other edges, less the one with
`none` there.
That is the operator's own entry where the column is such a sum, as FLOPs and the authors' latency
are; elsewhere it is the operator's cost in that cell.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from benchsuite.search._pruning import Array, Left, Term, relative
from benchsuite.simulation.search import Search
from benchsuite.space.cell import EDGES, NONE, OPS, POOL, SKIP, index_of
from benchsuite.space.network import OFFICIAL, Skeleton

How = Literal["sum", "mean"]


def hardware(
    search: Search, lambda_: float, mu: float, flops: str | None, latency: str, how: How
) -> list[Term]:
    """Return the term of the FLOPs or of the latency, whichever has a weight, or none.

    flops: None for those of the search's network; how: `sum` over the operators left on an edge,
    the supernet's own cost, or their `mean`, that of the cells left.
    """
    if not (lambda_ or mu):
        return []
    column = (flops or own_flops(search)) if lambda_ else latency
    base, costs = of_operators(search, column)
    if lambda_ and not costs[:, POOL].any():
        costs[:, POOL] = pooling(search.skeleton)

    def cost(left: Left) -> float:
        summed = (costs * left).sum(axis=1)
        return float(base + (summed if how == "sum" else summed / left.sum(axis=1)).sum())

    return [Term(relative(cost, column), -1, lambda_ or mu)]


def own_flops(search: Search) -> str:
    """Return the column of the FLOPs of the network that is searched, which nobody pays for."""
    official = search.skeleton == OFFICIAL[search.dataset]
    return f"{search.dataset}.flops" if official else "skeleton.flops"


def of_operators(search: Search, column: str) -> tuple[float, Array]:
    """Return the cost of a cell without operators and that of each operator on each edge [6, 5]."""
    at = np.full((len(EDGES), len(OPS), len(EDGES)), SKIP)
    for edge in range(len(EDGES)):
        at[edge, :, edge] = range(len(OPS))
    cells = index_of(at.reshape(-1, len(EDGES)))
    values = search.column(column, cells).reshape(len(EDGES), len(OPS))
    costs = values - values[:, [NONE]]
    return float(values[0, SKIP] - costs[:, SKIP].sum()), costs


def pooling(skeleton: Skeleton) -> float:
    """Return the operations of a 3x3 pooling on one edge of all cells: nine an output.

    NAS-Bench-201 counts none, MONAS (section 3.2.1) does.
    """
    resolution, channels = skeleton.resolution, skeleton.channels
    elements = sum(channels * 2**stage * (resolution // 2**stage) ** 2 for stage in range(3))
    return 9.0 * float(skeleton.cells_per_stage * elements)
