"""How often every cell's deployed network executes each shape of operator.

`deploy` of one cell takes milliseconds, of 15,625 cells a minute; so the counts of all cells are
those of one deployed network plus what another cell changes: its convolutions and poolings, one per
live edge; its additions, one less per node than live edges enter it; and the ReLUs that are not
fused. The last depend on who reads which tensor, so the tensors of a stage are followed by reader.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from benchsuite.devices._latency.operators import Shape, shape_of
from benchsuite.space.cell import (
    CONV1,
    CONV3,
    EDGES,
    N_CELLS,
    NONE,
    POOL,
    SKIP,
    Cell,
    all_ops,
    prune,
)
from benchsuite.space.deploy import deploy
from benchsuite.space.network import STAGES, Layer, Network, Skeleton

_REFERENCE = Cell((NONE, NONE, NONE, CONV1, NONE, NONE))


def shapes_of(network: Network) -> list[Shape]:
    """Return the shape of every deployed layer that costs something, in order of execution."""
    shapes = []
    for layer in network.layers:
        shape = shape_of(layer, in_size_of(layer, network))
        if shape is not None:
            shapes.append(shape)
    return shapes


def in_size_of(layer: Layer, network: Network) -> int:
    """Return the height and width of what a layer reads, 0 of the image."""
    return network.layers[layer.inputs[0]].shape[1] if layer.inputs else 0


@functools.cache
def all_counts(skeleton: Skeleton) -> tuple[tuple[Shape, ...], NDArray[np.int32]]:
    """Return the distinct shapes [S] and their counts in every cell int32 [15625, S]."""
    live = prune(all_ops())
    reference = Counter(shapes_of(deploy(_REFERENCE, skeleton)))
    per_stage = [_glue_shapes(skeleton, stage) for stage in range(STAGES)]
    shapes = tuple(sorted({*reference, *(s for stage in per_stage for s in stage)}))
    place = {shape: i for i, shape in enumerate(shapes)}
    counts = np.tile([reference[shape] for shape in shapes], (N_CELLS, 1)).astype(np.int32)
    cells = skeleton.cells_per_stage
    base = np.array([_REFERENCE.ops], np.uint8)
    for stage, (conv1, conv3, pool, add, relu) in enumerate(per_stage):
        last = stage == STAGES - 1
        for shape, changed in (
            (conv1, cells * ((live == CONV1).sum(axis=1) - 1)),
            (conv3, cells * (live == CONV3).sum(axis=1)),
            (pool, cells * (live == POOL).sum(axis=1)),
            (add, cells * _additions(live)),
            (relu, _relus(live, cells, last) - _relus(base, cells, last)),
        ):
            counts[:, place[shape]] += changed.astype(np.int32)
    counts[~live.any(axis=1)] = 0  # the logits are constant
    kept = (counts != 0).any(axis=0)
    counts = counts[:, kept]
    counts.setflags(write=False)
    return tuple(shape for shape, keep in zip(shapes, kept.tolist(), strict=True) if keep), counts


def _glue_shapes(skeleton: Skeleton, stage: int) -> tuple[Shape, Shape, Shape, Shape, Shape]:
    """Return what a cell of a stage may execute: 1x1 and 3x3 convolution, pooling, add, ReLU."""
    size, channels = skeleton.resolution >> stage, skeleton.channels << stage
    pointwise = Shape("conv1x1", size, channels, channels)
    if channels % 4:
        pointwise = Shape("conv", size, channels, channels, 1, 1, 0)
    return (
        pointwise,
        Shape("conv", size, channels, channels, 3, 1, 1),
        Shape("avg_pool", size, channels, channels, 3, 1, 1),
        Shape("add", size, channels, channels),
        Shape("relu", size, channels, channels),
    )


def _additions(live: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the two-operand additions of cells given by their live operators [N, 6]."""
    total = np.zeros(len(live), np.int64)
    for node in (1, 2, 3):
        entering = [edge for edge, (_, target) in enumerate(EDGES) if target == node]
        total += np.maximum((live[:, entering] != NONE).sum(axis=1) - 1, 0)
    return total


def _relus(live: NDArray[np.uint8], cells: int, last: bool) -> NDArray[np.int64]:
    """Return the ReLUs of a stage of equal cells that are not fused, per row of live [N, 6].

    They grow by the same number with every cell after the second.
    """
    patterns, pattern_of = np.unique(
        np.where(live == CONV3, CONV1, live), axis=0, return_inverse=True
    )
    found = []
    for row in patterns.tolist():
        one, two = (_stage_relus(row, n, last) for n in (1, 2))
        found.append(one + (cells - 1) * (two - one))
    return np.array(found)[pattern_of.reshape(len(live))]


def _stage_relus(ops: Iterable[int], cells: int, last: bool) -> int:
    fusable = [True]  # by tensor; a stage is entered from a convolution or an addition
    readers: Counter[int] = Counter()
    through_relu: set[int] = set()

    def produce(can_fuse: bool) -> int:
        fusable.append(can_fuse)
        return len(fusable) - 1

    def read_by_relu(tensor: int) -> None:
        if tensor not in through_relu:  # one ReLU per tensor, however many convolutions read it
            through_relu.add(tensor)
            readers[tensor] += 1

    at = 0
    for _ in range(cells):
        nodes = [at, -1, -1, -1]
        for (source, target), op in zip(EDGES, ops, strict=True):
            if op == NONE:
                continue
            term = nodes[source]
            if op == CONV1:
                read_by_relu(term)
                term = produce(True)
            elif op != SKIP:
                readers[term] += 1
                term = produce(False)
            if nodes[target] >= 0:
                readers[nodes[target]] += 1
                readers[term] += 1
                term = produce(True)
            nodes[target] = term
        at = nodes[3] if nodes[3] >= 0 else at
    readers[at] += 1  # the pooling of a residual block, or the last BN
    if not last:
        read_by_relu(at)
    return sum(not (fusable[tensor] and readers[tensor] == 1) for tensor in through_relu)
