"""The tensors of a deployed network: what memory planning needs to know, and nothing else.

RAM does not depend on the kernel of a convolution, so the 15,625 cells have 2,128 patterns of
operators {none, skip, convolution, pool}. Each pattern is deployed once, with two cells per stage;
the graph for any skeleton follows by scaling the shapes and repeating the second cell.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.cell import CONV1, CONV3, Cell, all_ops, prune
from benchsuite.deploy import deploy
from benchsuite.network import STAGES, Kind, Layer, Network, Skeleton


@dataclass(frozen=True)
class Graph:
    """Layers in the order of execution, one int8 output tensor each.

    kinds, inputs: as in `Layer`; sizes: bytes of each output; channels: of each output. A layer
    that nobody reads is an output of the network and stays in memory.
    """

    kinds: tuple[Kind, ...]
    inputs: tuple[tuple[int, ...], ...]
    sizes: tuple[int, ...]
    channels: tuple[int, ...]


def graph(network: Network) -> Graph:
    """Return the graph of a deployed network; one byte per element, one image."""
    layers = network.layers
    return Graph(
        tuple(layer.kind for layer in layers),
        tuple(layer.inputs for layer in layers),
        tuple(layer.shape[0] * layer.shape[1] * layer.shape[2] for layer in layers),
        tuple(layer.shape[0] for layer in layers),
    )


@functools.cache
def patterns() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the patterns' operators [2128, 6] and the pattern [15625] of every cell.

    A pattern is a pruned cell (see `cell.prune`) with 1x1 in place of 3x3 convolutions.
    """
    ops = prune(all_ops())
    ops[ops == CONV3] = CONV1
    rows, of_cell = np.unique(ops, axis=0, return_inverse=True)
    return rows, np.asarray(of_cell.reshape(-1), dtype=np.int64)


@functools.cache
def pattern_graphs(skeleton: Skeleton) -> tuple[Graph, ...]:
    """Return the graph of every pattern in a skeleton: equal to `graph(deploy(...))`."""
    scaled = {}
    graphs = []
    for layers in _templates():
        graphs.append(_scale(_repeat(layers, skeleton.cells_per_stage), skeleton, scaled))
    return tuple(graphs)


_UNIT = Skeleton(channels=1, cells_per_stage=2, resolution=4, classes=1)
_Step = tuple[Kind, tuple[int, int], tuple[int, ...]]


@functools.cache
def _templates() -> tuple[tuple[Layer, ...], ...]:
    rows, _ = patterns()
    return tuple(deploy(Cell(tuple(row)), _UNIT).layers for row in rows.tolist())


def _repeat(layers: tuple[Layer, ...], cells: int) -> list[_Step]:
    """Repeat (or drop) every stage's second cell so that there are `cells` per stage.

    A cell reads nothing before the output of the cell before it, which is that cell's last layer,
    so a copy reads what the original reads, shifted by the length of the cell.
    """
    steps: list[_Step] = []
    shift = position = 0
    while position < len(layers):
        block = _second_cell(layers, position)
        for copy in range(cells - 1 if block > 1 or _in_second_cell(layers[position]) else 1):
            for layer in layers[position : position + block]:
                inputs = tuple(at + shift + copy * block for at in layer.inputs)
                steps.append((layer.kind, layer.shape[:2], inputs))
        if _in_second_cell(layers[position]):
            shift += (cells - 2) * block
        position += block
    return steps


def _in_second_cell(layer: Layer) -> bool:
    return any(layer.name.startswith(f"stage{stage}.cell1.") for stage in range(STAGES))


def _second_cell(layers: tuple[Layer, ...], start: int) -> int:
    """Return how many layers from `start` on form one second cell, or 1."""
    end = start
    while end < len(layers) and _in_second_cell(layers[end]):
        end += 1
    return max(1, end - start)


def _scale(
    steps: list[_Step], skeleton: Skeleton, known: dict[tuple[Kind, tuple[int, int]], int]
) -> Graph:
    for kind, shape, _ in steps:
        if (kind, shape) not in known:
            known[kind, shape] = _bytes(kind, shape, skeleton)
    channels = {"input": 3, "linear": skeleton.classes, "constant": skeleton.classes}
    return Graph(
        tuple(kind for kind, _, _ in steps),
        tuple(inputs for _, _, inputs in steps),
        tuple(known[kind, shape] for kind, shape, _ in steps),
        tuple(channels.get(kind, shape[0] * skeleton.channels) for kind, shape, _ in steps),
    )


def _bytes(kind: Kind, unit: tuple[int, int], skeleton: Skeleton) -> int:
    """Return the bytes of a tensor of [channels, height] `unit` in the template."""
    if kind in ("linear", "constant"):
        return skeleton.classes
    channels = 3 if kind == "input" else unit[0] * skeleton.channels
    side = 1 if kind == "global_pool" else unit[1] * skeleton.resolution // _UNIT.resolution
    return channels * side * side
