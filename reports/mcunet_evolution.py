"""Evolution under two runtimes: progress, and what co-design buys (MCUNet Fig. 13 and Table 2)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchsuite.api import Outcome, Report, Result
from benchsuite.reports._common.quantised import ABOUT_DEPLOYED, Deployed
from benchsuite.reports._common.searches import (
    LEVEL,
    Claim,
    interval,
    mean_interval,
    picks,
    spelt,
    spread,
    valued,
)
from benchsuite.reports._common.style import (
    PAGE_WIDTH,
    PALETTE,
    SMALL,
    mark,
    new_figure,
    panels,
    tidy,
)
from benchsuite.reports._common.tables import about_accuracy, accuracy, kind
from benchsuite.reports._common.verdicts import COUNTED_AS_NONE, Verdict, above, not_here
from benchsuite.simulation.problem import keeping
from benchsuite.stats import intervals
from benchsuite.stats.intervals import Estimate
from benchsuite.table.table import Table

Array = NDArray[np.float64]
STUDY, DATASET = "tinynas_runtimes", "cifar10"
TFLM, TINY = "TensorFlow Lite Micro", "TinyEngine"
# MCUNet, Table 2: ImageNet accuracy in % of TinyNAS' network under each library.
PRINTED = {TFLM: (55.5, "CMSIS-NN"), TINY: (61.8, "TinyEngine")}

PRINTED_GAIN = 1.0  # points on ImageNet, evolution over random search, Fig. 13
_LINES = (("evolution", PALETTE[0], "-"), ("random search", PALETTE[1], "--"))


def _make(table: Table, outcomes: Mapping[str, Outcome]) -> Result:
    outcome = outcomes[STUDY]
    entry = outcome.study.searches[0]
    return Result(
        tables={
            "mcunet_codesign": _codesign(table, outcome),
            "mcunet_evolution": _rows(table, outcome),
        },
        figures={"mcunet_evolution": _figure(table, outcome)},
        notes=(
            about_accuracy(table),
            f"{ABOUT_DEPLOYED} What is searched here is another network, one cell per stage.",
            "TinyNAS' second stage and random search among the cells that fit 64 KiB of SRAM under "
            "each runtime's rule of memory and 256 KiB of flash; at most "
            f"{entry.budget.queries} trainings. Lines: test {kind(table)} of the best so far by "
            f"validation, mean over seeds; shade, lo, hi: {LEVEL} (the paper shades smallest to "
            "largest, here in the table). Who ends early keeps the answer.",
            "Printed: ImageNet in a MobileNet space under 320 KiB, CMSIS-NN in place of TFLM: only "
            "the sign of the gain can be compared. Cells without an input-output path are "
            "constants that fit everything; they may be drawn.",
            *(claim.sentence for claim in claims(table, outcomes)),
        ),
    )


def claims(table: Table, outcomes: Mapping[str, Outcome]) -> list[Claim]:
    """Return what MCUNet says of co-design and of evolution, and what the replays say."""
    outcome = outcomes[STUDY]
    random = f"random, {TINY}"
    cells = {
        label: picks(outcome, label, _steps(outcome)[-1:], "queries")[:, 0]
        for label in (TINY, TFLM, random)
    }
    by_test, by_valid = (
        {label: valued(of, values) for label, of in cells.items()}
        for values in (accuracy(table, DATASET), table.values(f"{DATASET}.valid.200ep.mean"))
    )

    def ahead(of: Mapping[str, Array], other: str) -> Estimate:
        return intervals.difference(of[TINY], of[other])

    return [
        Claim(
            "MCUNet",
            "Table 2",
            "TinyNAS finds more accurate networks under TinyEngine than under another library "
            f"({PRINTED[TINY][0]} against {PRINTED[TFLM][0]} %)",
            f"the difference is {spread(ahead(by_test, TFLM))} points; of the validation that they "
            f"see, {spread(ahead(by_valid, TFLM))}",
            not_here(COUNTED_AS_NONE),
        ),
        Claim(
            "MCUNet",
            "Fig. 13",
            "on TinyEngine evolution clearly outperforms random search (by 1 %)",
            "at as many trainings the difference of the validation that they maximise is "
            f"{spread(ahead(by_valid, random))} points, by test {spread(ahead(by_test, random))}; "
            f"{_taken(table, outcome, by_valid[TINY])}",
            _verdict(table, outcome, ahead(by_valid, random)),
        ),
    ]


def headroom(table: Table, outcome: Outcome) -> float:
    """Return how far the best cell that fits is ahead of random search's expectation [points].

    By validation, under TinyEngine; exact: draws are uniform and with replacement.
    """
    valid = np.sort(_valid_of_feasible(table, outcome))
    until = (np.arange(len(valid) + 1) / len(valid)) ** int(_steps(outcome)[-1])
    return float(valid[-1] - (valid * np.diff(until)).sum())


def _valid_of_feasible(table: Table, outcome: Outcome) -> Array:
    (entry,) = (one for one in outcome.study.searches if one.label == TINY)
    feasible = keeping(table, entry.setting)
    return table.values(f"{DATASET}.valid.200ep.mean")[feasible]


def _taken(table: Table, outcome: Outcome, found: Array) -> str:
    """Return how much of what there is to gain over random search evolution gains, as text."""
    valid, room = _valid_of_feasible(table, outcome), headroom(table, outcome)
    share = intervals.mean(100 * (1 - (valid.max() - found) / room))
    return (
        f"the best of the {len(valid):,} cells that fit is {room:.2f} points ahead of what "
        f"{_steps(outcome)[-1]} random draws find in expectation, of which evolution takes "
        f"{spread(share, 0)} %"
    )


def _verdict(table: Table, outcome: Outcome, gain: Estimate) -> Verdict:
    """Return the verdict on the printed gain, where any search could have it."""
    room = headroom(table, outcome)
    if room > PRINTED_GAIN:
        return above(gain, margin=PRINTED_GAIN)
    return not_here(
        f"no search can be {PRINTED_GAIN:g} point ahead of random draws: by validation the best "
        f"cell that fits is {room:.2f} points ahead of {_steps(outcome)[-1]} of them"
    )


def _steps(outcome: Outcome) -> NDArray[np.int64]:
    longest = max(entry.budget.queries or 1 for entry in outcome.study.searches)
    return np.arange(1, longest + 1)


def _best_so_far(table: Table, outcome: Outcome, label: str) -> Array:
    """Return the test accuracy [S, T] of each seed's best so far after 1 ... T trainings."""
    cells = picks(outcome, label, _steps(outcome), "queries")
    return valued(cells, accuracy(table, DATASET))


def _codesign(table: Table, outcome: Outcome) -> pd.DataFrame:
    truth, rows = accuracy(table, DATASET), []
    for entry in outcome.study.searches:
        if entry.label not in PRINTED:
            continue
        feasible = np.flatnonzero(keeping(table, entry.setting))
        best = int(feasible[np.nanargmax(truth[feasible])])
        runs = outcome.runs[outcome.runs["search"] == entry.label]
        rows.append(
            {
                "runtime": entry.label,
                "printed": PRINTED[entry.label][0],
                "printed for": PRINTED[entry.label][1],
                "cells that fit": len(feasible),
                "seeds": len(runs),
                **spelt(f"test {kind(table)}", interval(runs["test.cifar10"]), "lo", "hi"),
                "best that fits": float(truth[best]),
                "index of the best": best,
                **Deployed(table).row(best, DATASET, entry.setting.network or ""),
                "MFLOPs found": float(runs["flops"].mean()) / 1e6,
            }
        )
    return pd.DataFrame(rows)


def _rows(table: Table, outcome: Outcome) -> pd.DataFrame:
    steps = _steps(outcome)
    shown = [n for n in (50, 100, 200, 300, 400, 500) if n <= len(steps)]
    rows = []
    for label in outcome.fronts:
        accuracies = _best_so_far(table, outcome, label)
        mean, low, high = mean_interval(accuracies[:, np.array(shown) - 1])
        rows += [
            {
                "search": label,
                "trainings": n,
                "seeds": len(accuracies),
                f"test {kind(table)}": float(mean[at]),
                "lo": float(low[at]),
                "hi": float(high[at]),
                "smallest": float(accuracies[:, n - 1].min()),
                "largest": float(accuracies[:, n - 1].max()),
            }
            for at, n in enumerate(shown)
        ]
    return pd.DataFrame(rows)


def _figure(table: Table, outcome: Outcome) -> Figure:
    figure = new_figure(PAGE_WIDTH, 2.9)
    *both, last = panels(figure, 3)
    steps, lowest, ends = _steps(outcome), [], [0.0]
    for at, (axes, runtime) in enumerate(zip(both, (TINY, TFLM), strict=True)):
        found = [_best_so_far(table, outcome, of) for of in (runtime, f"random, {runtime}")]
        for accuracies, (name, colour, dashes) in zip(found, _LINES, strict=True):
            _band(axes, steps, mean_interval(accuracies), colour, dashes, name)
            lowest.append(accuracies.mean(axis=0)[min(20, len(steps) - 1)])
        gap = intervals.difference(*found)
        axes.set_title(f"{runtime}\n(n = {len(found[0])}, {len(found[1])} seeds)")
        _band(last, steps, (gap.value, *gap.interval()), PALETTE[2 + at], "-:"[at], runtime)
        ends = [*ends, *np.array(gap.interval())[:, len(steps) // 25 :].ravel()]
    top = max(_best_so_far(table, outcome, of).mean(axis=0).max() for of in (TINY, TFLM))
    for axes in both:
        axes.set_ylim(min(lowest), top + 0.15 * (top - min(lowest)))
    both[1].tick_params(labelleft=False)
    last.set_ylim(min(ends) - 0.1, PRINTED_GAIN + 0.3)
    last.axhline(0, color="k", linewidth=0.8)
    mark(last, "1 point in MCUNet (ImageNet)", y=PRINTED_GAIN)
    last.set_title("evolution minus random")
    both[0].set_ylabel(f"CIFAR-10 test {kind(table)}\nof the best so far, mean [%]")
    last.set_ylabel("difference [points]")
    for axes in (*both, last):
        axes.set_xlabel("trainings")
        axes.legend(
            loc="center right" if axes is last else "lower right", frameon=False, fontsize=SMALL
        )
        tidy(axes)
    return figure


def _band(
    axes: Axes,
    steps: NDArray[np.int64],
    ends: tuple[Array, ...],
    colour: str,
    dashes: str,
    name: str,
) -> None:
    """Draw a mean, and its interval between thin lines: where two bands meet each has its edge."""
    mean, low, high = ends
    axes.plot(steps, mean, dashes, color=colour, linewidth=1.3, label=name, zorder=3)
    axes.fill_between(steps, low, high, color=colour, alpha=0.15, linewidth=0)
    for end in (low, high):
        axes.plot(steps, end, dashes, color=colour, linewidth=0.5)


REPORT = Report(
    title="Fig. 13, Table 2: evolution, two runtimes",
    answers="MCUNet (2020), Fig. 13 and Table 2: evolution's progress, and what the library buys",
    make=_make,
    group="MCUNet",
    studies=(STUDY,),
)
