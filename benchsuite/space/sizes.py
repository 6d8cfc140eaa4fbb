"""The size space of NATS-Bench: one cell, 8^5 = 32,768 widths of the network around it.

The network has one cell per stage and five widths of its own, of 8, 16, ..., 64 channels each:
those of the first cell (and the stem), of the first residual block, of the second cell, of the
second residual block and of the third cell. The cell is always the same, the best of CIFAR-100 in
NAS-Bench-201 (`CELL`, official index 9930). Where a cell gets other channels than it gives, its
`skip_connect` is a 1x1 convolution and a BN, without a ReLU.

The index of a network is its five widths as digits of base 8, the first one the highest, which is
the order of the official files; its string is the widths with colons, `8:8:8:16:40`.

Source: Dong, Liu, Musial & Gabrys, "NATS-Bench", IEEE TPAMI 2021, section 3.1.2; layer by layer as
in AutoDL-Projects, `DynamicShapeTinyNet`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchsuite.errors import UserError
from benchsuite.space.cell import CONV3, SKIP, Cell
from benchsuite.space.network import OFFICIAL, Skeleton

CELL = Cell((CONV3, CONV3, CONV3, SKIP, CONV3, CONV3))
CHANNELS = tuple(range(8, 65, 8))
PARTS = 5
N_SIZES = len(CHANNELS) ** PARTS

_STRING = re.compile(r"[0-9]{1,4}(:[0-9]{1,4})+", re.ASCII)


@dataclass(frozen=True)
class SizedSkeleton(Skeleton):
    """A skeleton with five widths of its own, `sizes`, of which `channels` is the first.

    For `build`, `deploy` and what is computed of one network; columns of all 15,625 cells are of a
    `Skeleton`, whose widths double from stage to stage.
    """

    cells_per_stage: int = 1
    sizes: tuple[int, int, int, int, int] = (16, 32, 32, 64, 64)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.channels != self.sizes[0]:
            raise UserError(
                f"A network of the widths {string(self.sizes)} begins with {self.sizes[0]} "
                f"channels, not with {self.channels}: its width is no number of its own."
            )

    @property
    def widths(self) -> tuple[int, int, int, int, int]:
        """The five `sizes`."""
        return self.sizes


def skeleton(sizes: Sequence[int], around: Skeleton = OFFICIAL["cifar10"]) -> SizedSkeleton:
    """Return the skeleton of five widths, with the images and classes of another skeleton.

    Raises UserError for widths that are not in the space.

    >>> from benchsuite.space import cost
    >>> from benchsuite.space.network import build
    >>> cost.params(build(CELL, skeleton((8, 8, 8, 16, 40))))
    67378
    """
    index_of(sizes)
    a, b, c, d, e = sizes
    return SizedSkeleton(
        a, resolution=around.resolution, classes=around.classes, sizes=(a, b, c, d, e)
    )


def sizes_of(index: int) -> tuple[int, ...]:
    """Return the five widths of a network by its index, 0 ... 32,767; UserError for no index."""
    whole = isinstance(index, int | np.integer) and not isinstance(index, bool)
    if not whole or not 0 <= index < N_SIZES:
        raise UserError(f"There is no size {index}: indices run from 0 to {N_SIZES - 1}.")
    digits = (
        int(index) // len(CHANNELS) ** place % len(CHANNELS) for place in reversed(range(PARTS))
    )
    return tuple(CHANNELS[digit] for digit in digits)


def index_of(sizes: Sequence[int]) -> int:
    """Return the index of five widths; UserError for widths that are not in the space."""
    if len(sizes) != PARTS or any(width not in CHANNELS for width in sizes):
        raise UserError(
            f"{string(sizes)} is no network of the size space: five widths of "
            f"{', '.join(map(str, CHANNELS))} channels are needed, as in 16:32:32:64:64."
        )
    index = 0
    for width in sizes:
        index = index * len(CHANNELS) + CHANNELS.index(width)
    return index


def string(sizes: Sequence[int]) -> str:
    """Return widths as NATS-Bench writes them, `8:8:8:16:40`."""
    return ":".join(map(str, sizes))


def is_string(text: str) -> bool:
    """Tell whether a text is numbers with colons between them, which no cell is."""
    return bool(_STRING.fullmatch(text.strip()))


def parse(text: str) -> tuple[int, ...]:
    """Return the five widths in a text; UserError for what is no network of the space.

    >>> parse("8:8:8:16:40")
    (8, 8, 8, 16, 40)
    """
    sizes = tuple(int(part) for part in text.split(":")) if is_string(text) else ()
    if not sizes:
        raise UserError(f"{text!r:.60} is no network of the size space, as 16:32:32:64:64 is.")
    index_of(sizes)
    return sizes
