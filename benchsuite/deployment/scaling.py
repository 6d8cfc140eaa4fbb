"""RAM of all cells in many skeletons at once: exact, because tensors scale with the skeleton.

With c channels and images of R x R, every tensor between the stem and the last pooling has a fixed
multiple of c R^2 / 4 bytes. The order of their sizes, the best order of execution and the plan of
the arena do not change with c and R; only the image beside the stem's output, (3 + c) R^2, does not
follow. So the tensors of a cell need max(u c R^2 / 4, (3 + c) R^2) bytes, with a whole number u per
pattern of operators that one skeleton tells. What a convention adds is known in closed form: for
TensorFlow Lite Micro multipliers per channel, for TinyEngine its im2col buffer.

This holds where R is a multiple of 16 (no tensor is padded), c is 3 or more (the image is the
smallest tensor of its size or smaller) and the classifier's tensors are the smallest of all; any
other skeleton is computed by `_memory.all_ram`, tensor by tensor.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchsuite.deployment import arena
from benchsuite.deployment.graph import Graph, pattern_graphs, patterns
from benchsuite.deployment.liveness import best_peak, order_peak
from benchsuite.deployment.ram import all_ram, tinyengine
from benchsuite.space.network import STAGES, Skeleton

Bytes = NDArray[np.int64]

_CHANNELS, _RESOLUTION = 64, 16
_UNIT = _CHANNELS * _RESOLUTION**2 // 4
_TENSORS: dict[str, Callable[[Graph], int]] = {
    "ram.order": order_peak,
    "ram.best": best_peak,
    "ram.tflm": arena.head,
    "ram.tinyengine": best_peak,
}


def all_ram_scaled(convention: str, skeleton: Skeleton) -> Bytes:
    """Return the RAM of every cell under a convention: int64 [15625, bytes].

    Equal to `_memory.all_ram(convention, skeleton)`, but the first of many skeletons with as many
    cells per stage pays for all. Raises UserError for a convention that does not exist.
    """
    if convention not in _TENSORS or not scales(skeleton):
        return all_ram(convention, skeleton)
    c, area = skeleton.channels, skeleton.resolution**2
    units, constant = _units(convention, skeleton.cells_per_stage)
    sizes = np.maximum(units * (c * area // 4), (3 + c) * area)
    if convention == "ram.tflm":
        tails, notes = _kept(skeleton.cells_per_stage, skeleton.classes)
        sizes = np.maximum(sizes, notes) + tails + _multipliers(skeleton)
    if convention == "ram.tinyengine":
        sizes = sizes + _im2col() * c // _CHANNELS
    sizes[constant] = skeleton.classes
    return np.asarray(sizes[patterns()[1]])


def scales(skeleton: Skeleton) -> bool:
    """Return whether the skeleton's tensors scale (see the module's text)."""
    c, resolution = skeleton.channels, skeleton.resolution
    smallest = c * resolution**2 // 4
    return resolution % 16 == 0 and c >= 3 and max(4 * c, skeleton.classes) + 16 < smallest


@functools.cache
def _units(convention: str, cells: int) -> tuple[Bytes, NDArray[np.bool_]]:
    """Return u per pattern [2128], and which patterns are constant networks."""
    graphs = _reference(cells, 1)
    constant = np.array([graph.kinds == ("constant",) for graph in graphs])
    peaks = np.array([_TENSORS[convention](graph) for graph in graphs], dtype=np.int64)
    units, rest = np.divmod(peaks, _UNIT)
    image = (3 + _CHANNELS) * _RESOLUTION**2
    assert not rest[~constant].any()
    assert (peaks[~constant] > image).all()
    return units, constant


@functools.cache
def _kept(cells: int, classes: int) -> tuple[Bytes, Bytes]:
    """Return per pattern [2128] the arena's tail without multipliers, and the notes of its plan."""
    graphs = _reference(cells, classes)
    tails = np.array([arena.tail(graph) for graph in graphs], dtype=np.int64)
    notes = np.array([arena.aligned(arena.notes(graph)) for graph in graphs], dtype=np.int64)
    own = Skeleton(_CHANNELS, cells, _RESOLUTION, classes)
    return tails - _multipliers(own), notes


def _multipliers(skeleton: Skeleton) -> Bytes:
    """Return per pattern [2128] the arena's multipliers and shifts of convolutions and BNs."""
    stage = [2 * arena.aligned(4 * (skeleton.channels << s)) for s in range(STAGES)]
    return np.asarray(_layers_by_stage(skeleton.cells_per_stage) @ np.array(stage))


@functools.cache
def _layers_by_stage(cells: int) -> Bytes:
    """Return how many layers with multipliers a pattern has per stage [2128, 3]."""
    counts = np.zeros((len(patterns()[0]), STAGES), dtype=np.int64)
    for row, graph in zip(counts, _reference(cells, 1), strict=True):
        for kind, channels in zip(graph.kinds, graph.channels, strict=True):
            if kind in ("conv", "affine"):
                row[(channels // _CHANNELS).bit_length() - 1] += 1
    return counts


@functools.cache
def _im2col() -> int:
    graph = next(g for g in _reference(1, 1) if g.kinds != ("constant",))
    return tinyengine(graph) - best_peak(graph)


def _reference(cells: int, classes: int) -> tuple[Graph, ...]:
    return pattern_graphs(Skeleton(_CHANNELS, cells, _RESOLUTION, classes))
