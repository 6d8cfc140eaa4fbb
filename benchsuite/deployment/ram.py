"""RAM of deployed cells under named conventions: int8 tensors, one image, the input counted.

| name             | bytes                                                                       |
|------------------|-----------------------------------------------------------------------------|
| `ram.order`      | peak of live tensors in the network's own order, nothing in place            |
| `ram.best`       | least peak over all topological orders, additions in place (muNAS)           |
| `ram.tflm`       | arena of TensorFlow Lite Micro: greedy plan + what its interpreter keeps     |
| `ram.tinyengine` | `ram.best` + the im2col buffer all convolutions share (MCUNet)               |

All are of the network as `benchsuite.space.deploy` leaves it: dead operators removed, BN folded,
ReLU fused, two-operand additions. A cell without an input-output path is a constant: its RAM is the
logits, one byte each, under every convention.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchsuite.deployment.arena import arena
from benchsuite.deployment.graph import Graph, graph, pattern_graphs, patterns
from benchsuite.deployment.liveness import best_peak, order_peak
from benchsuite.errors import UserError, did_you_mean
from benchsuite.space.cell import Cell
from benchsuite.space.deploy import deploy
from benchsuite.space.network import Skeleton

Bytes = NDArray[np.int64]

# 3x3 is the largest kernel; two columns of int16, as TinyEngine's kernels take them.
_LARGEST_KERNEL = 3
_COLUMN_BYTES = 2 * 2


def tinyengine(graph: Graph) -> int:
    """Return `ram.best` plus the im2col buffer [bytes] of the largest convolution.

    M = max over convolutions of kernel^2 * input channels (MCUNet, section 3.2, Eq. 1); a smaller
    convolution fits floor(M / own) columns into it (Eq. 2), which costs no memory. The paper
    counts M in elements and one column; the released code keeps two columns of 16 bits, 4 M bytes,
    and so does this. In every skeleton the largest is the second 3x3 convolution of the second
    residual block. Convolutions in place are depthwise only, so there are none here.
    """
    if graph.kinds == ("constant",):
        return best_peak(graph)
    channels = max(c for c, kind in zip(graph.channels, graph.kinds, strict=True) if kind == "conv")
    return best_peak(graph) + im2col(_LARGEST_KERNEL**2 * channels)


def im2col(elements: int) -> int:
    """Return the bytes of the buffer of a convolution whose window reads so many elements."""
    return _COLUMN_BYTES * elements


CONVENTIONS: dict[str, Callable[[Graph], int]] = {
    "ram.order": order_peak,
    "ram.best": best_peak,
    "ram.tflm": arena,
    "ram.tinyengine": tinyengine,
}


def ram(convention: str, cell: Cell, skeleton: Skeleton) -> int:
    """Return the RAM [bytes] of one cell under one of `CONVENTIONS`.

    Raises UserError for a convention that does not exist.
    """
    return _convention(convention)(graph(deploy(cell, skeleton)))


@functools.cache
def all_ram(convention: str, skeleton: Skeleton) -> Bytes:
    """Return the RAM of every cell under one of `CONVENTIONS`: int64 [15625, bytes], read-only.

    Raises UserError for a convention that does not exist.
    """
    measure = _convention(convention)
    _, of_cell = patterns()
    sizes = np.array([measure(graph) for graph in pattern_graphs(skeleton)], dtype=np.int64)
    result: Bytes = sizes[of_cell]
    result.setflags(write=False)
    return result


def _convention(name: str) -> Callable[[Graph], int]:
    if name not in CONVENTIONS:
        raise UserError(
            f"There is no RAM convention {name!r}; there are {', '.join(CONVENTIONS)}."
            + did_you_mean(name, CONVENTIONS)
        )
    return CONVENTIONS[name]
