"""Flash of deployed cells under named conventions: weights, weights with code, and compressed.

Counted are the constants of the network as `benchsuite.space.deploy` leaves it: weights, an int32
bias per output channel of every convolution and of the classifier (zero where the network has none:
runtimes store it anyway), and one float32 scale per output channel. The affine layer that follows
the last cell is stored as a depthwise 1x1 convolution. A cell without an input-output path is a
constant: its logits, one byte each, and nothing else.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.errors import UserError
from benchsuite.space.cell import CONV1, CONV3, Cell, all_ops, connected, prune
from benchsuite.space.deploy import deploy
from benchsuite.space.network import Layer, Network, Skeleton

Bytes = NDArray[np.int64]

_BIAS_BYTES = 4
_SCALE_BYTES = 4


@dataclass(frozen=True)
class Constants:
    """How many weights a network has, and how many output channels with a bias and a scale."""

    weights: int
    channels: int


def layer_constants(layer: Layer) -> Constants:
    """Return the constants of one deployed layer."""
    out = layer.shape[0]
    if layer.kind in ("conv", "linear"):
        return Constants(layer.kernel**2 * layer.in_channels * out, out)
    if layer.kind == "affine":
        return Constants(out, out)
    return Constants(out if layer.kind == "constant" else 0, 0)


def constants(network: Network) -> Constants:
    """Return the constants of a deployed network."""
    each = [layer_constants(layer) for layer in network.layers]
    return Constants(sum(c.weights for c in each), sum(c.channels for c in each))


def all_weights(skeleton: Skeleton) -> Bytes:
    """Return `flash.weights` [15625, bytes]: int8 weights, int32 biases, float32 scales."""
    weights, channels = all_constants(skeleton)
    return _frozen(weights + (_BIAS_BYTES + _SCALE_BYTES) * channels)


def all_total(skeleton: Skeleton, code_bytes: int | Bytes) -> Bytes:
    """Return `flash.total` [15625, bytes]: `flash.weights` plus the runtime's code.

    code_bytes: code and constants of the runtime in flash, of all cells or of each [15625]; it
    depends on runtime, version and compiler (`_code_size`), so it has no default. Raises UserError
    if it is negative.
    """
    least = int(np.min(code_bytes))
    if least < 0:
        raise UserError(f"The code of a runtime cannot have {least} bytes: give 0 or more.")
    return _frozen(all_weights(skeleton) + code_bytes)


def all_udc(skeleton: Skeleton, bits: int, sparsity: float) -> Bytes:
    """Return `flash.udc` [15625, bytes]: UDC's bound on the size of compressed weights.

    (b + H(s)) * number of weights, in bits, H(s) = -s log2 s - (1-s) log2 (1-s); biases and scales
    stay as in `flash.weights`, so `all_udc(skeleton, 8, 0)` equals it. As printed, every weight
    pays b bits, a zero too; `all_entropy` charges b to the non-zero ones alone.
    bits: of a weight, 1 to 8; sparsity s: fraction of zeros, 0 to 1. Raises UserError otherwise.

    Source: Fedorov et al., "UDC", NeurIPS 2022, section 3.1, Eq. 4.
    """
    return _compressed(skeleton, bits, sparsity, bits + _checked_entropy(bits, sparsity))


def all_entropy(skeleton: Skeleton, bits: int, sparsity: float) -> Bytes:
    """Return `flash.entropy` [15625, bytes]: like `all_udc`, a zero costing its mask bit alone.

    ((1 - s) b + H(s)) * number of weights, in bits: the entropy of a mask plus b bits per non-zero
    weight, which an arithmetic coder reaches if those are spread evenly over 2^b values.
    """
    mask = _checked_entropy(bits, sparsity)
    return _compressed(skeleton, bits, sparsity, (1 - sparsity) * bits + mask)


def mask_entropy(sparsity: float) -> float:
    """Return H(s) [bits per weight], the entropy of a mask with a fraction `sparsity` of zeros."""
    return -sum(p * math.log2(p) for p in (sparsity, 1 - sparsity) if p > 0)


def _checked_entropy(bits: int, sparsity: float) -> float:
    if isinstance(bits, bool) or not isinstance(bits, int) or not 1 <= bits <= 8:
        raise UserError(f"A quantised weight has 1 to 8 bits, not {bits!r}.")
    if not 0 <= sparsity <= 1:
        raise UserError(f"Sparsity is the fraction of weights that are 0, not {sparsity!r}.")
    return mask_entropy(sparsity)


def _compressed(skeleton: Skeleton, bits: int, sparsity: float, bits_per_weight: float) -> Bytes:
    weights, channels = all_constants(skeleton)
    size = np.ceil(weights * bits_per_weight / 8).astype(np.int64)
    size += (_BIAS_BYTES + _SCALE_BYTES) * channels
    return _frozen(np.where(connected(), size, skeleton.classes))


@functools.cache
def all_constants(skeleton: Skeleton) -> tuple[Bytes, Bytes]:
    """Return weights and output channels of every cell, int64 [15625] each.

    A base and one term per live convolution; channels are those with a bias and a scale.
    """
    base = constants(deploy(Cell((0, 0, 0, 1, 0, 0)), skeleton))
    alive = prune(all_ops())
    weights = np.full(len(alive), base.weights, dtype=np.int64)
    channels = np.full(len(alive), base.channels, dtype=np.int64)
    for op in (CONV1, CONV3):
        one = constants(deploy(Cell((0, 0, 0, op, 0, 0)), skeleton))
        count = (alive == op).sum(axis=1)
        weights += (one.weights - base.weights) * count
        channels += (one.channels - base.channels) * count
    weights[~connected()], channels[~connected()] = skeleton.classes, 0
    return _frozen(weights), _frozen(channels)


def _frozen(size: Bytes) -> Bytes:
    size.setflags(write=False)
    return size
