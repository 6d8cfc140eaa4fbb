"""The record of what is known of a cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchsuite.devices._models.estimation import Estimate


@dataclass(frozen=True)
class Ranked:
    """A cell's value of a column, and its place among all cells that have one.

    rank: one more than the cells that are better, as the column's direction says; of: cells with a
    value; tied: how many others have the same; truth: of an accuracy its name as `correlate`
    takes it, empty for one of a single seed; source: the release, or where a score is from.
    """

    value: float
    rank: int
    of: int
    tied: int
    direction: str
    estimated: bool
    dataset: str | None
    truth: str
    source: str


@dataclass(frozen=True)
class Known:
    """What is known of a cell.

    index: official; arch: architecture string; accuracy: percent, and proxies: scores, by full
    name of the column, each with its rank; parts: what its network needs on each device under each
    runtime, nothing for a network that is a constant; costs: of the official networks by dataset,
    plain counts, and seconds of training; params, flops: those of CIFAR-10; accuracy_source: who
    measured or estimated it; network: dataset and skeleton of the parts'; ops: six official
    operator codes; encodings: the six codes by encoding; live_edges: which edges lie on a path from
    input to output; connected: whether any does; classes: by equivalence, how many cells are the
    same and the lowest index among them; neighbours: the 24 cells one operator away; columns: its
    value of every column, NaN where missing; units: of the columns.
    """

    index: int
    arch: str
    accuracy: Mapping[str, Ranked]
    proxies: Mapping[str, Ranked]
    parts: tuple[Estimate, ...]
    costs: Mapping[str, Mapping[str, float]]
    params: int
    flops: int
    accuracy_source: str
    network: tuple[str, str]
    ops: tuple[int, ...]
    encodings: Mapping[str, tuple[int, ...]]
    live_edges: tuple[bool, ...]
    connected: bool
    classes: Mapping[str, Mapping[str, int]]
    neighbours: tuple[int, ...]
    columns: Mapping[str, float]
    units: Mapping[str, str]
