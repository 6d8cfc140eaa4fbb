"""Everything known of one cell."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchsuite.assembly.whole import whole_table
from benchsuite.errors import PluginWarning
from benchsuite.sources._read import source_ids
from benchsuite.space.cell import EDGES, ENCODINGS, NONE, OPS, live_edges
from benchsuite.space.spellings import cell_of
from benchsuite.table.columns import DATASETS

_COSTS = ("params", "flops", "deployed_params", "deployed_macs")
_SHORT = {
    "none": "none",
    "skip_connect": "skip",
    "nor_conv_1x1": "conv 1x1",
    "nor_conv_3x3": "conv 3x3",
    "avg_pool_3x3": "pool 3x3",
}
_ACCURACIES = 6  # In a representation, which fits on a screen.


@dataclass(frozen=True)
class Facts:
    """What is known of a cell; `text()` is the page that `benchsuite cell` prints.

    index: official; arch: architecture string; ops: six official operator codes; encodings: the six
    codes by encoding; live_edges: which edges lie on a path from input to output; connected:
    whether any does; params, flops: of the official CIFAR-10 network, plain counts; costs: by
    dataset; classes: by equivalence, how many cells are the same and the lowest index among them;
    neighbours: indices of the 24 cells one operator away; accuracy: percent, by full column name;
    accuracy_source: who measured or estimated it.
    """

    index: int
    arch: str
    ops: tuple[int, ...]
    encodings: Mapping[str, tuple[int, ...]]
    live_edges: tuple[bool, ...]
    connected: bool
    params: int
    flops: int
    costs: Mapping[str, Mapping[str, int]]
    classes: Mapping[str, Mapping[str, int]]
    neighbours: tuple[int, ...]
    accuracy: Mapping[str, float]
    accuracy_source: str

    def to_json(self) -> dict[str, Any]:
        """Return the facts as plain values."""
        return dataclasses.asdict(self)

    def text(self, most: int | None = None) -> str:
        """Return the facts as a page, of the accuracies at most so many."""
        return "\n".join(_lines(self, most))

    def __repr__(self) -> str:
        return self.text(_ACCURACIES)


def cell(given: Any) -> Facts:
    """Return everything known of a cell: encodings, classes, costs, accuracies, neighbours.

    given: an official index, an architecture string, `encoding:digits` as in `hpo:333132`, six
    digits, NASLib's six numbers, TransNAS-Bench's string, a genotype, a matrix of `str2matrix`, or
    a `Cell` (`benchsuite/space/spellings.py` lists them). Raises UserError for anything else.

    >>> import benchsuite as bs
    >>> bs.cell("|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+"
    ...         "|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|").index
    9930
    >>> bs.cell(6111).params
    1073466
    >>> bs.cell((2, 2, 0, 2, 2, 3)).index, bs.cell("333132").index  # NASLib's, and digits
    (6111, 6111)
    """
    chosen = cell_of(given)
    index = chosen.index
    with warnings.catch_warnings():
        # Nothing is said here of what plug-ins make, nor of those that fail.
        warnings.simplefilter("ignore", PluginWarning)
        table = whole_table()
    costs = {
        dataset: {name: int(table.values(f"{dataset}.{name}")[index]) for name in _COSTS}
        for dataset in DATASETS
    }
    classes = {}
    for name, column in table.columns.items():
        if column.kind == "class":
            numbers = table.values(name)
            members = (numbers == numbers[index]).nonzero()[0]
            about = {"cells": len(members), "lowest_index": int(members[0])}
            classes[name.removeprefix("class.")] = about
    sources = source_ids()
    known = {
        name: float(table.values(name)[index])
        for name, column in table.columns.items()
        if column.kind == "accuracy" or column.source in sources
    }
    live = tuple(bool(edge) for edge in live_edges(np.array([chosen.ops]))[0])
    return Facts(
        index=index,
        arch=chosen.arch,
        ops=chosen.ops,
        encodings={name: chosen.encode(name) for name in ENCODINGS},
        live_edges=live,
        connected=any(live),
        params=costs["cifar10"]["params"],
        flops=costs["cifar10"]["flops"],
        costs=costs,
        classes=classes,
        neighbours=tuple(near.index for near in chosen.neighbours()),
        accuracy={name: value for name, value in known.items() if value == value},
        accuracy_source=table.provenance["accuracy"],
    )


def drawing(ops: tuple[int, ...], live: tuple[bool, ...]) -> str:
    """Return the cell as text: one row per edge, grouped by the node it leads to."""
    lines = []
    for target, name in ((1, "node 1"), (2, "node 2"), (3, "output")):
        edges = [e for e, (_, to) in enumerate(EDGES) if to == target]
        for position, edge in enumerate(edges):
            source = "input " if EDGES[edge][0] == 0 else f"node {EDGES[edge][0]}"
            label = _SHORT[OPS[ops[edge]]]
            arm = f"--- {label} ".ljust(15, "-") + ">" if live[edge] else f"  . {label} ".ljust(16)
            note = "" if live[edge] or ops[edge] == NONE else "  (dead: on no input-output path)"
            corner = name if position == 0 else "  +   "
            lines.append(f"  {source} {arm} {corner}{note}".rstrip())
    return "\n".join(lines)


def _lines(facts: Facts, most: int | None) -> list[str]:
    lines = [f"cell {facts.index}   {facts.arch}", "", drawing(facts.ops, facts.live_edges)]
    if not facts.connected:
        lines += [
            "",
            "  No path leads from the input to the output: the network computes a constant.",
        ]
    lines += ["", "encodings"]
    for name, digits in facts.encodings.items():
        lines.append(f"  {name:<10} {','.join(map(str, digits))}   {ENCODINGS[name].used_by}")
    lines += ["", "the same cell under"]
    for name, same in facts.classes.items():
        lines.append(f"  {name:<14} {same['cells']:>6} cells, lowest index {same['lowest_index']}")
    lines += ["", "costs              params      FLOPs     deployed params   deployed MACs"]
    for dataset, of in facts.costs.items():
        lines.append(
            f"  {dataset:<14} {of['params']:>9,} {of['flops']:>13,}"
            f" {of['deployed_params']:>15,} {of['deployed_macs']:>15,}"
        )
    lines += ["", facts.accuracy_source]
    accuracy = list(facts.accuracy.items())
    lines += [f"  {name:<50} {value:8.4f}" for name, value in accuracy[:most]]
    if most is not None and len(accuracy) > most:
        lines.append(f"  and {len(accuracy) - most} more: .accuracy")
    return [*lines, "", f"neighbours  {' '.join(map(str, facts.neighbours))}"]
