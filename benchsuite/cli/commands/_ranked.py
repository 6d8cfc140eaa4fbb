"""Rank correlations as `benchsuite correlate` prints them: best first, 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchsuite.cli import print_wrapped
from benchsuite.reporting.quantities import interval
from benchsuite.reporting.text import aligned_within

_MANY = 900  # Of the best 1,000 cells; where fewer have a score, the number is said.
_LEFT = ("proxy", "dataset", "cells", "truth", "tau-b [95 %]", "by class")
_LEGEND = (
    "tau-b: Kendall's, with its interval by a bootstrap over cells, where nothing else is said; "
    "by class: the same over functional classes, whose cells share most scores: rather this one. "
    "Neither holds what another draw of weights and images moves: NAME.r0, NAME.r1, ... are tau of "
    "single draws, of which NAME is the mean. "
    "|FLOPs: partial, given FLOPs; top 1k: among the best 1,000 cells; rho: Spearman's; weighted: "
    "tau, the best cells count most. All are turned so that more is better."
)


def show(rows: Sequence[Mapping[str, Any]], alike: bool) -> None:
    """Print rows of `correlate_rows`; alike: whether all scores have the same cells."""
    same = [name for name in ("dataset", "cells", "truth") if len({r[name] for r in rows}) == 1]
    if same:
        print_wrapped(", ".join(f"{name} {rows[0][name]}" for name in same))
        print()
    groups = list(dict.fromkeys(map(_group, rows)))
    by_tau = sorted(rows, key=lambda row: (groups.index(_group(row)), _down(row["tau"])))
    shown = [{k: v for k, v in _row(row).items() if k not in same} for row in by_tau]
    text, left_out = aligned_within(shown, _LEFT)
    print(f"{text}\n")
    if not alike:
        print_wrapped(
            "NOT THE SAME CELLS: each proxy is judged on those that it has a score of; --common "
            "takes the cells that all have."
        )
    for said in _reasons(
        rows, len(groups), [n for n in ("truth", "cells", "dataset") if n not in same]
    ):
        print_wrapped(said)
    for said in (_few_of_the_best(rows), _resampled(rows)):
        if said:
            print_wrapped(said)
    print_wrapped(_LEGEND)
    if left_out:
        print_wrapped(f"Not shown, in --json: {', '.join(left_out)}.")


def rests_on(combined: Sequence[Mapping[Any, Any]]) -> Iterator[str]:
    """Yield of how many cells combinations are, and which scores were not tried."""
    for row in combined:
        where = f"{row['dataset']}, cells {row['cells']}"
        yield f"{where}: {row['chosen']}, best of {row['choices']:,}, on {row['n']:,} cells."
    for left_out in dict.fromkeys(row["left_out"] for row in combined if row["left_out"]):
        yield f"Not combined, as more than a tenth of the cells lack them: {left_out}."


def _reasons(rows: Sequence[Mapping[str, Any]], groups: int, apart: Sequence[str]) -> Iterator[str]:
    """Yield why rows lack something, each with where, by the names of columns that tell groups
    apart; one that all groups share says no more."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        where = " ".join(str(row[name]) for name in apart)
        if row["reason"]:
            found.setdefault((row["proxy"], row["reason"]), []).append(where)
    for (proxy, reason), places in found.items():
        of = f" ({', '.join(places)})" if len(places) < groups else ""
        yield f"{proxy}{of}: {reason}."


def _few_of_the_best(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return which tau of the best 1,000 cells rest on far fewer, empty if none does."""
    found: dict[str, list[int]] = {}
    for row in rows:
        if row["n_top1000"] < _MANY and row["tau_top1000"] == row["tau_top1000"]:
            found.setdefault(row["proxy"], []).append(row["n_top1000"])
    numbers = {
        name: f"{min(n):,}" if len(set(n)) == 1 else f"{min(n):,} to {max(n):,}"
        for name, n in found.items()
    }
    listed = ", ".join(f"{name} {number}" for name, number in numbers.items())
    return f"Of the best 1,000 cells so many have a score: {listed}." if found else ""


def _resampled(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return whose intervals do not resample cells, empty if all do."""
    by_class = dict.fromkeys(row["proxy"] for row in rows if row["resampled"] == "classes")
    names = ", ".join(by_class)
    return names and f"The intervals resample functional classes, as most cells lack it: {names}."


def _group(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["truth"], row["cells"], row["dataset"]


def _down(tau: float) -> float:
    return -tau if tau == tau else 2.0


def _row(row: Mapping[str, Any]) -> dict[str, str]:
    return {
        "truth": row["truth"],
        "cells": row["cells"],
        "dataset": row["dataset"],
        "proxy": row["proxy"],
        "n": f"{row['n']:,}",
        "tau-b [95 %]": interval(row["tau"], row["lo"], row["hi"]),
        "by class": _ends(row["class_lo"], row["class_hi"]),
        "|FLOPs": _number(row["tau_given_flops"]),
        "top 1k": _number(row["tau_top1000"]),
        "rho": _number(row["spearman"]),
        "weighted": _number(row["weighted_tau"]),
    }


def _ends(low: float, high: float) -> str:
    return f"[{low:.3f}, {high:.3f}]" if low == low else "-"


def _number(value: float) -> str:
    return f"{value:.3f}" if value == value else "-"
