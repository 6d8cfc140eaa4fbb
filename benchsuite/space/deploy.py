"""The network as a device runs it: dead operators removed, BN folded, ReLU fused.

Removing an operator on no input-output path is a convention: after training, a convolution of
zeros followed by BN is a constant per channel, which deployment can fold into its neighbours.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from benchsuite.space.cell import Cell, prune
from benchsuite.space.network import Layer, Network, Skeleton, build

_CAN_FUSE_RELU = ("conv", "add", "affine")


def live(cell: Cell, skeleton: Skeleton) -> Network:
    """Return the network as trained (BN unfolded) without what cannot change its output.

    - operators on no input-output path and `none` are gone; a sum of one term is that term;
    - the ReLUs that read one tensor are one ReLU.

    A cell without an input-output path leaves one `constant` layer: the logits do not depend on
    the input.
    """
    alive = Cell(tuple(prune(np.array([cell.ops]))[0].tolist()))
    if not any(alive.ops):
        logits = Layer("logits", "constant", (), (skeleton.classes, 1, 1), 0)
        return Network(cell, skeleton, (logits,))
    return Network(cell, skeleton, condensed(build(alive, skeleton).layers)[0])


def condensed(layers: tuple[Layer, ...]) -> tuple[tuple[Layer, ...], dict[str, int]]:
    """Return the layers of a trained network that are not zeros, and where each layer stands.

    `none` and what reads zeros alone are gone, a sum of one term is that term, and the ReLUs that
    read one tensor are one ReLU. The dictionary says by name at which position the output of a
    layer is computed; what is all zeros (BN in training mode, without offset) has none.
    """
    dense, there = _drop_zeros(layers)
    shared, now = _share_relu(dense)
    return shared, {layers[at].name: now[place] for at, place in there.items()}


def shared_relus(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """Return layers in which the ReLUs that read one tensor are one ReLU."""
    return _share_relu(layers)[0]


def deploy(cell: Cell, skeleton: Skeleton) -> Network:
    """Return the deployed network of a cell: its `live` network, rewritten for inference.

    - a BN is folded into the convolution before it (which gets a bias), any other BN is `affine`;
    - a node's sum is a chain of two-operand additions, in edge order;
    - a ReLU is fused into the producer of its input if nobody else reads that.
    """
    layers = live(cell, skeleton).layers
    return Network(cell, skeleton, _fuse_relu(_two_operand_adds(_fold_bn(layers))))


class _Rewrite:
    """Copies layers one by one; what is not copied stands for an earlier layer."""

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.now_at: dict[int, int] = {}

    def copy(self, position: int, layer: Layer) -> None:
        self.now_at[position] = self.append(layer)

    def append(self, layer: Layer) -> int:
        self.layers.append(layer)
        return len(self.layers) - 1

    def inputs(self, layer: Layer) -> tuple[int, ...]:
        return tuple(self.now_at[at] for at in layer.inputs)


def _reading(layer: Layer, inputs: tuple[int, ...]) -> Layer:
    """Return a layer that reads other positions; `replace` takes twice as long."""
    if inputs == layer.inputs:
        return layer
    return Layer(
        layer.name,
        layer.kind,
        inputs,
        layer.shape,
        layer.in_channels,
        layer.kernel,
        layer.stride,
        layer.bias,
        layer.relu,
    )


def _drop_zeros(layers: tuple[Layer, ...]) -> tuple[tuple[Layer, ...], dict[int, int]]:
    """Remove `none` and sums of nothing; a sum of one term is that term."""
    new = _Rewrite()
    zeros: set[int] = set()
    for position, layer in enumerate(layers):
        alive = tuple(at for at in layer.inputs if at not in zeros)
        if layer.kind == "zero" or (layer.inputs and not alive):
            zeros.add(position)
        elif layer.kind == "add" and len(alive) == 1:
            new.now_at[position] = new.now_at[alive[0]]
        else:
            new.copy(position, _reading(layer, tuple(new.now_at[at] for at in alive)))
    return tuple(new.layers), new.now_at


def _fold_bn(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    new = _Rewrite()
    for position, layer in enumerate(layers):
        inputs = new.inputs(layer)
        if layer.kind == "bn" and layers[layer.inputs[0]].kind == "conv":
            new.layers[inputs[0]] = replace(new.layers[inputs[0]], bias=True)
            new.now_at[position] = inputs[0]
        else:
            affine = replace(layer, kind="affine") if layer.kind == "bn" else layer
            new.copy(position, _reading(affine, inputs))
    return tuple(new.layers)


def _two_operand_adds(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    new = _Rewrite()
    for position, layer in enumerate(layers):
        inputs = new.inputs(layer)
        while layer.kind == "add" and len(inputs) > 2:
            partial = replace(layer, name=f"{layer.name}.part", inputs=inputs[:2])
            inputs = (new.append(partial), *inputs[2:])
        new.copy(position, _reading(layer, inputs))
    return tuple(new.layers)


def _share_relu(layers: tuple[Layer, ...]) -> tuple[tuple[Layer, ...], dict[int, int]]:
    new = _Rewrite()
    relu_of: dict[int, int] = {}
    for position, layer in enumerate(layers):
        inputs = new.inputs(layer)
        if layer.kind == "relu" and inputs[0] in relu_of:
            new.now_at[position] = relu_of[inputs[0]]
            continue
        new.copy(position, _reading(layer, inputs))
        if layer.kind == "relu":
            relu_of[inputs[0]] = new.now_at[position]
    return tuple(new.layers), new.now_at


def _fuse_relu(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    new = _Rewrite()
    readers = Counter(at for layer in layers for at in layer.inputs)
    for position, layer in enumerate(layers):
        inputs = new.inputs(layer)
        producer = layers[layer.inputs[0]] if layer.kind == "relu" else None
        if producer and producer.kind in _CAN_FUSE_RELU and readers[layer.inputs[0]] == 1:
            new.layers[inputs[0]] = replace(new.layers[inputs[0]], relu=True)
            new.now_at[position] = inputs[0]
        else:
            new.copy(position, _reading(layer, inputs))
    return tuple(new.layers)
