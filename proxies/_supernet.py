"""Condition number and linear regions of a supernet whose edges sum the operators left on them.

The nets are the thin ones of `ntk_cond` (3 channels) and `linear_regions` (1 channel), one cell per
stage. A weight tensor is drawn by its layer's name, so supernets that differ in one operator share
all other weights, and a supernet with one operator per edge is the plain network. As there, what
no path from input to output needs is not run and counts nothing.

Source: Chen et al., TE-NAS, ICLR 2021, section 3.2; Qiao et al., MONAS, section 3.3.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchsuite.passes import Rule
from benchsuite.proxies._engine import lanes
from benchsuite.proxies._engine._loops import Array
from benchsuite.proxies._engine.weights import draw_weights, generator
from benchsuite.proxies._scoring.batch import draw
from benchsuite.proxies._scoring.images import Images, open_images
from benchsuite.proxies.linear_regions import SIZE, distinct, patches
from benchsuite.space.cell import EDGES, OPS
from benchsuite.space.network import Skeleton, build_supernet

Operators = Sequence[Sequence[int]]


class Supernet:
    """A network with all operators on all edges, with weights as drawn; any of them may be left."""

    def __init__(self, skeleton: Skeleton, seed: int, number: int, rule: Rule) -> None:
        network = build_supernet([range(len(OPS))] * len(EDGES), skeleton)
        self.layers = network.layers
        self.weights = {
            name: np.ascontiguousarray(tensor.numpy())
            for name, tensor in draw_weights(network, seed, number, rule).items()
        }
        self._at = {layer.name: position for position, layer in enumerate(self.layers)}

    def forward(
        self, operators: Operators, x: Array, start: str = "input", stop: str = "classifier"
    ) -> lanes.Pass:
        """Run x [B, C, H, W], the output of layer `start`, as far as layer `stop`.

        operators: codes left per edge, in all cells.
        """
        first, last = self._at[start], self._at[stop]
        steps = [(at, reads) for at, reads in self._steps(operators) if first < at <= last]
        return lanes.forward(self.layers, self.weights, steps, x, first)

    def _steps(self, operators: Operators) -> list[tuple[int, tuple[int, ...]]]:
        """Return what the logits need, in order, and what each layer reads."""
        reads = [self._left(position, operators) for position in range(len(self.layers))]
        needed = {len(reads) - 1}
        for position in reversed(range(len(reads))):
            if position in needed:
                needed.update(reads[position])
        return [(position, reads[position]) for position in sorted(needed)]

    def _left(self, position: int, operators: Operators) -> tuple[int, ...]:
        """Return what a layer reads: the sum at a node, the terms of the operators left.

        A node's terms stand edge by edge, by operator. Zeros are not summed up.
        """
        layer = self.layers[position]
        _, dot, node = layer.name.rpartition(".node")
        if not dot:
            return layer.inputs
        into = [edge for edge, (_, target) in enumerate(EDGES) if target == int(node)]
        terms = [
            layer.inputs[len(OPS) * k + op] for k, edge in enumerate(into) for op in operators[edge]
        ]
        kinds = {at: self.layers[at].kind for at in terms}
        return tuple(at for at in terms if kinds[at] != "zero") or tuple(terms[:1])


def kernel(net: Supernet, operators: Operators, images: Array) -> Array:
    """Return the NTK [B, B] in float64 of what is left, for images [B, 3, H, W]; see `ntk_cond`."""
    jacobian = lanes.jacobian(net.forward(operators, images)).astype(np.float64)
    return jacobian @ jacobian.T


def signs(net: Supernet, operators: Operators, inputs: Array) -> NDArray[np.bool_]:
    """Return the signs [B, neurons] of all ReLUs, for inputs [B, 1, 3, 3]; see `linear_regions`."""
    done = net.forward(operators, inputs, "stem.bn", "last.relu")
    rows = [
        value.reshape(-1, len(inputs)) > 0
        for at, value in done.values.items()
        if net.layers[at].kind == "relu"
    ]
    return np.concatenate(rows).T


@dataclass(frozen=True)
class Meter:
    """How supernets are measured; everything is drawn from the seed and the number of a draw.

    images: what `open_images` takes; batch: images of the NTK; resolution: theirs; patches: 3x3
    inputs of the linear regions, in batches of 1,000; default: whether weights are initialised as
    PyTorch does, or else by Kaiming: fan-out for the NTK, fan-in for the regions; classes: of the
    network, and of the images.
    """

    seed: int
    batch: int
    resolution: int
    patches: int
    images: str | None = None
    default: bool = True
    classes: int = 10

    def spectrum(
        self, operators: Operators, number: int, batch: int | None = None
    ) -> tuple[float, ...]:
        """Return the eigenvalues of the NTK of a supernet, ascending, one per image.

        operators: codes left per edge; number: of the draw of weights; batch: of that of images,
        by default the same.
        """
        drawn = number if batch is None else batch
        return _spectrum(self, open_images(self.images), _frozen(operators), number, drawn)

    def regions(self, operators: Operators, number: int, repeat: int) -> int:
        """Return how many linear regions of a supernet the patches fall into.

        number: of the draw of weights; repeat: of patches.
        """
        return _regions(self, open_images(self.images), _frozen(operators), number, repeat)


_ONE = Skeleton(channels=1, cells_per_stage=1, resolution=4)


def _frozen(operators: Operators) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(edge) for edge in operators)


# Searches of one seed by several weights prune alike at first, and measure that once.
@functools.lru_cache(maxsize=10_000)
def _spectrum(
    meter: Meter, images: Images, operators: Operators, number: int, drawn: int
) -> tuple[float, ...]:
    thin = Skeleton(3, 1, meter.resolution, meter.classes)
    net = _net(thin, meter.seed, number, "default" if meter.default else "kaiming_fan_out")
    batch = _batch(meter, images, drawn).numpy()
    return tuple(np.linalg.eigvalsh(kernel(net, operators, batch)).tolist())


@functools.lru_cache(maxsize=100_000)
def _regions(meter: Meter, images: Images, operators: Operators, number: int, repeat: int) -> int:
    net = _net(_ONE, meter.seed, number, "default" if meter.default else "kaiming")
    inputs = torch.split(_patches(meter, images, number, repeat), SIZE)
    return distinct(np.concatenate([signs(net, operators, some.numpy()) for some in inputs]))


@functools.lru_cache(maxsize=4)
def _net(skeleton: Skeleton, seed: int, number: int, rule: Rule) -> Supernet:
    return Supernet(skeleton, seed, number, rule)


@functools.lru_cache(maxsize=4)
def _batch(meter: Meter, images: Images, number: int) -> Tensor:
    """Return images [batch, 3, H, W]."""
    size = meter.batch, meter.resolution, meter.classes
    return draw(images, *size, seed=meter.seed, repeat=number).images


@functools.lru_cache(maxsize=4)
def _patches(meter: Meter, images: Images, number: int, repeat: int) -> Tensor:
    """Return patches [patches, 1, 3, 3], of the images of the first draw."""
    source = generator(meter.seed, number, repeat, "supernet", "linear_regions")
    return patches(_batch(meter, images, 0), meter.patches, source)
