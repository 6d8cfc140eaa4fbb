"""The NAS-Bench-201 network of a cell, as a flat list of layers: the only description of it here.

Costs, device models, proxies, the torch module and the exported files are all derived from it.

The skeleton: a 3x3 stem, three stages of identical cells with 1, 2 and 4 times the channels, a
residual block of stride 2 before the second and third stage, then BN, ReLU, global average pooling
and a linear classifier. A convolution in a cell is ReLU, convolution, BN.

Source: Dong & Yang, "NAS-Bench-201", ICLR 2020, section 2.1 and Fig. 1; layer by layer as in
AutoDL-Projects, `TinyNetwork`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from benchsuite.errors import UserError, did_you_mean
from benchsuite.space.cell import CONV1, CONV3, EDGES, NONE, OPS, POOL, SKIP, Cell

Kind = Literal[
    "input",
    "conv",  # square kernel, padding kernel // 2, no groups
    "bn",
    "relu",
    "avg_pool",  # 3x3 stride 1 padding 1 without counting the padding, or 2x2 stride 2
    "add",
    "zero",  # what `none` executes
    "affine",  # a BN that follows no convolution, folded: scale and offset per channel
    "global_pool",
    "linear",
    "constant",  # all that deployment leaves of a network without an input-output path
]
Shape = tuple[int, int, int]

STAGES = 3
_MOST = 2**15  # Of anything in a skeleton: the costs of its networks are 64-bit integers.


@dataclass(frozen=True)
class Skeleton:
    """The network around the cell; the defaults are the official CIFAR-10 one."""

    channels: int = 16
    cells_per_stage: int = 5
    resolution: int = 32
    classes: int = 10

    def __post_init__(self) -> None:
        for name in ("channels", "cells_per_stage", "resolution", "classes"):
            value = getattr(self, name)
            whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
            if not whole or not 0 < value <= _MOST:
                raise UserError(
                    f"A skeleton needs a whole number of {name} above 0 and at most {_MOST}, "
                    f"not {value!r}."
                )
            object.__setattr__(self, name, int(value))  # of any kind of number, one value
        if self.resolution % 4:
            raise UserError(
                f"A skeleton halves its resolution twice, so it must be a multiple of 4, "
                f"not {self.resolution}."
            )

    @property
    def widths(self) -> tuple[int, int, int, int, int]:
        """Channels of cells, residual block, cells, residual block, cells, in that order."""
        c = self.channels
        return c, 2 * c, 2 * c, 4 * c, 4 * c


OFFICIAL = {
    "cifar10": Skeleton(),
    "cifar100": Skeleton(classes=100),
    "imagenet16-120": Skeleton(resolution=16, classes=120),
}
# The skeletons that device columns are of, by name and dataset: `mcu` has one cell per stage.
SKELETONS = {
    "official": OFFICIAL,
    "mcu": {dataset: replace(of, cells_per_stage=1) for dataset, of in OFFICIAL.items()},
}


def skeleton_of(name: str, dataset: str) -> Skeleton:
    """Return a skeleton of `SKELETONS`; UserError for a name or a dataset that is not there."""
    for what, given, known in (
        ("skeleton", name, SKELETONS),
        ("dataset", dataset, SKELETONS.get(name, {})),
    ):
        if given not in known:
            raise UserError(
                f"There is no {what} {given!r}; there are {', '.join(known)}."
                + did_you_mean(given, known)
            )
    return SKELETONS[name][dataset]


@dataclass(frozen=True)
class Layer:
    """One operation on feature maps.

    inputs: positions in `Network.layers` of what it reads; shape: its output [channels, height,
    width]; in_channels: channels of what it reads; relu: whether a ReLU is fused to its output.
    """

    name: str
    kind: Kind
    inputs: tuple[int, ...]
    shape: Shape
    in_channels: int
    kernel: int = 1
    stride: int = 1
    bias: bool = False
    relu: bool = False


@dataclass(frozen=True)
class Network:
    """A cell in a skeleton: its layers in the order of execution; the last one holds the logits.

    cell: None for a supernet.
    """

    cell: Cell | None
    skeleton: Skeleton
    layers: tuple[Layer, ...]


def build(cell: Cell, skeleton: Skeleton = OFFICIAL["cifar10"]) -> Network:
    """Return the network as it is trained: every operator, dead or alive, and every BN."""
    return Network(cell, skeleton, _layers([(op,) for op in cell.ops], skeleton))


def build_supernet(operators: Sequence[Sequence[int]], skeleton: Skeleton) -> Network:
    """Return the network in whose cells every edge is the sum of several operators.

    operators: operator codes per edge, in `EDGES` order. With one each, the layers are `build`'s.
    Raises UserError where an edge has none, or one that does not exist.
    """
    for edge in operators:
        if not edge or len(set(edge)) != len(edge) or not all(0 <= op < len(OPS) for op in edge):
            raise UserError(
                f"An edge of a supernet has one or more different operators 0 to {len(OPS) - 1}, "
                f"not {tuple(edge)}."
            )
    if len(operators) != len(EDGES):
        raise UserError(f"A supernet's cell has {len(EDGES)} edges, not {len(operators)}.")
    return Network(None, skeleton, _layers(operators, skeleton))


def _layers(operators: Sequence[Sequence[int]], skeleton: Skeleton) -> tuple[Layer, ...]:
    net = _Builder(skeleton.resolution)
    channels, *rest = skeleton.widths
    at = net.conv("stem.conv", net.input(), channels, kernel=3)
    at = net.same("stem.bn", "bn", at)
    for stage in range(STAGES):
        if stage:
            at = _residual_block(net, f"reduce{stage}", at, rest[2 * stage - 2])
            channels = rest[2 * stage - 1]
        for position in range(skeleton.cells_per_stage):
            at = _cell(net, f"stage{stage}.cell{position}", at, operators, channels)
    at = net.same("last.relu", "relu", net.same("last.bn", "bn", at))
    at = net.add_layer(Layer("pool", "global_pool", (at,), (channels, 1, 1), channels))
    logits = (skeleton.classes, 1, 1)
    net.add_layer(Layer("classifier", "linear", (at,), logits, channels, bias=True))
    return tuple(net.layers)


class _Builder:
    """Collects layers; every method appends one or more and returns the position of the last."""

    def __init__(self, resolution: int) -> None:
        self.layers: list[Layer] = []
        self._resolution = resolution

    def add_layer(self, layer: Layer) -> int:
        self.layers.append(layer)
        return len(self.layers) - 1

    def input(self) -> int:
        shape = (3, self._resolution, self._resolution)
        return self.add_layer(Layer("input", "input", (), shape, 3))

    def same(self, name: str, kind: Kind, *inputs: int) -> int:
        """Append a layer whose output has the shape of its first input."""
        shape = self.layers[inputs[0]].shape
        return self.add_layer(Layer(name, kind, inputs, shape, shape[0]))

    def conv(self, name: str, at: int, channels: int, kernel: int, stride: int = 1) -> int:
        before, height, width = self.layers[at].shape
        shape = (channels, height // stride, width // stride)
        return self.add_layer(Layer(name, "conv", (at,), shape, before, kernel, stride))

    def relu_conv_bn(self, name: str, at: int, channels: int, kernel: int, stride: int = 1) -> int:
        at = self.same(f"{name}.relu", "relu", at)
        return self.same(
            f"{name}.bn", "bn", self.conv(f"{name}.conv", at, channels, kernel, stride)
        )

    def avg_pool(self, name: str, at: int, kernel: int, stride: int) -> int:
        channels, height, width = self.layers[at].shape
        shape = (channels, height // stride, width // stride)
        return self.add_layer(Layer(name, "avg_pool", (at,), shape, channels, kernel, stride))


def _cell(
    net: _Builder, name: str, at: int, operators: Sequence[Sequence[int]], channels: int
) -> int:
    nodes = [at]
    for target in (1, 2, 3):
        terms = [
            _edge(net, f"{name}.edge{source}{target}", nodes[source], op, channels)
            for (source, to), edge in zip(EDGES, operators, strict=True)
            if to == target
            for op in edge
        ]
        nodes.append(
            terms[0] if len(terms) == 1 else net.same(f"{name}.node{target}", "add", *terms)
        )
    return nodes[3]


def _edge(net: _Builder, name: str, at: int, op: int, channels: int) -> int:
    name = f"{name}.{OPS[op]}"
    if op == SKIP and net.layers[at].shape[0] != channels:
        return net.same(f"{name}.bn", "bn", net.conv(f"{name}.conv", at, channels, kernel=1))
    if op in (NONE, POOL) and net.layers[at].shape[0] != channels:
        raise UserError(
            f"A cell that changes the channels is built of convolutions and {OPS[SKIP]}, not of "
            f"{OPS[op]}."
        )
    if op == NONE:
        return net.same(name, "zero", at)
    if op == CONV1:
        return net.relu_conv_bn(name, at, channels, kernel=1)
    if op == CONV3:
        return net.relu_conv_bn(name, at, channels, kernel=3)
    if op == POOL:
        return net.avg_pool(name, at, kernel=3, stride=1)
    assert op == SKIP
    return at


def _residual_block(net: _Builder, name: str, at: int, channels: int) -> int:
    main = net.relu_conv_bn(f"{name}.a", at, channels, kernel=3, stride=2)
    main = net.relu_conv_bn(f"{name}.b", main, channels, kernel=3)
    shortcut = net.avg_pool(f"{name}.shortcut.pool", at, kernel=2, stride=2)
    shortcut = net.conv(f"{name}.shortcut.conv", shortcut, channels, kernel=1)
    return net.same(f"{name}.add", "add", shortcut, main)
