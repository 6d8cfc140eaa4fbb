"""Parameters, multiply-accumulates and FLOPs of cells, under named conventions.

- *official*: the network as trained, dead operators included. FLOPs are what NAS-Bench-201 calls
  FLOPs: multiply-accumulates of convolutions and of the classifier, plus the classifier's bias;
  BN, ReLU, pooling, additions and `skip_connect` count nothing. (The 200-epoch records of the
  official files hold other values for 150 cells; those are faults of the files.)
- *deployed*: the network as a device runs it (see `benchsuite.space.deploy`): dead operators
  removed, BN folded into the convolutions' biases, multiply-accumulates only.

Every cost is a sum over layers, so over all cells it is a base plus one term per operator.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchsuite.space.cell import EDGES, NONE, OPS, Cell, all_ops, connected, prune
from benchsuite.space.deploy import deploy
from benchsuite.space.network import Layer, Network, Skeleton, build

Counts = NDArray[np.int64]


def layer_macs(layer: Layer) -> int:
    """Return the multiply-accumulates of one layer, `k^2 * in * out * H * W`."""
    if layer.kind not in ("conv", "linear"):
        return 0
    channels, height, width = layer.shape
    return layer.kernel**2 * layer.in_channels * channels * height * width


def layer_params(layer: Layer) -> int:
    """Return the trainable numbers of one layer: weights, biases, scales and offsets."""
    channels = layer.shape[0]
    if layer.kind in ("conv", "linear"):
        return channels * (layer.kernel**2 * layer.in_channels + layer.bias)
    if layer.kind == "constant":
        return channels
    return 2 * channels if layer.kind in ("bn", "affine") else 0


def layer_tensors(layer: Layer) -> int:
    """Return how many parameter tensors one layer has."""
    if layer.kind in ("conv", "linear"):
        return 1 + layer.bias
    if layer.kind == "constant":
        return 1
    return 2 if layer.kind in ("bn", "affine") else 0


def params(network: Network) -> int:
    """Return the number of parameters of a network."""
    return sum(map(layer_params, network.layers))


def macs(network: Network) -> int:
    """Return the multiply-accumulates of a network for one image."""
    return sum(map(layer_macs, network.layers))


def tensors(network: Network) -> int:
    """Return the number of parameter tensors of a network."""
    return sum(map(layer_tensors, network.layers))


def flops(network: Network) -> int:
    """Return the official FLOPs of a network: multiply-accumulates plus the classifier's bias."""
    return macs(network) + network.skeleton.classes


def all_params(skeleton: Skeleton) -> Counts:
    """Return the official parameters of every cell [15625]."""
    return _over_all_cells(params, skeleton)


def all_flops(skeleton: Skeleton) -> Counts:
    """Return the official FLOPs of every cell [15625]."""
    return _over_all_cells(flops, skeleton)


def all_tensors(skeleton: Skeleton) -> Counts:
    """Return the number of parameter tensors of every cell [15625], as trained."""
    return _over_all_cells(tensors, skeleton)


def all_deployed_params(skeleton: Skeleton) -> Counts:
    """Return the parameters of every deployed cell [15625]; a constant network has its logits."""
    return _over_all_deployed_cells(params, skeleton)


def all_deployed_macs(skeleton: Skeleton) -> Counts:
    """Return the multiply-accumulates of every deployed cell [15625]."""
    return _over_all_deployed_cells(macs, skeleton)


@functools.cache
def _over_all_cells(cost: Callable[[Network], int], skeleton: Skeleton) -> Counts:
    empty = cost(build(_uniform(NONE), skeleton))
    per_op = [(cost(build(_uniform(op), skeleton)) - empty) // len(EDGES) for op in range(len(OPS))]
    return _frozen(empty + np.array(per_op)[all_ops()].sum(axis=1))


@functools.cache
def _over_all_deployed_cells(cost: Callable[[Network], int], skeleton: Skeleton) -> Counts:
    """Like `_over_all_cells`, over live operators.

    The base is read off the cell 0 -> 3 with one operator: every deployed network has such a path.
    """
    single = [cost(deploy(Cell((0, 0, 0, op, 0, 0)), skeleton)) for op in range(1, len(OPS))]
    base = min(single)
    per_op = np.array([0, *(one - base for one in single)])
    total = base + per_op[prune(all_ops())].sum(axis=1)
    constant = cost(deploy(_uniform(NONE), skeleton))
    return _frozen(np.where(connected(), total, constant))


def _uniform(op: int) -> Cell:
    return Cell((op,) * len(EDGES))


def _frozen(counts: Counts) -> Counts:
    counts.setflags(write=False)
    return counts
