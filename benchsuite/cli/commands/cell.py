"""Print everything known of one cell, with a drawing."""

from __future__ import annotations

import warnings
from typing import Any

import click
import numpy as np

from benchsuite.cli import json_option, print_json
from benchsuite.errors import PluginWarning
from benchsuite.space.cell import EDGES, ENCODINGS, NONE, OPS, Cell, live_edges
from benchsuite.table.columns import DATASETS

_COSTS = ("params", "flops", "deployed_params", "deployed_macs")
_SHORT = {
    "none": "none",
    "skip_connect": "skip",
    "nor_conv_1x1": "conv 1x1",
    "nor_conv_3x3": "conv 3x3",
    "avg_pool_3x3": "pool 3x3",
}


@click.command(
    epilog="Examples: benchsuite cell 6111 | benchsuite cell hpo:333132 | "
    "benchsuite cell naslib:2,2,0,2,2,3 --json | benchsuite cell '|nor_conv_3x3~0|+...|'"
)
@click.argument("cell")
@json_option
def command(cell: str, as_json: bool) -> None:
    """Print everything known of CELL: an index, an architecture string, or ENCODING:DIGITS."""
    facts = describe(Cell.parse(cell))
    if as_json:
        print_json(facts)
        return
    _print(facts)


def describe(cell: Cell) -> dict[str, Any]:
    """Return what is known of a cell: encodings, classes, costs (plain counts), accuracies."""
    from benchsuite.assembly.whole import whole_table
    from benchsuite.sources._read import source_ids

    index, sources = cell.index, source_ids()
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
    measured = {
        name: float(table.values(name)[index])
        for name, column in table.columns.items()
        if column.kind == "accuracy" or column.source in sources
    }
    live = live_edges(np.array([cell.ops]))[0]
    return {
        "index": index,
        "arch": cell.arch,
        "ops": list(cell.ops),
        "encodings": {name: list(cell.encode(name)) for name in ENCODINGS},
        "live_edges": [bool(edge) for edge in live],
        "connected": bool(live.any()),
        "params": costs["cifar10"]["params"],
        "flops": costs["cifar10"]["flops"],
        "costs": costs,
        "classes": classes,
        "neighbours": [near.index for near in cell.neighbours()],
        "accuracy": {name: value for name, value in measured.items() if value == value},
        "accuracy_source": table.provenance["accuracy"],
    }


def drawing(ops: tuple[int, ...], live: list[bool]) -> str:
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


def _print(facts: dict[str, Any]) -> None:
    print(f"cell {facts['index']}   {facts['arch']}\n")
    print(drawing(tuple(facts["ops"]), facts["live_edges"]))
    if not facts["connected"]:
        print("\n  No path leads from the input to the output: the network computes a constant.")
    print("\nencodings")
    for name, digits in facts["encodings"].items():
        print(f"  {name:<10} {','.join(map(str, digits))}   {ENCODINGS[name].used_by}")
    print("\nthe same cell under")
    for name, found in facts["classes"].items():
        print(f"  {name:<14} {found['cells']:>6} cells, lowest index {found['lowest_index']}")
    print("\ncosts              params      FLOPs     deployed params   deployed MACs")
    for dataset, cost in facts["costs"].items():
        print(
            f"  {dataset:<14} {cost['params']:>9,} {cost['flops']:>13,}"
            f" {cost['deployed_params']:>15,} {cost['deployed_macs']:>15,}"
        )
    print(f"\n{facts['accuracy_source']}")
    for name, value in facts["accuracy"].items():
        print(f"  {name:<50} {value:8.4f}")
    print(f"\nneighbours  {' '.join(map(str, facts['neighbours']))}")
