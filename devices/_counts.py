"""How often every cell's deployed network executes each shape of operator.

Layers repeat: the cells of a stage are equal, so their number enters linearly; and all convolutions
of one size share their surroundings (ReLU, additions), so a cell with 3x3 convolutions executes what
the same cell with 1x1 convolutions does, one operator exchanged. That leaves the patterns of
convolution, pooling, skip and nothing to be deployed, with one and with two cells per stage.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchsuite.cell import CONV1, CONV3, N_CELLS, Cell, all_ops, prune
from benchsuite.deploy import deploy
from benchsuite.network import STAGES, Network, Skeleton
from devices._operators import Shape, shape_of


def shapes_of(network: Network) -> list[Shape]:
    """Return the shape of every deployed layer that costs something, in order of execution."""
    shapes = []
    for layer in network.layers:
        in_size = network.layers[layer.inputs[0]].shape[1] if layer.inputs else 0
        shape = shape_of(layer, in_size)
        if shape is not None:
            shapes.append(shape)
    return shapes


@functools.cache
def all_counts(skeleton: Skeleton) -> tuple[tuple[Shape, ...], NDArray[np.int32]]:
    """Return the distinct shapes [S] and their counts in every cell int32 [15625, S]."""
    live = prune(all_ops())
    patterns, pattern_of = np.unique(
        np.where(live == CONV3, CONV1, live), axis=0, return_inverse=True
    )
    counted = [_counts(Cell(tuple(row.tolist())), skeleton) for row in patterns]
    small, large = _conv_shapes(skeleton)
    shapes = tuple(sorted({*small, *large, *(s for counts in counted for s in counts)}))
    place = {shape: i for i, shape in enumerate(shapes)}
    by_pattern = np.zeros((len(patterns), len(shapes)), np.int32)
    for row, counts in enumerate(counted):
        for shape, count in counts.items():
            by_pattern[row, place[shape]] = count
    counts = by_pattern[pattern_of.reshape(N_CELLS)]
    exchanged = (live == CONV3).sum(axis=1).astype(np.int32) * skeleton.cells_per_stage
    for before, after in zip(small, large, strict=True):
        counts[:, place[before]] -= exchanged
        counts[:, place[after]] += exchanged
    counts.setflags(write=False)
    return shapes, counts


def _counts(cell: Cell, skeleton: Skeleton) -> Mapping[Shape, int]:
    one, two = (
        Counter(shapes_of(deploy(cell, replace(skeleton, cells_per_stage=n)))) for n in (1, 2)
    )
    more = skeleton.cells_per_stage - 1
    return {
        shape: one[shape] + more * (two[shape] - one[shape]) for shape in one.keys() | two.keys()
    }


def _conv_shapes(skeleton: Skeleton) -> tuple[list[Shape], list[Shape]]:
    """Return the shapes of a cell's 1x1 and of its 3x3 convolution in the three stages."""
    small, large = [], []
    for stage in range(STAGES):
        size, channels = skeleton.resolution >> stage, skeleton.channels << stage
        pointwise = Shape("conv1x1", size, channels, channels)
        small.append(
            pointwise if channels % 4 == 0 else Shape("conv", size, channels, channels, 1, 1, 0)
        )
        large.append(Shape("conv", size, channels, channels, 3, 1, 1))
    return small, large
