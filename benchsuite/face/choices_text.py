"""The best cells of a device as text, at most 80 columns wide."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from benchsuite.face.estimates_text import RANGE, memories
from benchsuite.reporting import quantities
from benchsuite.reporting.text import aligned
from benchsuite.space.cell import Cell
from benchsuite.terminal import WIDTH, wrapped

if TYPE_CHECKING:
    from benchsuite.devices._models.choosing import Choice, Found, Miss

_LEFT = ("runtime", "fits")
_SEEN = ("exact", "interpolated")
_SHOWN_SHARE = 0.0005
_SHOWN = {
    "latency": quantities.seconds,
    "energy": quantities.joules,
    "ram": quantities.size,
    "flash": quantities.size,
}
_NAMES = {"latency": "latency", "energy": "energy", "ram": "RAM", "flash": "flash"}
_PER_STAGE = {"official": "5 cells per stage", "mcu": "1 cell per stage"}


def text(found: Found) -> str:
    """Return answers, how the runtimes disagree, the nearest misses, and what is not known."""
    network = f"{found.dataset} network, {found.skeleton} ({_PER_STAGE[found.skeleton]})"
    lines = wrapped(f"Best cells for {found.device}: {_limits(found)}; {network}")
    lines += ["", _table(found), ""]
    lines += [line for said in _said(found) for line in wrapped(said)]
    return "\n".join(lines)


def _limits(found: Found) -> str:
    each = [
        f"{_NAMES[name]} {_SHOWN[name](most)}" + ("" if name in found.given else " (the part's)")
        for name, most in found.limits.items()
    ]
    return ", ".join(each) or "no limits"


def _table(found: Found) -> str:
    rows = [_row(found, one) for one in found.answers]
    none = dict.fromkeys(rows[0] if rows else ("runtime", "index", "arch", "fits"), "-")
    rows += [
        {**none, "runtime": name, "fits": "none"}
        for name in found.runtimes
        if found.first(name) is None
    ]
    without = [name for name in ("#", "mJ", "seen") if _says_nothing(rows, name)]
    kept = [{name: t for name, t in row.items() if name not in without} for row in rows]
    drawn = aligned(kept, _LEFT)
    if max(map(len, drawn.split("\n"))) <= WIDTH:
        return drawn
    # What is left out is said below the table.
    return aligned([{name: t for name, t in row.items() if name != "seen"} for row in kept], _LEFT)


def _says_nothing(rows: list[dict[str, str]], name: str) -> bool:
    nothing = {"#": {"1", "-"}, "mJ": {"-"}, "seen": {"100%", "-"}}
    return {row.get(name, "-") for row in rows} <= nothing[name]


def _row(found: Found, one: Choice) -> dict[str, str]:
    accuracy = "est.%" if found.estimated else "acc.%"
    return {
        "runtime": one.runtime,
        "#": str(one.rank),
        "index": str(one.index),
        "arch": "".join(map(str, Cell.from_index(one.index).ops)),
        accuracy: quantities.percent(one.accuracy),
        "ms": _mark(one) + quantities.significant(one.latency * 1e3),
        **memories(one),
        "mJ": "-" if math.isnan(one.energy) else quantities.significant(one.energy * 1e3, 3),
        "seen": f"{sum(one.known_how.get(mark, 0.0) for mark in _SEEN):.0%}",
        "fits": one.fits,
    }


def _mark(one: Choice) -> str:
    """Return what stands before a latency that is a lower bound, or extrapolated in part."""
    return ">=" if one.not_priced else "~" if _unseen(one) else ""


def _unseen(one: Choice) -> dict[str, float]:
    """Return the shares of the cycles that no count holds, as far as a tenth of a percent shows."""
    shares = {mark: share for mark, share in one.known_how.items() if mark not in _SEEN}
    return {mark: share for mark, share in shares.items() if share >= _SHOWN_SHARE}


def _said(found: Found) -> Iterator[str]:
    yield from _disagreement(found)
    for one in found.maybe:
        least, most = (quantities.size(end) for end in (one.ram_least, one.ram_most))
        yield (
            f"May fit: under {one.runtime} cell {one.index} ({_points(found, one)}) needs "
            f"{f'at least {least}' if least == most else f'{least} to {most}'} of RAM."
        )
    for miss in found.misses:
        yield (
            f"Nearest miss: under {miss.runtime} cell {miss.index} ({_points(found, miss)}) "
            f"{_broken(found, miss)}."
        )
    yield f"Accuracy: {found.truth}."
    yield from _quantised(found)
    if found.skeleton != "official":
        yield "It is that of the official network: nobody trained this one."
    yield from _legend(found)


def _quantised(found: Found) -> Iterator[str]:
    first = {one.index: one for one in found.answers if one.rank == 1}
    known = [one for one in first.values() if math.isfinite(one.int8)]
    if any(one.int8 != one.accuracy for one in known):
        each = ", ".join(f"cell {one.index} {quantities.percent(one.int8)} %" for one in known)
        yield (
            f"In int8, quantised after another training, measured: {each}; `--accuracy int8` "
            "chooses by it."
        )


def _points(found: Found, other: Choice | Miss) -> str:
    """Return an accuracy, and how far it is from the answer under the same runtime."""
    answer = found.first(other.runtime)
    apart = quantities.percent(other.accuracy - answer.accuracy, "+") if answer else ""
    return f"{quantities.percent(other.accuracy)} %" + f", {apart} points" * bool(answer)


def _disagreement(found: Found) -> Iterator[str]:
    if not found.answers or len(found.runtimes) == 1:
        return
    top = max(found.answers, key=lambda one: one.accuracy)
    if not found.differ:
        yield f"All runtimes have the same best cell, {top.index}."
    for miss in found.differ:
        own = found.first(miss.runtime)
        if own is None:
            apart = "no cell keeps to the limits"
        elif own.accuracy == top.accuracy:
            apart = f"cell {own.index}, which is as accurate"
        else:
            points = quantities.percent(top.accuracy - own.accuracy)
            apart = f"cell {own.index}, {points} points less accurate"
        why = f"; {top.runtime}'s {top.index} {_broken(found, miss)}" if miss.excess > 0 else ""
        yield f"{miss.runtime} disagrees: {apart}{why}."


def _broken(found: Found, miss: Miss) -> str:
    shown, most = _SHOWN[miss.limit], found.limits[miss.limit]
    over = f"{miss.excess:.1%}" if miss.excess < 10 else f"{miss.excess:.0f} times"
    least = "at least " if miss.at_least else ""
    return f"needs {least}{shown(miss.need)} of {_NAMES[miss.limit]}, {over} over {shown(most)}"


def _legend(found: Found) -> Iterator[str]:
    yield (
        "arch: the operators, which `benchsuite cell` takes (0 none, 1 skip, 2 conv 1x1, 3 conv "
        "3x3, 4 pool 3x3). RAM and flash in KiB."
    )
    unseen = {one.runtime: one for one in found.answers if one.rank == 1}
    for name, one in unseen.items():
        marks = [f"{share:.1%} {mark}" for mark, share in _unseen(one).items()]
        if marks:
            yield f"~ms under {name}: of the cycles of its best cell {', '.join(marks)}."
        if one.not_priced:
            unpriced = ", ".join(one.not_priced)
            yield f"Latency under {name} is at least so much: {unpriced} have no price."
    if any(one.ram_least < one.ram_most for one in (*found.answers, *found.maybe)):
        yield (
            f"{RANGE}; fits: yes where all of it is within the limit, maybe where a part is, and "
            "no cell where none is."
        )
    for note in found.notes:
        yield f"At least so much RAM and flash: {note}."
    if found.answers and all(math.isnan(one.energy) for one in found.answers):
        yield f"Energy is not known: nobody measured the mean power of {found.device}."
