"""Compressed networks: bits, sparsity and width per stage, and the bytes their weights take.

A stage is a residual block and the cells after it (the first stage has no block); all of its
feature maps are summed, so its layers share one width. Stem and classifier stay at 8 bits and
dense, but get the width of their stage; biases and scales stay as in `flash.weights`.

A weight of a stage of b bits, a fraction s of the weights not zero, takes, in bits,

- `entropy`: s b + H(s), H(s) = -s log2 s - (1-s) log2 (1-s): the entropy of the mask and b bits per
  non-zero weight;
- `printed`: b + H(s), equation 4 of the paper as printed, where a zero pays b bits too. By it no
  sparsity ever makes a network smaller, while the paper's Fig. 1 and Table 4 show that it does.

Source: Fedorov et al., "UDC", NeurIPS 2022, section 3.1, equation 4.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchsuite.errors import UserError
from benchsuite.numerics.arithmetic import log2, product
from benchsuite.space.cell import CONV1, CONV3, EDGES, NONE, OPS, Cell, all_ops, connected, prune
from benchsuite.space.deploy import deploy
from benchsuite.space.multilinear import expectations, tensor
from benchsuite.space.network import STAGES, Layer, Skeleton

Array = NDArray[np.float64]
Rule = Literal["entropy", "printed"]

BITS = (1, 4, 8, 32)
DENSITIES = (0.01, *(i / 10 for i in range(1, 11)))
WIDTHS = tuple(i / 10 for i in range(1, 11))

_FIXED_BITS = 8
_BIAS_AND_SCALE_BITS = 64
# Positions in the vectors whose products are the terms of a size.
_INPUT, _STAGE, _CLASSES, _ONE = 0, 1, 4, 5
_FIXED_RATE, _CONSTANT_RATE = 3, 4
_CONNECTED, _N1, _N3, _UNCONNECTED = range(4)


@dataclass(frozen=True)
class Compressed:
    """How a network is compressed, one value per stage.

    bits: of a weight; densities: fraction of weights that are not zero; widths: fraction of the
    channels that are left.
    """

    bits: tuple[int, ...] = (8, 8, 8)
    densities: tuple[float, ...] = (1.0, 1.0, 1.0)
    widths: tuple[float, ...] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        for name in ("bits", "densities", "widths"):
            values = getattr(self, name)
            low, high = (1, 32) if name == "bits" else (0, 1)
            if len(values) != STAGES or not all(v > 0 and low <= v <= high for v in values):
                raise UserError(
                    f"A compressed network has {STAGES} {name}, one per stage, above 0 and from "
                    f"{low} to {high}; not {values!r}."
                )

    def described(self) -> Mapping[str, Any]:
        """Return the three fields as plain lists."""
        return {name: list(getattr(self, name)) for name in ("bits", "densities", "widths")}


def channels(width: float, full: int) -> int:
    """Return how many of `full` channels a width leaves: the nearest number, at least one."""
    return max(1, round(width * full))


def as_built(form: Compressed, skeleton: Skeleton) -> Compressed:
    """Return a form with the widths that whole numbers of channels come to."""
    full = [skeleton.channels * 2**k for k in range(STAGES)]
    widths = (channels(w, c) / c for w, c in zip(form.widths, full, strict=True))
    return dataclasses.replace(form, widths=tuple(widths))


def n_bytes(cell: Cell, skeleton: Skeleton, form: Compressed, rule: Rule = "entropy") -> float:
    """Return the size [bytes] of a deployed network's constants once compressed."""
    return float(all_bytes(skeleton, form, rule)[cell.index])


def all_bytes(skeleton: Skeleton, form: Compressed | None = None, rule: Rule = "entropy") -> Array:
    """Return `n_bytes` of every cell [15625]; by default 8 bits, dense, at full width."""
    form = form or Compressed()
    model = size_model(skeleton, rule)
    kept = [channels(w, int(c)) for w, c in zip(form.widths, model.stage_channels, strict=True)]
    counts = np.stack(live_counts(), axis=1)
    return model.value(
        counts, np.array([kept], float), np.array([form.bits]), np.array([form.densities])
    )


def mask_entropy(density: Array) -> Array:
    """Return H(s) in bits per weight for fractions s of non-zeros."""
    s = np.asarray(density, dtype=np.float64)
    h: Array = -(s * log2(np.where(s > 0, s, 1)) + (1 - s) * log2(np.where(s < 1, 1 - s, 1)))
    return h


@functools.cache
def live_counts() -> tuple[Array, Array, Array, Array]:
    """Return, per cell [15625]: connected or not, live 1x1 and 3x3 convolutions, not connected."""
    alive = prune(all_ops())
    has_path = connected().astype(np.float64)
    counts: list[Array] = [(alive == op).sum(axis=1).astype(np.float64) for op in (CONV1, CONV3)]
    found = has_path, counts[0], counts[1], 1 - has_path
    for array in found:
        array.setflags(write=False)
    return found


def live_expectations(probs: Array) -> tuple[Array, Array]:
    """Return the expected `live_counts` [4, S] for choices [S, 6, 5], and the slopes [4, S, 6, 5].

    The choices of an edge sum to one, so a cell is unconnected as often as it is not connected.
    What is counted tells three options of an edge apart: `none`, the convolution, any other.
    """
    value = np.empty((4, len(probs)))
    slopes = np.empty((4, *probs.shape))
    for convolution, at in ((CONV1, [0, 1]), (CONV3, [2])):
        option = _three_options(convolution)
        three = np.zeros((*probs.shape[:2], 3))
        for op, of in enumerate(option):
            three[..., of] += probs[..., op]
        value[at], found = expectations(_live_tensors(convolution)[-len(at) :], three)
        slopes[at] = found[..., option]
    value[3], slopes[3] = 1 - value[0], -slopes[0]
    return value, slopes


def _three_options(convolution: int) -> NDArray[np.int64]:
    """Return which of `none`, a convolution and any other an operator is [5]: 0, 1, 2."""
    ops = np.arange(len(OPS))
    found: NDArray[np.int64] = np.where(ops == NONE, 0, np.where(ops == convolution, 1, 2))
    return found


@functools.cache
def _live_tensors(convolution: int) -> Array:
    """Return whether cells are connected and their live convolutions [2, 3, 3, 3, 3, 3, 3]."""
    _, one_each = np.unique(_three_options(convolution), return_index=True)
    has_path, conv1, conv3, _ = live_counts()
    counts = (has_path, conv1 if convolution == CONV1 else conv3)
    found: Array = np.stack([tensor(count)[np.ix_(*[one_each] * len(EDGES))] for count in counts])
    found.setflags(write=False)
    return found


class SizeModel:
    """The size of compressed networks as a polynomial, exact, and differentiable between options.

    Every term is a number times channels in, channels out, bits per weight and how often it occurs.
    """

    def __init__(self, skeleton: Skeleton, rule: Rule) -> None:
        self.rule = rule
        self.stage_channels = np.array([skeleton.channels * 2**k for k in range(STAGES)])
        self._classes = skeleton.classes
        terms = Counter(_terms(deploy(Cell((0, 0, 0, 1, 0, 0)), skeleton), _CONNECTED))
        for op, count in ((CONV1, _N1), (CONV3, _N3)):
            of_cell = [
                layer
                for layer in deploy(Cell((0, 0, 0, op, 0, 0)), skeleton).layers
                if ".edge" in layer.name
            ]
            for layer in of_cell:
                terms.update(_layer_terms(layer, count))
        terms[(1, _CLASSES, _ONE, _FIXED_RATE, _UNCONNECTED)] += 1
        keys = np.array(list(terms))
        self._times = keys[:, 0] * np.array(list(terms.values()), dtype=np.float64) / 8
        self._a, self._b, self._rate, self._count = keys[:, 1:].T
        self._from_a, self._from_b = _one_hot(self._a, 6), _one_hot(self._b, 6)
        self._from_rate, self._from_count = _one_hot(self._rate, 5), _one_hot(self._count, 4)

    def value(self, counts: Array, wide: Array, bits: Array, density: Array) -> Array:
        """Return the sizes [S, bytes].

        counts: `live_counts` of each [S, 4]; wide: channels per stage [S, 3]; bits, density: [S,
        3]. All may be averages of options, as in relaxed choices.
        """
        x, rates = self._vectors(wide, bits, density)
        each: Array = x[:, self._a] * x[:, self._b] * rates[:, self._rate]
        found: Array = (each * counts[:, self._count] * self._times).sum(axis=1)
        return found

    def slopes(
        self, counts: Array, wide: Array, bits: Array, density: Array
    ) -> tuple[Array, Array, Array, Array, Array]:
        """Return the sizes [S] and their slopes by counts, channels, bits and density."""
        x, rates = self._vectors(wide, bits, density)
        xa, xb, r, n = x[:, self._a], x[:, self._b], rates[:, self._rate], counts[:, self._count]
        rn = r * n * self._times
        xx = xa * xb
        by_count = product(xx * r * self._times, self._from_count)
        by_x = product(xb * rn, self._from_a) + product(xa * rn, self._from_b)
        by_rate = product(xx * n * self._times, self._from_rate)[:, :STAGES]
        s = np.clip(density, 1e-6, 1 - 1e-6)
        log_odds = log2((1 - s) / s)
        by_bits = by_rate * (s if self.rule == "entropy" else 1.0)
        by_density = by_rate * (log_odds + (bits if self.rule == "entropy" else 0.0))
        size: Array = (xx * rn).sum(axis=1)
        return size, by_count, by_x[:, _STAGE : _STAGE + STAGES], by_bits, by_density

    def _vectors(self, wide: Array, bits: Array, density: Array) -> tuple[Array, Array]:
        x = np.empty((len(wide), 6))
        x[:, _INPUT], x[:, _CLASSES], x[:, _ONE] = 3, self._classes, 1
        x[:, _STAGE : _STAGE + STAGES] = wide
        rates = np.empty((len(wide), 5))
        paid = density * bits if self.rule == "entropy" else bits
        rates[:, :STAGES] = paid + mask_entropy(density)
        rates[:, _FIXED_RATE], rates[:, _CONSTANT_RATE] = _FIXED_BITS, _BIAS_AND_SCALE_BITS
        return x, rates


@functools.cache
def size_model(skeleton: Skeleton, rule: Rule = "entropy") -> SizeModel:
    """Return the size model of a skeleton."""
    return SizeModel(skeleton, rule)


def stage_of(name: str) -> int | None:
    """Return the stage a layer belongs to, 0 to 2; None for the stem and what follows the cells."""
    found = re.match(r"(?:stage|reduce)(\d)", name)
    return int(found[1]) if found else None


_Term = tuple[int, int, int, int, int]


def _terms(network: Any, count: int) -> list[_Term]:
    return [term for layer in network.layers for term in _layer_terms(layer, count)]


def _layer_terms(layer: Layer, count: int) -> list[_Term]:
    """Return (number, channels in, channels out, bits, how often) of a layer's constants."""
    last = _STAGE + STAGES - 1
    if layer.kind == "affine":
        own = [(1, _ONE, last, _FIXED_RATE, count)]
        return [*own, (1, _ONE, last, _CONSTANT_RATE, count)]
    if layer.kind == "linear":
        own = [(1, last, _CLASSES, _FIXED_RATE, count)]
        return [*own, (1, _ONE, _CLASSES, _CONSTANT_RATE, count)]
    if layer.kind != "conv":
        return []
    stage = stage_of(layer.name)
    if stage is None:  # the stem
        ends, rate = (_INPUT, _STAGE), _FIXED_RATE
    else:
        before = stage - 1 if layer.in_channels < layer.shape[0] else stage
        ends, rate = (_STAGE + before, _STAGE + stage), stage
    return [
        (layer.kernel**2, *ends, rate, count),
        (1, _ONE, ends[1], _CONSTANT_RATE, count),
    ]


def _one_hot(index: NDArray[np.int64], n: int) -> Array:
    found: Array = (index[:, None] == np.arange(n)).astype(np.float64)
    return found
