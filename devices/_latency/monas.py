"""The latency tables of the MONAS paper, as far as what is public determines them.

They are references, no runtime of a part: the paper names none, and its milliseconds are a tenth of
what its own table adds up to. They are set beside the CIFAR-10 network, of which the paper speaks,
and are of no other.

STM32F746: the authors' public code (github.com/YeQiao/MicroNAS) holds milliseconds per operator of
a cell; the printed latencies are the sum over a cell's six operators divided by ten. Dead operators
count. That reproduces ten of the twelve printed rows to 0.01 ms. The baseline is printed as 32.30
and sums to 32.25; TG-NAS, printed as 42.48, contradicts its own speed-up of 1.74, which the sum
confirms.

STM32L432: the table is not public. Four printed rows are four equations for the four operators once
each row's counts of poolings and skips are known. FLOPs fix the convolutions; the rest is the cell
whose accuracies are nearest to the printed three (exactly so for mu = 0.85 only), so these four
numbers are a reading, not a fact: `l432_range` gives what other readings allow.

Source: MONAS, Table 2.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.space.cell import OPS, all_ops

PARTS = ("stm32f746", "stm32l432")
F746 = {
    "none": 0.0,
    "skip_connect": 0.143,
    "nor_conv_1x1": 2.349,
    "nor_conv_3x3": 8.026,
    "avg_pool_3x3": 2.402,
}
# Printed rows for the STM32L43: mu, milliseconds, and how many nor_conv_3x3, nor_conv_1x1.
_L432_ROWS = (
    ("[0, 0.7]", 154.70, 4, 1),
    ("0.8", 48.94, 1, 1),
    ("0.85", 23.11, 0, 1),
    ("0.88", 14.62, 0, 1),
)
# avg_pool_3x3 and skip_connect in the cells with the nearest accuracies.
_KNOWN = ("[0, 0.7]", "0.85")
_NEAREST = ((0, 0), (0, 2), (1, 3), (0, 4))
_UNKNOWN = ("nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3", "skip_connect")


# Every row of the STM32F746 that prints a latency, but TG-NAS, which contradicts its own speed-up.
_F746_ROWS = (
    ("TE-NAS", 42.48, (5, 1, 0, 0)),
    ("KNAS", 36.85, (4, 1, 1, 0)),
    ("ZiCo", 34.45, (4, 1, 0, 0)),
    ("MONAS baseline", 32.30, (4, 0, 0, 1)),
    ("MONAS mu = 0.5/0.6", 28.91, (3, 2, 0, 1)),
    ("GDAS", 28.83, (3, 1, 1, 0)),
    ("MONAS mu = 0.7", 26.71, (3, 1, 0, 2)),
    ("NASWOT", 25.45, (2, 4, 0, 0)),
    ("DARTS", 20.80, (2, 1, 1, 0)),
    ("MONAS lambda = 0.7", 17.56, (1, 4, 0, 1)),
    ("MONAS mu = 0.8", 13.15, (1, 2, 0, 3)),
)


@dataclass(frozen=True)
class Printed:
    """A printed row; counts: how many 3x3, 1x1, poolings and skips its cell holds.

    known: False where poolings and skips were read off the nearest accuracies.
    """

    part: str
    row: str
    milliseconds: float
    counts: tuple[int, int, int, int]
    known: bool


def printed() -> tuple[Printed, ...]:
    """Return the printed rows of both parts whose operators are known or can be read off.

    Of the STM32L43 mu = 0.85 is known by its accuracies, and mu = [0, 0.7] but for its sixth
    operator, which is at most 6 % of it.
    """
    large = [Printed("stm32f746", *row, known=True) for row in _F746_ROWS]
    small = [
        Printed("stm32l432", f"MONAS mu = {mu}", time, (n3, n1, *nearest), mu in _KNOWN)
        for (mu, time, n3, n1), nearest in zip(_L432_ROWS, _NEAREST, strict=True)
    ]
    return (*large, *small)


def seconds(part: str) -> NDArray[np.float64]:
    """Return the seconds of every cell [15625] by a part's table: a sum over its six operators.

    part: `stm32f746` or `stm32l432`.
    """
    total: NDArray[np.float64] = per_operator(part)[all_ops()].sum(axis=1) / 1e3
    return total


def per_operator(part: str) -> NDArray[np.float64]:
    """Return milliseconds per operator of a cell [5], in the order of `cell.OPS`.

    part: `stm32f746` or `stm32l432`.
    """
    table = F746 if part == "stm32f746" else {"none": 0.0, **_solve(_NEAREST)}
    return np.array([table[op] for op in OPS])


@functools.cache
def l432_range() -> Mapping[str, tuple[float, float]]:
    """Return the least and the greatest milliseconds that any reading of the four rows allows.

    A reading gives every row but mu = 0.85 any counts of poolings and skips its cell has room for.
    Admitted are those with positive times ordered as on the STM32F746: a skip costs less than a
    1x1 convolution and than a pooling, which cost less than a 3x3 convolution.
    """
    admitted = list(_readings())
    return {op: (min(r[op] for r in admitted), max(r[op] for r in admitted)) for op in _UNKNOWN}


def _readings() -> Iterator[Mapping[str, float]]:
    rooms = [
        [(p, s) for p in range(7) for s in range(7) if p + s <= 6 - n3 - n1]
        for _, _, n3, n1 in _L432_ROWS
    ]
    rooms[2] = [_NEAREST[2]]
    for counts in itertools.product(*rooms):
        try:
            times = _solve(counts)
        except np.linalg.LinAlgError:
            continue
        cheap, dear = times["skip_connect"], times["nor_conv_3x3"]
        middle = (times["nor_conv_1x1"], times["avg_pool_3x3"])
        if 0 < cheap < min(middle) and max(middle) < dear:
            yield times


def _solve(counts: tuple[tuple[int, int], ...]) -> Mapping[str, float]:
    equations = [
        [n3, n1, pools, skips]
        for (_, _, n3, n1), (pools, skips) in zip(_L432_ROWS, counts, strict=True)
    ]
    system = np.array(equations, dtype=np.float64)
    if abs(np.linalg.det(system)) < 0.5:  # whole numbers: a regular system has at least 1
        raise np.linalg.LinAlgError
    # To the picosecond: the bits below it depend on the processor's solver.
    times = np.linalg.solve(system, np.array([row[1] for row in _L432_ROWS])).round(9)
    return dict(zip(_UNKNOWN, times.tolist(), strict=True))
