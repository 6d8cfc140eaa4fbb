"""EdgeNAS on four platforms: accuracy and latency beside a cell made by hand (EdgeNAS 4.2)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchsuite.api import Entry, Outcome, Report, Result
from benchsuite.reports._common.searches import LEVEL, Claim, interval, spelt
from benchsuite.reports._common.style import (
    PAGE_WIDTH,
    PALETTE,
    SMALLEST,
    cloud,
    legend_above,
    new_figure,
    panels,
    tidy,
)
from benchsuite.reports._common.tables import DEAD, about_accuracy, accuracy, kind
from benchsuite.reports._common.verdicts import exact, not_here
from benchsuite.simulation.problem import full_name, keeping
from benchsuite.space.cell import Cell
from benchsuite.table.table import Table

STUDY, MEMORY = "edgenas_platforms", "ram.best.cifar10.mcu"
_WITHIN = ("latency", "memory")
BELOW = 8  # points below the best cell, down to which the figure goes
# The ResNet block among the cells (Dong & Yang, NAS-Bench-201, section 5: `ResNet` in Table 5).
BY_HAND = "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|"
# EdgeNAS, section 4.2: accuracy, that of its baseline, and the reduction of latency, in %.
PRINTED = {
    "stm32f407": (86.7, 84.2, 31),
    "stm32h743": (89.3, 88.5, 18),
    "riscv320": (85.9, 83.1, 27),
    "cortexa53": (91.2, 90.4, 22),
}


def _make(table: Table, outcomes: Mapping[str, Outcome]) -> Result:
    outcome = outcomes[STUDY]
    rows = _rows(table, outcome)
    least = rows["least certain"]
    return Result(
        tables={"edgenas_platforms": rows},
        figures={"edgenas_platforms": _figure(table, outcome)},
        notes=(
            about_accuracy(table),
            "Ours: EdgeNAS replayed on CIFAR-10 cells, one per stage, `seeds` runs; lo, hi: "
            f"{LEVEL}. answers: different cells found, the n of a platform. feasible: seeds whose "
            f"cell keeps the bounds of latency and of {MEMORY}; a relaxed search may end in a cell "
            "that does not. best: the most accurate cell that keeps them; beat it: cells that keep "
            f"them and beat the block made by hand by validation. {DEAD}.",
            "KiB: the bound of memory, at the three levels that cells with a path have; 64 binds "
            "nowhere. At 36 the answers may be dead cells, which have no latency and keep no bound "
            "of it. over the bound: latency of the answer over its bound, mean of the seeds; "
            "relaxed: that of the expected latency at the last step, which the search sees; their "
            "difference is the gap of decoding. least certain: the probability of the choice on "
            "the edge that is least decided at the end, mean of the seeds; the smallest is "
            f"{least.min():.2f}. Figure: at 64 KiB; cells more than {BELOW} points below the best "
            "are left out.",
            "by hand: the ResNet block of the space, in place of the paper's unnamed baselines; "
            "reduction: of its latency. Printed: Visual Wake Words, networks of another space, so "
            "only signs and sizes of the gains can be compared.",
            "Latency: own int8 kernels, simulated per part, not measured.",
            *(claim.sentence for claim in claims(table, outcomes)),
        ),
    )


def _range(values: pd.Series) -> str:
    """Return from where to where values go, once where both ends are printed alike."""
    low, high = f"{values.min():.2f}", f"{values.max():.2f}"
    return low if low == high else f"{low} to {high}"


def _answers(counts: pd.Series) -> str:
    most = int(counts.max())
    return "one answer" if most == 1 else f"at most {most} answers"


def claims(table: Table, outcomes: Mapping[str, Outcome]) -> list[Claim]:
    """Return what EdgeNAS says of its platforms, and what the replays say."""
    every = _rows(table, outcomes[STUDY])
    rows = every[every["KiB"] == every["KiB"].max()]
    better = rows[f"test {kind(table)}"] > rows["by hand"]
    faster = rows["reduction [%]"] > 0
    room = rows["best"] - rows["by hand"]
    seeds = int(rows["seeds"].max())
    worst = int(np.nanargmax(every["over the bound"].fillna(0.0).to_numpy()))
    keeps = every["feasible"] == every["seeds"]
    fast, small = (int((every[f"within {of}"] == every["seeds"]).sum()) for of in _WITHIN)
    return [
        Claim(
            "EdgeNAS",
            "section 4.2",
            "on all four platforms it is more accurate and faster than the baseline made by hand",
            f"more accurate than the ResNet block on {int(better.sum())}, faster on "
            f"{int(faster.sum())} of {len(rows)} platforms; the best feasible cells are ahead of "
            f"it by {_range(room)} points of test accuracy",
            not_here(
                f"{int(rows['beat it'].max())} of {int(rows['cells that fit'].max()):,} feasible "
                f"cells or fewer beat the block by validation, and the {seeds} seeds of a platform "
                f"give {_answers(rows['answers'])}"
            ),
        ),
        Claim(
            "EdgeNAS",
            "section 3.3",
            "the adaptive penalty keeps the bounds of latency and memory",
            f"all seeds keep both in {int(keeps.sum())} of {len(every)} settings (four platforms, "
            f"three levels of memory), the latency in {fast}, the memory in {small}; answers take "
            f"up to {every['over the bound'].max():.2f} of the bound of latency where the relaxed "
            f"choices take {every['relaxed'].to_numpy()[worst]:.2f}",
            exact(
                bool(keeps.all()),
                len(every),
                "no setting",
                f"every setting, by all of its seeds, {_answers(every['answers'])} each",
            ),
        ),
    ]


def _rows(table: Table, outcome: Outcome) -> pd.DataFrame:
    return pd.DataFrame(_row(table, outcome, entry) for entry in outcome.study.searches)


def _row(table: Table, outcome: Outcome, entry: Entry) -> dict[str, object]:
    runs, bounds = outcome.runs[outcome.runs["search"] == entry.label], entry.setting.bounds
    name = full_name(table, "latency", entry.setting)
    latency = table.values(name) * 1e3
    truth, by_hand = accuracy(table, "cifar10"), Cell.from_arch(BY_HAND).index
    feasible = np.flatnonzero(keeping(table, entry.setting))
    best = int(feasible[np.nanargmax(truth[feasible])])
    milliseconds = float(latency[runs["cell"]].mean())
    printed = PRINTED[str(entry.setting.device)]
    seen = table.values("cifar10.valid.200ep.mean")
    relaxed, certain = _relaxed(outcome, entry, name)
    platform, _, _ = entry.label.rpartition(", ")
    return {
        "platform": platform,
        "KiB": bounds[MEMORY] / 1024,
        "accuracy printed": printed[0],
        "baseline printed": float(printed[1]),
        "reduction printed [%]": float(printed[2]),
        "bound [ms]": bounds["latency"] * 1e3,
        "seeds": len(runs),
        "feasible": int(runs["feasible"].sum()),
        "within latency": int((runs[name] <= bounds["latency"]).sum()),
        "within memory": int((runs[MEMORY] <= bounds[MEMORY]).sum()),
        "index": ", ".join(map(str, sorted(set(runs["cell"])))),
        **spelt(f"test {kind(table)}", interval(runs["test.cifar10"]), "lo", "hi"),
        "ms": milliseconds,
        "over the bound": milliseconds / 1e3 / bounds["latency"],
        "relaxed": relaxed / bounds["latency"],
        "least certain": certain,
        "by hand": float(truth[by_hand]),
        "by hand [ms]": float(latency[by_hand]),
        "reduction [%]": 100 * (1 - milliseconds / float(latency[by_hand])),
        "answers": int(runs["cell"].nunique()),
        "cells that fit": len(feasible),
        "beat it": int((seen[feasible] > seen[by_hand]).sum()),
        "best": float(truth[best]),
        "index of the best": best,
    }


def _relaxed(outcome: Outcome, entry: Entry, latency: str) -> tuple[float, float]:
    """Return the expected latency [s] at the last step and how certain the least edge is, means."""
    trace = outcome.trace(entry.label)
    last = trace.groupby(["looked_at", "seed"], observed=True)["value"].last()
    of = (last.loc[name].mean() for name in (f"E[{latency}]", "least certain"))
    expected, certain = map(float, of)
    return expected, certain


def _figure(table: Table, outcome: Outcome) -> Figure:
    figure = new_figure(PAGE_WIDTH, 2.6)
    most = max(entry.setting.bounds[MEMORY] for entry in outcome.study.searches)
    shown = [e for e in outcome.study.searches if e.setting.bounds[MEMORY] == most]
    all_axes = panels(figure, len(shown), sharey=True)
    truth, by_hand = accuracy(table, "cifar10"), Cell.from_arch(BY_HAND).index
    for axes, entry in zip(all_axes, shown, strict=True):
        latency = table.values(full_name(table, "latency", entry.setting)) * 1e3
        cells = outcome.runs.loc[outcome.runs["search"] == entry.label, "cell"].to_numpy()
        cloud(axes, latency, truth)
        axes.axvline(
            entry.setting.bounds["latency"] * 1e3,
            color="k",
            linewidth=0.8,
            linestyle="--",
            label="bound of latency",
        )
        axes.plot(
            latency[cells], truth[cells], "o", color=PALETTE[0], markersize=5, label="EdgeNAS"
        )
        axes.plot(
            latency[by_hand],
            truth[by_hand],
            "^",
            color=PALETTE[1],
            markersize=5,
            label="by hand: ResNet block",
        )
        gain = float(truth[cells].mean() - truth[by_hand])
        slower = 100 * (float(latency[cells].mean() / latency[by_hand]) - 1)
        accuracy_printed, baseline, reduction = PRINTED[str(entry.setting.device)]
        axes.text(
            0.99,
            0.02,
            f"gain here\n{gain:+.1f} points\n{slower:+.0f} % latency\n"
            f"in the paper\n{accuracy_printed - baseline:+.1f} points\n{-reduction:+.0f} % latency",
            transform=axes.transAxes,
            ha="right",
            fontsize=SMALLEST,
        )
        axes.set_title(entry.label.rpartition(", ")[0])
        axes.set_xlabel("latency [ms]")
        tidy(axes)
    top = float(np.nanmax(truth))
    all_axes[0].set_ylim(top - BELOW, top + 0.5)
    all_axes[0].set_ylabel(f"CIFAR-10 test\n{kind(table)} [%]")
    legend_above(figure, all_axes[0], 3)
    return figure


REPORT = Report(
    title="Section 4.2: four platforms",
    answers="EdgeNAS, section 4.2: four platforms, each beside a baseline made by hand",
    make=_make,
    group="EdgeNAS",
    studies=(STUDY,),
)
