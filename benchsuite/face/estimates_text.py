"""Estimates as text, at most 80 columns wide."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from benchsuite.reporting import quantities
from benchsuite.reporting.text import aligned
from benchsuite.terminal import WIDTH, wrapped

if TYPE_CHECKING:
    from benchsuite.devices._models.choosing import Choice
    from benchsuite.devices._models.estimation import Estimate
    from benchsuite.devices._models.model import Model
    from benchsuite.devices._models.rows import Row

_TEXTS = ("device", "runtime", "fits", "operator", "output", "known")
_SEEN = ("exact", "interpolated")
_DOUBT = (
    "?: most of the cycles are of operators unlike those counted or measured, so the interval says "
    "less than it seems"
)
_SHORT = {"interpolated": "interp.", "extrapolated": "extrap.", "not identified": "by TFLM"}
RANGE = (
    "RAM is a range: X-CUBE-AI publishes no planner, and TensorFlow Lite Micro's arena depends on "
    "resource variables and scratch buffers"
)
_LEGEND = (
    "known: exact, counted for this very shape; interp., by coefficients, between operators that "
    "were seen; extrap., beyond them; by TFLM, priced by TFLM's counts, for nothing measured says "
    "it; free, costs nothing; not priced, no kernel of it is known. alive: bytes of the tensors "
    "that live while it runs."
)


def summary(model: Model, estimates: Sequence[Estimate]) -> str:
    """Return a row per device and runtime, and what must be said of them."""
    head = (
        f"{model.name}: {len(model.computed)} operators, "
        f"{quantities.with_unit(model.macs, 'MACs')} multiply-accumulates, "
        f"{quantities.kib(model.weights_bytes)} KiB of weights"
    )
    table, left_out = _table([_row(one) for one in estimates])
    units = "Latency in ms, RAM and flash in KiB"
    if "seen" not in left_out:
        units += "; seen: share of the cycles of operators like those counted or measured"
    if "interval" in left_out:
        units += "; intervals are below, or in a row each with one device"
    if "interval" not in left_out and any(one.doubtful for one in estimates):
        units += f". {_DOUBT}"
    said = [f"{units}.", *([f"{RANGE}."] if any(map(_is_range, estimates)) else [])]
    return "\n".join(
        [*wrapped(head), "", table, ""]
        + [line for one in said for line in wrapped(one)]
        + list(_notes(model, estimates))
    )


def _table(rows: list[dict[str, str]]) -> tuple[str, list[str]]:
    """Return rows at 80 columns, and what is left out; the notes say as much, row by row."""
    left_out = ["mJ" if all(row["mJ"] == "-" for row in rows) else "seen"]
    for more in ([], ["seen"], ["seen", "interval"]):
        left_out += [name for name in more if name not in left_out]
        kept = [{name: t for name, t in row.items() if name not in left_out} for row in rows]
        drawn = aligned(kept, _TEXTS)
        if max(map(len, drawn.split("\n"))) <= WIDTH:
            break
    return drawn, left_out


def _is_range(one: Estimate) -> bool:
    return one.ram_least < one.ram_most


def layers(one: Estimate, each: Sequence[Row], clock: float) -> str:
    """Return a row per operator of an estimate; clock: of its device [Hz]."""
    rows = [
        {
            "#": str(row.number),
            "operator": row.operator,
            "output": row.output,
            "MMACs": f"{row.macs / 1e6:.3f}",
            "cycles": "-" if math.isnan(row.cycles) else f"{row.cycles:,.0f}",
            "share": "-" if math.isnan(row.share) else f"{row.share:.1%}",
            "alive": f"{row.alive:,}",
            "known": _SHORT.get(row.known, row.known),
        }
        for row in each
    ]
    total = sum(row.cycles for row in each if not math.isnan(row.cycles))
    said = f"{one.device} under {one.runtime}: {total:,.0f} cycles, {total / clock * 1e3:,.3f} ms"
    notes = {f"{row.operator}: {row.note}." for row in each if row.note}
    return "\n".join(
        [said, "", aligned(rows, _TEXTS), "", *wrapped(_LEGEND)]
        + [line for note in sorted(notes) for line in wrapped(note)]
    )


def _row(one: Estimate) -> dict[str, str]:
    bound = ">=" if one.not_priced else ""
    is_constant, nothing = math.isnan(one.latency), math.isnan(one.within) or not one.latency
    within = "-" if nothing else f"{_ms(one.low, 3)}-{_ms(one.high, 3)}"
    # No upper end: of what is not priced, and where errors are as large as what was measured.
    if (bound or math.isinf(one.high)) and one.low < one.latency:
        within = f">={_ms(one.low, 3)}"
    within += "?" if one.doubtful else ""
    seen = sum(one.known_how.get(mark, 0.0) for mark in _SEEN)
    return {
        "device": one.device,
        "runtime": one.runtime,
        "ms": "-" if is_constant else f"{bound}{_ms(one.latency)}",
        "interval": within,
        "seen": "-" if not one.latency > 0 else f"{'<' * bool(bound)}{seen:.0%}",
        **memories(one),
        "mJ": "-" if math.isnan(one.energy) else f"{bound}{one.energy * 1e3:.3g}",
        "fits": one.fits,
    }


def memories(one: Estimate | Choice) -> dict[str, str]:
    """Return RAM and flash in KiB: a range where RAM is one, at least so much where code is."""
    bound = ">=" if one.unknown else ""
    ram = quantities.kib(one.ram_least, one.ram_most)
    return {"RAM": bound + ram, "flash": bound + quantities.kib(one.flash)}


def _ms(seconds: float, digits: int = 4) -> str:
    ms = seconds * 1e3
    before = len(f"{ms:.0f}")
    return f"{ms:,.{max(min(digits - before, 2), 0)}f}"


def notes(estimates: Sequence[Estimate], *titles: str) -> Iterator[str]:
    """Yield lines, each said once with what it holds of: all, or those of some titles."""
    for title, of in (
        ("Not priced", _grouped(estimates, lambda one: _kinds(one.not_priced))),
        ("Not seen", _grouped(estimates, _unseen)),
        ("Interval", _grouped(estimates, lambda one: one.interval)),
        ("RAM", _grouped(estimates, lambda one: f"by {one.convention}")),
        (
            "Fits",
            _grouped(estimates, lambda one: f"{one.fits}: {one.because}" if one.because else ""),
        ),
        ("Energy", _grouped(estimates, lambda one: one.energy_because)),
    ):
        for said, where in of.items() if not titles or title in titles else ():
            yield from wrapped(f"{title}: {said}{where}.")


def _notes(model: Model, estimates: Sequence[Estimate]) -> Iterator[str]:
    yield from notes(estimates)
    if model.note:
        yield from wrapped(f"Note: {model.note.rstrip('.')}.")
    for note in dict.fromkeys(f"{one.label}: {one.note}" for one in model.operations if one.note):
        yield from wrapped(f"{note}.")


def _grouped(estimates: Sequence[Estimate], say: Callable[[Estimate], str]) -> Mapping[str, str]:
    """Return what is said -> of which runtimes and devices, empty where of all."""
    of: dict[str, list[Estimate]] = {}
    for one in estimates:
        if text := say(one):
            of.setdefault(text, []).append(one)
    return {text: _where(estimates, each) for text, each in of.items()}


def _where(estimates: Sequence[Estimate], each: list[Estimate]) -> str:
    if len(each) == len(estimates):
        return ""
    runtimes = dict.fromkeys(one.runtime for one in each)
    if all(
        sum(one.runtime == name for one in each) == sum(one.runtime == name for one in estimates)
        for name in runtimes
    ):
        return f" ({', '.join(runtimes)})"
    devices = dict.fromkeys(one.device for one in each)
    return f" ({', '.join(runtimes)} on {', '.join(devices)})"


def _kinds(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{kind} ({n})" if n > 1 else kind for kind, n in counts.items())


def _unseen(one: Estimate) -> str:
    marks = [f"{share:.1%} {mark}" for mark, share in one.known_how.items() if mark not in _SEEN]
    return f"of the cycles {', '.join(marks)}" if marks else ""


def _verdict(one: Estimate) -> str:
    return f"{one.fits}: {one.because}" if one.because else ""
