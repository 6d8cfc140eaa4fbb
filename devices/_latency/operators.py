"""The operators a device executes, by kind and shape.

A `Shape` is the key of every latency table: two layers of one shape cost the same. Tables hold
square ones, as all of NAS-Bench-201 are; other networks also have rectangular ones, and depthwise
convolutions, for which there is no kernel here but counts and fits of others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

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


class NoKernelError(UserError):
    """A runtime has no kernel for an operator, or nobody counted or measured it."""


class Side(NamedTuple):
    """Height or width of an operator [pixels]: of its input, its window, stride and padding."""

    size: int
    kernel: int = 1
    stride: int = 1
    before: int = 0
    after: int = 0

    @property
    def out(self) -> int:
        """The same of the output."""
        return (self.size + self.before + self.after - self.kernel) // self.stride + 1

    @property
    def inside(self) -> int:
        """Positions of the window that are within the image, summed over the outputs."""
        starts = [at * self.stride - self.before for at in range(self.out)]
        return sum(max(min(at + self.kernel, self.size) - max(at, 0), 0) for at in starts)


@dataclass(frozen=True, order=True)
class Shape:
    """One operator at one size.

    size: height and width of its input; padding: on every side; sides: height and width of an
    operator that is not square, whose size, kernel, stride and padding are those of its height.
    """

    operator: Operator
    size: int
    in_channels: int
    out_channels: int
    kernel: int = 1
    stride: int = 1
    padding: int = 0
    sides: tuple[Side, ...] = ()

    @classmethod
    def of_sides(
        cls, operator: Operator, height: Side, width: Side, in_channels: int, out_channels: int
    ) -> Shape:
        """Return a shape by its two sides: the square one that tables know, where it is square.

        Padding on one side alone, which leaves the work the same as on both, counts as on both:
        3x3 with stride 2 on an even image reads one row or column beside it wherever that lies.
        """
        key = (height.size, in_channels, out_channels, height.kernel, height.stride)
        padding = max(height.before, height.after)
        square = cls(operator, *key, padding)
        if height == width and square.out_size == height.out:
            return square
        return cls(operator, *key, padding, (height, width))

    @property
    def height(self) -> Side:
        """Its height; where it is square, its width too."""
        if self.sides:
            return self.sides[0]
        return Side(self.size, self.kernel, self.stride, self.padding, self.padding)

    @property
    def width(self) -> Side:
        """Its width."""
        return self.sides[1] if self.sides else self.height

    @property
    def out_size(self) -> int:
        """Height of the output, and its width where the shape is square."""
        return self.height.out

    @property
    def pixels(self) -> int:
        """Height times width of the output."""
        return self.height.out * self.width.out

    @property
    def window(self) -> int:
        """Height times width of the kernel."""
        return self.height.kernel * self.width.kernel

    @property
    def outputs(self) -> int:
        """Elements of the output."""
        return self.pixels * self.out_channels

    @property
    def macs(self) -> int:
        """Multiply-accumulates of a convolution or a classifier; 0 of what multiplies nothing."""
        if self.operator in ("conv", "conv1x1", "linear"):
            return self.outputs * self.window * self.in_channels
        return self.outputs * self.window if self.operator == "depthwise" else 0

    @property
    def name(self) -> str:
        """Its kind, with its kernel where that is no point: `conv 3x3`, `conv 10x4`, `add`."""
        kernel = f" {self.height.kernel}x{self.width.kernel}" if self.window > 1 else ""
        return self.operator + kernel


def convolution(height: Side, width: Side, in_channels: int, out_channels: int) -> Shape:
    """Return the shape of a dense convolution: `conv1x1` where it has that kernel's fast path."""
    is_point = height[1:] == width[1:] == (1, 1, 0, 0) and in_channels % 4 == 0
    operator: Operator = "conv1x1" if is_point else "conv"
    return Shape.of_sides(operator, height, width, in_channels, out_channels)


def shape_of(layer: Layer, in_size: int) -> Shape | None:
    """Return the shape of a deployed layer, None if it costs nothing.

    in_size: height and width of what the layer reads. Raises NoKernelError without one.
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
        side = Side(in_size, kernel, stride, kernel // 2, kernel // 2)
        return convolution(side, side, before, channels)
    if layer.kind == "avg_pool":
        padding = kernel // 2 if stride == 1 else 0
        return Shape("avg_pool", in_size, before, channels, kernel, stride, padding)
    if layer.kind == "global_pool":
        return Shape("avg_pool", in_size, before, channels, in_size, in_size)
    if layer.kind in ("add", "affine", "relu"):
        return Shape(layer.kind, in_size, channels, channels)
    if layer.kind == "linear":
        return Shape("linear", 1, before, channels)
    raise NoKernelError(
        f"No runtime here has a kernel for the layer {layer.name!r} of kind {layer.kind!r}; there "
        f"are kernels for {', '.join(OPERATORS)}. Deploy the network first "
        "(`benchsuite.space.deploy.deploy`): BN and `none` are gone then."
    )
