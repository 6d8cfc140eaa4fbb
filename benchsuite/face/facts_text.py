"""Everything known of a cell as text, at most 80 columns wide."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from benchsuite.face.estimates_text import memories, notes
from benchsuite.reporting import quantities
from benchsuite.reporting.text import aligned, aligned_within
from benchsuite.space.cell import EDGES, ENCODINGS, N_CELLS, NONE, OPS
from benchsuite.table.columns import stem
from benchsuite.terminal import WIDTH, wrapped

if TYPE_CHECKING:
    from benchsuite.devices._models.estimation import Estimate
    from benchsuite.face.known import Known, Ranked

_OPERATORS = {
    "none": "none",
    "skip_connect": "skip",
    "nor_conv_1x1": "conv 1x1",
    "nor_conv_3x3": "conv 3x3",
    "avg_pool_3x3": "pool 3x3",
}
_TRUTHS = ("validation", "test", "float", "int8.ptq", "int8.qat", "analog")  # on the short page
_LEFT = ("dataset", "truth", "known", "proxy", "column", "device", "runtime", "fits")
_SEEN = ("exact", "interpolated")
_CONSTANT = "No path leads from the input to the output: the network computes a constant."


def page(facts: Known, *, whole: bool) -> str:
    """Return what matters of a cell, or everything."""
    parts = [_head(facts), _costs(facts), _accuracy(facts, whole), _proxies(facts, whole)]
    parts += [_parts(facts)] if facts.connected else []
    parts += [_structure(facts), *_columns(facts)] if whole else []
    return "\n\n".join("\n".join(part) for part in parts)


def screenful(facts: Known) -> str:
    """Return the first part of the page, and where the rest is."""
    parts = [_head(facts), _costs(facts), _accuracy(facts, whole=False)]
    rest = f"{len(facts.proxies)} proxies in .proxies, {len(facts.parts)} parts and runtimes in "
    rest += ".parts, everything in .columns; .text() is a page."
    return "\n\n".join("\n".join(part) for part in [*parts, wrapped(rest)])


def arch_lines(arch: str) -> list[str]:
    """Return an architecture string as two lines, which are it again when put together."""
    first, second, last = arch.split("+")
    return [f"{first}+{second}+", last]


def drawing(ops: tuple[int, ...], live: tuple[bool, ...]) -> str:
    """Return the cell as text: one row per edge, grouped by the node it leads to."""
    lines = []
    for target, name in ((1, "node 1"), (2, "node 2"), (3, "output")):
        edges = [e for e, (_, to) in enumerate(EDGES) if to == target]
        for position, edge in enumerate(edges):
            source = "input " if EDGES[edge][0] == 0 else f"node {EDGES[edge][0]}"
            label = _OPERATORS[OPS[ops[edge]]]
            arm = f"--- {label} ".ljust(15, "-") + ">" if live[edge] else f"  . {label} ".ljust(16)
            note = "" if live[edge] or ops[edge] == NONE else "  (dead: on no input-output path)"
            corner = name if position == 0 else "  +   "
            lines.append(f"  {source} {arm} {corner}{note}".rstrip())
    return "\n".join(lines)


def _head(facts: Known) -> list[str]:
    lines = [f"cell {facts.index}", *arch_lines(facts.arch)]
    lines += ["", drawing(facts.ops, facts.live_edges)]
    return lines if facts.connected else [*lines, "", *wrapped(_CONSTANT)]


def _costs(facts: Known) -> list[str]:
    rows = [
        {
            "dataset": dataset,
            "params": quantities.with_unit(of["params"], "parameters"),
            "FLOPs": quantities.with_unit(of["flops"], "FLOPs"),
            "deployed params": quantities.with_unit(of["deployed_params"], "parameters"),
            "MACs": quantities.with_unit(of["deployed_macs"], "MACs"),
            "training": f"{of['train_seconds'] / 3600:.2f} h" if "train_seconds" in of else "-",
        }
        for dataset, of in facts.costs.items()
    ]
    return [
        aligned(rows, _LEFT),
        *wrapped("deployed: without dead operators; MACs too. training: 200 epochs on a GPU."),
    ]


def _accuracy(facts: Known, whole: bool) -> list[str]:
    """Return a row per truth, and per whether it was measured, with a column per dataset."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for one in facts.accuracy.values():
        if not (one.truth in _TRUTHS or (whole and one.truth)):
            continue
        known = "ESTIMATED" if one.estimated else "measured"
        nothing = dict.fromkeys(facts.costs, "-")
        row = rows.setdefault((one.truth, known), {"truth": one.truth, "known": known, **nothing})
        row[str(one.dataset)] = f"{quantities.percent(one.value)} #{_place(one, N_CELLS)}"
    ordered = sorted(rows.values(), key=lambda row: _order(row["truth"]))
    said = (
        "Accuracy in %, # its rank among the 15,625 cells by the same accuracy, 1 the best. "
        f"Validation and test are after 200 epochs. Sources: {facts.accuracy_source}."
    )
    more = sum(bool(one.truth) for one in facts.accuracy.values())
    more -= sum(one.truth in _TRUTHS for one in facts.accuracy.values())
    rest = f" {more} more with --all." if more and not whole else ""
    return [aligned(ordered, _LEFT), *wrapped(said + rest)] if rows else wrapped(said + rest)


def _order(truth: str) -> tuple[int, str]:
    return (_TRUTHS.index(truth) if truth in _TRUTHS else len(_TRUTHS), truth)


def _place(one: Ranked, of: int) -> str:
    return f"{one.rank:,}" + ("" if one.of == of else f" of {one.of:,}")


def _proxies(facts: Known, whole: bool) -> list[str]:
    """Return ranks by all proxies, two beside each other where 80 columns hold that."""
    if not facts.proxies:
        return wrapped("No proxy has a score of this cell.")
    rows = [
        {
            "proxy": _short(name, facts.proxies),
            "score": quantities.with_unit(one.value, facts.units[name]),
            "rank": f"{one.rank:,}",
            **({"tied": f"{one.tied:,}", "of": f"{one.of:,}"} if whole else {}),
        }
        for name, one in sorted(facts.proxies.items())
    ]
    return [_blocks(rows), *(line for said in _ranks(facts) for line in wrapped(said))]


def _ranks(facts: Known) -> Iterator[str]:
    by = Counter(one.of for one in facts.proxies.values())
    (usual, _), *others = by.most_common()
    said = [f"rank: of the {usual:,} cells with a score"]
    for of, _ in others:
        names = [_short(n, facts.proxies) for n, one in facts.proxies.items() if one.of == of]
        said.append(f"{', '.join(names)}: of {of:,}")
    least = dict.fromkeys(
        name.partition(".")[0] for name, one in facts.proxies.items() if one.direction == "min"
    )
    less = f"; less is better of {', '.join(least)}" if least else ""
    yield f"{'; '.join(said)}. 1 is what the proxy holds for the best{less}."


def _short(name: str, among: Mapping[str, Ranked]) -> str:
    """Return a column's name without its version, unless there are two."""
    return stem(name) if sum(stem(other) == stem(name) for other in among) == 1 else name


def _blocks(rows: Sequence[Mapping[str, str]]) -> str:
    half = (len(rows) + 1) // 2
    halves = [aligned(part, _LEFT).split("\n") for part in (rows[:half], rows[half:]) if part]
    width = max(map(len, halves[0]))
    beside = [
        " | ".join(line.ljust(width) for line in lines).rstrip(" |")
        for lines in itertools.zip_longest(*halves, fillvalue="")
    ]
    return "\n".join(beside) if max(map(len, beside)) <= WIDTH else aligned(rows, _LEFT)


def _parts(facts: Known) -> list[str]:
    said = (
        f"On parts: one image of the {facts.network[0]} network, {facts.network[1]}; RAM and flash "
        "in KiB; ~ where a part of the cycles, and so of the energy, is extrapolated."
    )
    table, _ = aligned_within([_part(one) for one in facts.parts], _LEFT)
    return [*wrapped(said), "", table, *notes(facts.parts, "Not priced", "Not seen", "Fits")]


def _part(one: Estimate) -> dict[str, str]:
    unseen = set(one.known_how) - set(_SEEN)
    mark = ">=" if one.not_priced else "~" if unseen else ""
    known = one.energy == one.energy
    return {
        "device": one.device,
        "runtime": one.runtime,
        "ms": mark + quantities.significant(one.latency * 1e3),
        **memories(one),
        "fits": one.fits,
        "mJ": mark + quantities.significant(one.energy * 1e3, 3) if known else "-",
    }


def _structure(facts: Known) -> list[str]:
    lines = ["encodings"]
    for name, digits in facts.encodings.items():
        said = f"  {name:<10} {','.join(map(str, digits))}   {ENCODINGS[name].used_by}"
        lines += wrapped(said, indent=" " * 26)
    lines += ["", "the same cell under"]
    for name, same in facts.classes.items():
        lines.append(f"  {name:<14} {same['cells']:>6,} cells, lowest index {same['lowest_index']}")
    return [*lines, "", *wrapped(f"neighbours {' '.join(map(str, facts.neighbours))}")]


def _columns(facts: Known) -> Iterator[list[str]]:
    """Yield the value of every column, with the unit it is read in."""
    ranked = {**facts.accuracy, **facts.proxies}
    rows = [
        {"column": name, "value": quantities.with_unit(value, facts.units[name])}
        for name, value in facts.columns.items()
        if name not in ranked or not ranked[name].truth
    ]
    yield [aligned(rows, _LEFT)]
