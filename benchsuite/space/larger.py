"""Costs of every cell of a larger space, as a stream: cells of five nodes are 5^10 = 9,765,625.

The cells are those of NAS-Bench-201 with more nodes: every node reads all earlier ones, each edge
has one of the five operators. Such a space has no official order; the index of a cell is its number
in base 5, the first edge the highest digit, edges by target node, then source.

    python -m benchsuite.space.larger five.parquet
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchsuite.errors import UserError
from benchsuite.files import write_atomically
from benchsuite.space import cost
from benchsuite.space.cell import NONE, OPS, Cell
from benchsuite.space.deploy import deploy
from benchsuite.space.network import OFFICIAL, Skeleton, build

CHUNK = 1 << 17
_EDGES_OF_FOUR = 6


def edges(nodes: int) -> tuple[tuple[int, int], ...]:
    """Return the edges (source, target) of a cell with `nodes` nodes, by target, then source."""
    if not 2 <= nodes <= 6:
        raise UserError(f"Cells of 2 to 6 nodes can be counted, not of {nodes}.")
    return tuple((source, target) for target in range(1, nodes) for source in range(target))


def operators(first: int, last: int, nodes: int) -> NDArray[np.uint8]:
    """Return the operator codes [last - first, edges] of cells first ... last - 1."""
    places = len(OPS) ** np.arange(len(edges(nodes)) - 1, -1, -1, dtype=np.int64)
    index = np.arange(first, last, dtype=np.int64)[:, None]
    return (index // places % len(OPS)).astype(np.uint8)


def live(ops: NDArray[np.uint8], nodes: int) -> NDArray[np.bool_]:
    """Tell which edges [N, edges] lie on a path from input to output that has no `none`."""
    passes = ops != NONE
    reached, reaches = (np.zeros((len(ops), nodes), dtype=bool) for _ in range(2))
    reached[:, 0] = reaches[:, -1] = True
    listed = list(enumerate(edges(nodes)))
    for edge, (source, target) in listed:
        reached[:, target] |= passes[:, edge] & reached[:, source]
    for edge, (source, target) in reversed(listed):
        reaches[:, source] |= passes[:, edge] & reaches[:, target]
    ends = np.array(edges(nodes))
    alive: NDArray[np.bool_] = passes & reached[:, ends[:, 0]] & reaches[:, ends[:, 1]]
    return alive


def columns(first: int, last: int, nodes: int, skeleton: Skeleton) -> dict[str, NDArray[Any]]:
    """Return index, connected, and the costs (`benchsuite.space.cost`) of cells first ... last - 1.

    A cost is a base and a term per operator, read off cells of four nodes: the skeleton and the
    operators are the same, there are more of them.
    """
    ops = operators(first, last, nodes)
    alive = live(ops, nodes)
    connected = np.asarray(alive.any(axis=1))
    found: dict[str, NDArray[Any]] = {"index": np.arange(first, last), "connected": connected}
    for name, count in (("params", cost.params), ("flops", cost.flops)):
        empty = count(build(_uniform(NONE), skeleton))
        terms = [
            (count(build(_uniform(op), skeleton)) - empty) // _EDGES_OF_FOUR
            for op in range(len(OPS))
        ]
        found[name] = empty + np.array(terms)[ops].sum(axis=1)
    for name, count in (("deployed_params", cost.params), ("deployed_macs", cost.macs)):
        single = [count(deploy(Cell((0, 0, 0, op, 0, 0)), skeleton)) for op in range(1, len(OPS))]
        base = min(single)
        terms = [0, *(one - base for one in single)]
        total = base + np.array(terms)[np.where(alive, ops, NONE)].sum(axis=1)
        found[name] = np.where(connected, total, count(deploy(_uniform(NONE), skeleton)))
    return found


def chunks(nodes: int, skeleton: Skeleton, size: int = CHUNK) -> Iterator[dict[str, NDArray[Any]]]:
    """Yield the columns of all 5^(nodes (nodes - 1) / 2) cells, `size` cells at a time."""
    n = len(OPS) ** len(edges(nodes))
    for first in range(0, n, size):
        yield columns(first, min(first + size, n), nodes, skeleton)


def write(path: Path, nodes: int = 5, skeleton: Skeleton = OFFICIAL["cifar10"]) -> int:
    """Write the columns of all cells as Parquet, a row group per chunk; return the cells written.

    The memory it takes is that of one chunk, whatever the space.
    """
    written = 0

    def stream(part: str) -> None:
        nonlocal written
        writer = None
        for chunk in chunks(nodes, skeleton):
            table = pa.table(chunk)
            writer = writer or pq.ParquetWriter(part, table.schema, compression="zstd")
            writer.write_table(table)
            written += len(table)
        if writer is not None:
            writer.close()

    write_atomically(path, stream)
    return written


def _uniform(op: int) -> Cell:
    return Cell((op,) * _EDGES_OF_FOUR)


def main(given: Sequence[str]) -> None:
    """Write the cells of five nodes to the one file that is given."""
    if len(given) != 1 or not given[0].lower().endswith(".parquet"):
        sys.exit("Name the Parquet file: python -m benchsuite.space.larger five.parquet")
    print(f"{write(Path(given[0])):,} cells")


if __name__ == "__main__":
    main(sys.argv[1:])
