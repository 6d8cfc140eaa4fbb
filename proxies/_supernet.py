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
from torch import Tensor

from benchsuite.errors import UserError
from benchsuite.passes import Rule
from benchsuite.proxies._engine.weights import draw_weights, generator
from benchsuite.proxies._scoring.batch import draw
from benchsuite.proxies._scoring.images import Images, open_images
from benchsuite.proxies._scoring.net import Net, initialise
from benchsuite.proxies._scoring.threads import one_thread
from benchsuite.proxies.linear_regions import distinct, patches, signs
from benchsuite.proxies.ntk_cond import kernel
from benchsuite.space.cell import EDGES, OPS
from benchsuite.space.network import Skeleton, build_supernet

Operators = Sequence[Sequence[int]]


class Supernet(Net):
    """A network with all operators on all edges, of which some are left; weights as drawn."""

    def __init__(self, skeleton: Skeleton, seed: int, repeat: int, rule: Rule) -> None:
        network = build_supernet([range(len(OPS))] * len(EDGES), skeleton)
        super().__init__(network)
        initialise(self, draw_weights(network, seed, repeat, rule)).train()
        self._runs: list[tuple[int, tuple[int, ...]]] = []

    def keep(self, operators: Operators) -> Supernet:
        """Leave some operators, codes per edge, in all cells; return the net itself."""
        reads = [self._left(position, operators) for position in range(len(self.layers))]
        needed = {len(reads) - 1}
        for position in reversed(range(len(reads))):
            if position in needed:
                needed.update(reads[position])
        self._runs = [(position, reads[position]) for position in sorted(needed)]
        return self

    def forward(self, x: Tensor, start: str = "input", stop: str = "classifier") -> Tensor:
        """Return the output of layer `stop`, given `x` as the output of layer `start`."""
        first, last = self.position(start), self.position(stop)
        values = {first: x}
        for position, reads in self._runs:
            if first < position <= last:
                values[position] = self.layers[position](*(values[at] for at in reads))
        return values[last]

    def _left(self, position: int, operators: Operators) -> tuple[int, ...]:
        """Return what a layer reads: the sum at a node, the terms of the operators left.

        A node's terms stand edge by edge, by operator. As in `Net`, zeros are not summed up.
        """
        layer = self.network.layers[position]
        _, dot, node = layer.name.rpartition(".node")
        if not dot:
            return layer.inputs
        into = [edge for edge, (_, target) in enumerate(EDGES) if target == int(node)]
        terms = [
            layer.inputs[len(OPS) * k + op] for k, edge in enumerate(into) for op in operators[edge]
        ]
        kinds = {at: self.network.layers[at].kind for at in terms}
        return tuple(at for at in terms if kinds[at] != "zero") or tuple(terms[:1])


@dataclass(frozen=True)
class Meter:
    """How supernets are measured: numbers averaged over repeats of weights and images.

    images: what `open_images` takes; batch: images of the NTK; order: i of K_i = l_1 / l_(n-i);
    resolution: of its images; patches: 3x3 inputs of the linear regions; seed: of everything drawn.
    """

    seed: int
    repeats: int
    batch: int
    order: int
    resolution: int
    patches: int
    images: str | None = None

    def __post_init__(self) -> None:
        if self.order >= self.batch:
            raise UserError(f"A batch of {self.batch} images has no K_{self.order}.")

    def measure(self, operators: Operators) -> tuple[float, float]:
        """Return mean K and mean number of linear regions; K is NaN where a kernel has no rank.

        operators: codes left per edge.
        """
        with one_thread():
            each = [self._once(operators, repeat) for repeat in range(self.repeats)]
        condition, regions = np.mean(each, axis=0)
        return float(condition), float(regions)

    def _once(self, operators: Operators, repeat: int) -> tuple[float, float]:
        images, inputs = _inputs(self, repeat, open_images(self.images))
        thin, one = _nets(self, repeat)
        ascending = torch.linalg.eigvalsh(kernel(thin.keep(operators), images)).tolist()
        smallest = ascending[self.order]
        condition = ascending[-1] / smallest if smallest > 0 else float("nan")
        whole, _ = signs(one.keep(operators), inputs)
        return condition, float(distinct(whole))


@functools.lru_cache(maxsize=8)
def _inputs(meter: Meter, repeat: int, source: Images) -> tuple[Tensor, Tensor]:
    """Return images [batch, 3, H, W] of the kernel and patches [patches, 1, 3, 3]."""
    images = draw(source, meter.batch, meter.resolution, 10, seed=meter.seed, repeat=repeat).images
    drawn = generator(meter.seed, repeat, "supernet", "linear_regions")
    return images, patches(images, meter.patches, drawn)


@functools.lru_cache(maxsize=8)
def _nets(meter: Meter, repeat: int) -> tuple[Supernet, Supernet]:
    """Return the nets of the condition number and of the linear regions."""
    thin = Skeleton(channels=3, cells_per_stage=1, resolution=meter.resolution)
    one = Skeleton(channels=1, cells_per_stage=1, resolution=4)
    return (
        Supernet(thin, meter.seed, repeat, "kaiming_fan_out"),
        Supernet(one, meter.seed, repeat, "kaiming"),
    )
