"""The tensors of a deployed network: what memory planning needs to know, and nothing else.

RAM does not depend on the kernel of a convolution, so the 15,625 cells have 2,128 patterns of
operators {none, skip, convolution, pool}. Each pattern is deployed once, with two cells per stage;
the graph for any skeleton follows by scaling the shapes and repeating the second cell.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.space.cell import CONV1, CONV3, Cell, all_ops, prune
from benchsuite.space.deploy import deploy
from benchsuite.space.network import Kind, Layer, Network, Skeleton


@dataclass(frozen=True)
class Graph:
    """Layers in the order of execution, one int8 output tensor each.

    kinds, inputs: as in `Layer`; a network from elsewhere has more kinds; sizes: bytes of each
    output; channels: of each output; kept: layers that are outputs of the network although others
    read them. They stay in memory, as does a layer that nobody reads; layers of the kind `input`
    are there before anything runs.
    """

    kinds: tuple[str, ...]
    inputs: tuple[tuple[int, ...], ...]
    sizes: tuple[int, ...]
    channels: tuple[int, ...]
    kept: tuple[int, ...] = ()


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
    scaled: dict[_Unit, tuple[int, int]] = {}
    graphs = []
    for kinds, inputs, units in _structures(skeleton.cells_per_stage):
        for unit in units:
            if unit not in scaled:
                scaled[unit] = _scale(unit, skeleton)
        sizes, channels = zip(*(scaled[unit] for unit in units), strict=True)
        graphs.append(Graph(kinds, inputs, sizes, channels))
    return tuple(graphs)


# The template's skeleton, and what is known of a tensor in it: kind, channels, height.
_TEMPLATE = Skeleton(channels=1, cells_per_stage=2, resolution=4, classes=1)
_Unit = tuple[Kind, int, int]
_Structure = tuple[tuple[Kind, ...], tuple[tuple[int, ...], ...], tuple[_Unit, ...]]


@functools.cache
def _templates() -> tuple[tuple[Layer, ...], ...]:
    rows, _ = patterns()
    return tuple(deploy(Cell(tuple(row)), _TEMPLATE).layers for row in rows.tolist())


@functools.cache
def _structures(cells: int) -> tuple[_Structure, ...]:
    return tuple(_repeat(layers, cells) for layers in _templates())


def _repeat(layers: tuple[Layer, ...], cells: int) -> _Structure:
    """Repeat (or drop) every stage's second cell so that there are `cells` per stage.

    A cell reads nothing before the output of the cell before it, which is that cell's last layer,
    so a copy reads what the original reads, shifted by the length of the cell.
    """
    blocks = itertools.groupby(layers, key=_second_cell)
    kinds: list[Kind] = []
    inputs: list[tuple[int, ...]] = []
    units: list[_Unit] = []
    shift = 0
    for second_cell, group in blocks:
        block = list(group)
        copies = cells - 1 if second_cell else 1
        for copy in range(copies):
            offset = shift + copy * len(block)
            kinds += [layer.kind for layer in block]
            inputs += [tuple([at + offset for at in layer.inputs]) for layer in block]
            units += [(layer.kind, *layer.shape[:2]) for layer in block]
        shift += (copies - 1) * len(block)
    return tuple(kinds), tuple(inputs), tuple(units)


def _second_cell(layer: Layer) -> str:
    """Return the stage whose second cell a layer belongs to, or an empty string."""
    stage, _, rest = layer.name.partition(".")
    return stage if rest.startswith("cell1.") else ""


def _scale(unit: _Unit, skeleton: Skeleton) -> tuple[int, int]:
    """Return the bytes and the channels of a tensor of the template in a skeleton."""
    kind, channels, height = unit
    if kind in ("linear", "constant"):
        return skeleton.classes, skeleton.classes
    channels = channels if kind == "input" else channels * skeleton.channels
    side = 1 if kind == "global_pool" else height * skeleton.resolution // _TEMPLATE.resolution
    return channels * side * side, channels
