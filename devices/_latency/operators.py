"""The operators a device executes, by kind and shape.

A `Shape` is the key of every latency table: two layers of one shape cost the same. No layer of
NAS-Bench-201 is depthwise and there is no such kernel here; tables counted elsewhere may hold it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from benchsuite.errors import UserError
from benchsuite.space.network import Layer

Operator = Literal[
    "conv", "conv1x1", "avg_pool", "add", "affine", "relu", "linear", "depthwise"
]  # fmt: skip
OPERATORS: tuple[Operator, ...] = (
    "conv",
    "conv1x1",
    "avg_pool",
    "add",
    "affine",
    "relu",
    "linear",
)
FREE = ("input", "constant", "zero")


@dataclass(frozen=True, order=True)
class Shape:
    """One operator at one size; size: height and width of its input; padding: on every side."""

    operator: Operator
    size: int
    in_channels: int
    out_channels: int
    kernel: int = 1
    stride: int = 1
    padding: int = 0

    @property
    def out_size(self) -> int:
        """Height and width of the output."""
        return (self.size + 2 * self.padding - self.kernel) // self.stride + 1

    @property
    def outputs(self) -> int:
        """Elements of the output."""
        return self.out_size**2 * self.out_channels


def shape_of(layer: Layer, in_size: int) -> Shape | None:
    """Return the shape of a deployed layer, None if it costs nothing.

    in_size: height and width of what the layer reads. Raises UserError for a kind without kernel.
    """
    channels, before, kernel, stride = (
        layer.shape[0],
        layer.in_channels,
        layer.kernel,
        layer.stride,
    )
    if layer.kind in FREE:
        return None
    if layer.kind == "conv":
        if kernel == 1 and stride == 1 and before % 4 == 0:
            return Shape("conv1x1", in_size, before, channels)
        return Shape("conv", in_size, before, channels, kernel, stride, kernel // 2)
    if layer.kind == "avg_pool":
        padding = kernel // 2 if stride == 1 else 0
        return Shape("avg_pool", in_size, before, channels, kernel, stride, padding)
    if layer.kind == "global_pool":
        return Shape("avg_pool", in_size, before, channels, in_size, in_size)
    if layer.kind in ("add", "affine", "relu"):
        return Shape(layer.kind, in_size, channels, channels)
    if layer.kind == "linear":
        return Shape("linear", 1, before, channels)
    raise UserError(
        f"No runtime here has a kernel for the layer {layer.name!r} of kind {layer.kind!r}; there "
        f"are kernels for {', '.join(OPERATORS)}. Deploy the network first "
        "(`benchsuite.space.deploy.deploy`): BN and `none` are gone then."
    )
