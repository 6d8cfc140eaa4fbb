"""Searches as text, at most 80 columns wide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchsuite.reporting.quantities import with_unit
from benchsuite.reporting.text import aligned_within
from benchsuite.stats.intervals import NO_INTERVAL
from benchsuite.table.device_columns import parse
from benchsuite.terminal import wrapped

if TYPE_CHECKING:
    import pandas as pd

_LEFT = ("search", "what")
_UNITS = {"latency": "s", "energy": "J", "ram": "bytes", "flash": "bytes"}
_ANSWERS = 5  # cells that are named
ESTIMATED = " ESTIMATED"


def text(
    runs: pd.DataFrame,
    summary: Mapping[str, Mapping[str, float]],
    failed: Sequence[str],
    about: Mapping[str, Any],
    line: str,
) -> str:
    """Return what a replay found: statistics over the seeds, cells answered, and what made it."""
    shown = rows(summary, about["estimated"])
    table, left_out = aligned_within(shown, _LEFT)
    said = list(notes(shown, left_out))
    answered = runs.loc[runs["cell"] >= 0, "cell"].value_counts(sort=False)
    most = sorted(answered.items(), key=lambda item: (-item[1], item[0]))
    cells = ", ".join(f"{cell} ({n:,})" for cell, n in most[:_ANSWERS])
    more = f", and {len(most) - _ANSWERS:,} others" if len(most) > _ANSWERS else ""
    said.append(f"Cells answered, and by how many of {len(runs):,} runs: {cells}{more}.")
    said += [*failed, f"{about['strategy']}: {about['source']}."]
    said.append(_budget(about))
    said.append(f"Queries: {about['queries']}. Clock: {about['clock']}.")
    if not about["charged"]:
        said.append("Nothing it looked at was charged: a bound, not a search.")
    return "\n".join([table, "", *(part for one in [*said, line] for part in wrapped(one))])


def _budget(about: Mapping[str, Any]) -> str:
    """Return the sentence that says what a search could spend, and what of it nobody asked for."""
    by_default = dict.fromkeys(about["by_default"], " (default)")
    seconds, queries = about["budget"]["seconds"], about["budget"]["queries"]
    said = [f"{seconds:,.10g} simulated seconds"] if seconds is not None else []
    said += [f"{queries:,} trainings{by_default.get('budget', '')}"] if queries is not None else []
    of = " of trainings" if queries is None else ""
    epochs = f"{about['epochs']} epochs{by_default.get('epochs', '')}"
    return f"Budget: {' and '.join(said)}{of} of {epochs}."


def rows(
    summary: Mapping[str, Mapping[str, float]], estimated: Sequence[str] = ()
) -> list[dict[str, str]]:
    """Return a row per column of a search's summary: mean with interval, and spread."""
    return [
        {
            "what": _name(name) + ESTIMATED * (name in estimated),
            "mean [95 %]": _interval(name, of),
            "std": _amount(name, of["std"]),
            "IQM": _amount(name, of["iqm"]),
            "n": f"{int(of['n']):,}",
        }
        for name, of in summary.items()
    ]


def notes(shown: list[dict[str, str]], left_out: list[str]) -> list[str]:
    """Return what must be said of rows: what is not shown, and why an interval is missing."""
    bare = any("[" not in row["mean [95 %]"] for row in shown)
    names = [row["what"] for row in shown]
    packed = any(name.startswith("compressed.") for name in names)
    over = "seeds and, of compressed picks, the compression response" if packed else "seeds alone"
    unsure = any(name.endswith(ESTIMATED) for name in names)
    held = ", not how far ESTIMATED accuracies are off" * unsure
    return [
        "n: runs with a value; IQM: the interquartile mean; accuracies and regret in %; intervals "
        f"are over {over}{held}; none reaches beyond what feasible cells have.",
        *([f"Not shown, in --json: {', '.join(left_out)}."] if left_out else []),
        *([NO_INTERVAL] if bare else []),
    ]


def _name(column: str) -> str:
    parts = parse(column)
    return ".".join(filter(None, (parts.what, parts.device, parts.runtime))) if parts else column


def _interval(name: str, of: Mapping[str, float]) -> str:
    mean, low, high = (_amount(name, of[end]) for end in ("mean", "lo", "hi"))
    return mean if "-" in (low, high) else f"{mean} [{low}, {high}]"


def _amount(name: str, value: float) -> str:
    parts = parse(name)
    if name.endswith("_seconds"):
        return with_unit(value, "s")
    if parts:
        return with_unit(value, _UNITS.get(parts.what.partition(".")[0], ""))
    if name.partition(".")[0] in ("test", "valid", "compressed", "regret"):
        return with_unit(value, "%")
    return with_unit(value, "")
