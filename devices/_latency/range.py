"""Which operators a table or a fit has seen: beyond them a price is an extrapolation.

An operator is seen if its kind and kernel are, with channels read and pixels written between the
least and the most of those. Of a pooling of the whole image the pixels read count, for it writes
one; a convolution of fewer than 4 channels, the first of a network, is a kind of its own.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchsuite.devices._latency.operators import Shape

Mark = Literal["", "interpolated", "extrapolated", "not identified"]
MARKS: Mapping[Mark, str] = {
    "": "counted or compiled for this very shape",
    "interpolated": "by coefficients, between the operators that were seen",
    "extrapolated": "by coefficients, beyond them",
    "not identified": "nothing that was measured says it: priced by the counts of TFLM + CMSIS-NN",
}
Kind = tuple[str, str]


@dataclass(frozen=True)
class Seen:
    """The bounds of each kind of operator: least and most channels read, least and most pixels."""

    bounds: Mapping[Kind, tuple[int, int, int, int]]

    def mark(self, shape: Shape) -> Mark:
        """Return `interpolated` within the bounds and `extrapolated` beyond them."""
        bounds = self.bounds.get(kind(shape))
        if bounds is None:
            return "extrapolated"
        least, most, fewest, largest = bounds
        within = least <= shape.in_channels <= most and fewest <= _pixels(shape) <= largest
        return "interpolated" if within else "extrapolated"


def kind(shape: Shape) -> Kind:
    """Return the kind of an operator and its kernel, as `3x3`; of the whole image it is `all`."""
    if shape.operator == "avg_pool" and shape.pixels == 1:
        return "global_pool", "all"
    kernel = f"{shape.height.kernel}x{shape.width.kernel}"
    if shape.operator == "conv" and shape.in_channels < 4:
        return "first_conv", kernel
    return shape.operator, kernel


def of_shapes(shapes: Iterable[Shape]) -> Seen:
    """Return what some shapes span."""
    groups: dict[Kind, list[Shape]] = {}
    for shape in shapes:
        groups.setdefault(kind(shape), []).append(shape)
    return Seen(
        {
            key: (
                min(s.in_channels for s in of),
                max(s.in_channels for s in of),
                min(map(_pixels, of)),
                max(map(_pixels, of)),
            )
            for key, of in groups.items()
        }
    )


@functools.cache
def of_file(path: Path) -> Seen:
    """Return what a CSV file lists: operator, kernel, and the least and most of both."""
    with path.open(encoding="utf-8", newline="") as file:
        return Seen(
            {
                (row["operator"], row["kernel"]): (
                    int(row["channels_least"]),
                    int(row["channels_most"]),
                    int(row["pixels_least"]),
                    int(row["pixels_most"]),
                )
                for row in csv.DictReader(file)
            }
        )


def _pixels(shape: Shape) -> int:
    is_global = kind(shape)[0] == "global_pool"
    return shape.height.size * shape.width.size if is_global else shape.pixels
