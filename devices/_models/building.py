"""Builds a `Model` operator by operator, for whatever reads one: geometry, prices, what is folded.

Padding is [(before, after) of the height, the same of the width]. A `pad` that one convolution
alone reads is folded into it: the price is that of a padded convolution, and the copy is not
priced. What has no kernel stays in the list, with its tensor, and is never priced.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from benchsuite.devices._latency.operators import Shape, Side, convolution
from benchsuite.devices._models.model import Model, Operation
from benchsuite.errors import UserError

Out = tuple[int, int, int]
Pair = tuple[int, int]
Padding = tuple[Pair, Pair]

MOST_OPERATORS = 2_000
MOST_PIXELS = 1 << 16  # On a side, and channels.
NO_PADDING: Padding = ((0, 0), (0, 0))
FOLDED = "folded into the convolution that reads it; a copy of it is not priced"
MOVES_NOTHING = "moves nothing"


def same(size: int, kernel: int, stride: int, extra: Literal["after", "before"] = "after") -> Pair:
    """Return the padding with which the output has ceil(size / stride) pixels."""
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    less, more = total // 2, total - total // 2
    return (less, more) if extra == "after" else (more, less)


@dataclass
class Builder:
    """Collects operations; every method appends one and returns its position.

    kept: positions of what the network gives out, whoever reads it beside.
    """

    name: str
    origin: str
    operations: list[Operation] = field(default_factory=list)
    kept: set[int] = field(default_factory=set)
    _padded: dict[int, Padding] = field(default_factory=dict)

    def model(self) -> Model:
        """Return the model. Raises UserError for one without operators."""
        if all(one.kind == "input" for one in self.operations):
            raise UserError(f"{self.name} holds no operators: there is nothing to estimate.")
        kept = tuple(sorted(self.kept))
        return Model(self.name, self.origin, tuple(self.operations), kept=kept)

    def append(self, operation: Operation) -> int:
        """Append an operation. Raises UserError beyond what is taken."""
        if len(self.operations) >= MOST_OPERATORS:
            raise UserError(
                f"{self.name} has more than {MOST_OPERATORS:,} operators, which is the most here."
            )
        if not all(1 <= n <= MOST_PIXELS for n in operation.out):
            raise UserError(
                f"{self.name}: the output of {operation.name} is {operation.out} (channels, "
                f"height, width); 1 to {MOST_PIXELS:,} of each are taken."
            )
        self.operations.append(operation)
        return len(self.operations) - 1

    def input(self, name: str, out: Out, element: int = 1) -> int:
        """Append the image, or another input, of so many bytes an element."""
        return self.append(Operation(name, "input", (), out, beside=_more(out, element)))

    def conv(
        self,
        name: str,
        at: int,
        channels: int,
        kernel: Pair,
        stride: Pair,
        pad: Padding,
        relu: bool,
    ) -> int:
        """Append a dense convolution; what is padded before it is folded into it."""
        read, height, width = self._sides(at, kernel, stride, pad)
        shape = convolution(height, width, read[0], channels)
        out = (channels, height.out, width.out)
        weights = shape.window * read[0] * channels
        return self.append(Operation(name, "conv", (at,), out, shape, weights, channels, relu=relu))

    def depthwise(
        self,
        name: str,
        at: int,
        channels: int,
        kernel: Pair,
        stride: Pair,
        pad: Padding,
        relu: bool,
    ) -> int:
        """Append a depthwise convolution; of one pixel, channel by channel, it is `affine`.

        Raises UserError for channels that are no multiple of those it reads.
        """
        read, height, width = self._sides(at, kernel, stride, pad)
        if channels % read[0]:
            raise UserError(
                f"{self.name}: the depthwise convolution {name} writes {channels} channels, which "
                f"is no multiple of the {read[0]} that it reads."
            )
        is_affine = (*kernel, *stride) == (1, 1, 1, 1) and pad == NO_PADDING
        is_affine = is_affine and channels == read[0]
        kind: Literal["affine", "depthwise"] = "affine" if is_affine else "depthwise"
        shape = Shape.of_sides(kind, height, width, read[0], channels)
        out = (channels, height.out, width.out)
        weights = shape.window * channels
        return self.append(Operation(name, kind, (at,), out, shape, weights, channels, relu=relu))

    def avg_pool(self, name: str, at: int, kernel: Pair, stride: Pair, pad: Padding) -> int:
        """Append a local average pooling, or a global one if its window is the image."""
        return self._pool(name, "avg_pool", at, kernel, stride, pad)

    def global_pool(self, name: str, at: int) -> int:
        """Append the mean over height and width."""
        _, height, width = self.operations[at].out
        return self._pool(name, "global_pool", at, (height, width), (height, width), NO_PADDING)

    def linear(self, name: str, at: int, channels: int, relu: bool) -> int:
        """Append a classifier that reads all elements of what is before it."""
        before = math.prod(self.operations[at].out)
        shape = Shape("linear", 1, before, channels)
        return self.append(
            Operation(
                name, "linear", (at,), (channels, 1, 1), shape, before * channels, channels, relu
            )
        )

    def add(self, name: str, at: Sequence[int], relu: bool) -> int:
        """Append the sum of two tensors of one shape; of others, it is not covered."""
        outs = [self.operations[one].out for one in at]
        if len(at) != 2 or outs[0] != outs[1]:
            out = max(outs, key=math.prod)
            kind = "add of unequal shapes" if len(at) == 2 else f"add of {len(at)} tensors"
            return self.other(name, kind, at, out, weights=0)
        return self._elementwise(name, "add", tuple(at), relu)

    def relu(self, name: str, at: int) -> int:
        """Append an activation of its own."""
        return self._elementwise(name, "relu", (at,), False)

    def affine(self, name: str, at: int, relu: bool) -> int:
        """Append a scale and an offset per channel."""
        return self.depthwise(
            name, at, self.operations[at].out[0], (1, 1), (1, 1), NO_PADDING, relu
        )

    def reshape(self, name: str, kind: str, at: int, out: Out) -> int:
        """Append a change of shape, which costs nothing."""
        return self.append(Operation(name, kind, (at,), out, note=MOVES_NOTHING))

    def pad(self, name: str, at: int, pad: Padding, folded: bool) -> int:
        """Append a padding of the image; folded: whether one unpadded convolution reads it."""
        channels, height, width = self.operations[at].out
        out = (channels, height + sum(pad[0]), width + sum(pad[1]))
        note = FOLDED if folded else ""
        here = self.append(Operation(name, "pad", (at,), out, covered=folded, note=note))
        if folded:
            self._padded[here] = pad
        return here

    def other(
        self,
        name: str,
        kind: str,
        at: Sequence[int],
        out: Out,
        beside: int = 0,
        weights: int | None = None,
    ) -> int:
        """Append an operator that no kernel here covers; weights: bytes, None if not stated."""
        return self.append(
            Operation(
                name,
                kind,
                tuple(at),
                out,
                weights=weights or 0,
                covered=False,
                beside=beside,
                unstated=weights is None,
            )
        )

    def share_weights(self, at: int) -> None:
        """Let an operation read the weights of one before: they are stored once."""
        self.operations[at] = replace(self.operations[at], weights=0)

    def fuse_relu(self, at: int) -> None:
        """Fuse an activation to an operation."""
        self.operations[at] = replace(self.operations[at], relu=True)

    def _sides(self, at: int, kernel: Pair, stride: Pair, pad: Padding) -> tuple[Out, Side, Side]:
        """Return what a window reads, unpadded, with its sides."""
        if at in self._padded and pad == NO_PADDING:
            pad, at = self._padded[at], self.operations[at].inputs[0]
        out = self.operations[at].out
        if not all(1 <= n <= MOST_PIXELS for n in (*kernel, *stride)) or not all(
            0 <= n <= MOST_PIXELS for pair in pad for n in pair
        ):
            raise UserError(
                f"{self.name}: an operator has a kernel of {kernel}, a stride of {stride} and a "
                f"padding of {pad}, which is none."
            )
        sides = [
            Side(size, k, s, *p) for size, k, s, p in zip(out[1:], kernel, stride, pad, strict=True)
        ]
        if min(side.out for side in sides) < 1:
            raise UserError(
                f"{self.name}: a window of {kernel[0]}x{kernel[1]} is larger than the image of "
                f"{out[1]}x{out[2]} that it reads."
            )
        return out, sides[0], sides[1]

    def _pool(self, name: str, kind: str, at: int, kernel: Pair, stride: Pair, pad: Padding) -> int:
        read, height, width = self._sides(at, kernel, stride, pad)
        if (height.out, width.out) == (1, 1):  # A stride that is never taken says nothing.
            height, width = (side._replace(stride=side.kernel) for side in (height, width))
        shape = Shape.of_sides("avg_pool", height, width, read[0], read[0])
        return self.append(Operation(name, kind, (at,), (read[0], height.out, width.out), shape))

    def _elementwise(
        self, name: str, kind: Literal["add", "relu"], at: tuple[int, ...], relu: bool
    ) -> int:
        out = self.operations[at[0]].out
        shape = Shape.of_sides(kind, Side(out[1]), Side(out[2]), out[0], out[0])
        return self.append(Operation(name, kind, at, out, shape, relu=relu))


def _more(out: Out, element: int) -> int:
    return math.prod(out) * (element - 1)
