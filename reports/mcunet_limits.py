"""TinyNAS under limits of SRAM, of latency and of four parts (MCUNet Fig. 9, Table 3 and 4)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchsuite.api import Entry, Outcome, Report, Result
from benchsuite.reports._common.quantised import ABOUT_DEPLOYED, Deployed
from benchsuite.reports._common.searches import LEVEL, Claim, interval, spelt, spread
from benchsuite.reports._common.style import (
    COLUMN_WIDTH,
    MARKERS,
    PALETTE,
    legend_above,
    new_figure,
    tidy,
)
from benchsuite.reports._common.tables import (
    ABOUT_ALIKE,
    ALIKE,
    about_accuracy,
    accuracy,
    alike,
    derived,
    kind,
    published,
)
from benchsuite.reports._common.verdicts import COUNTED_AS_NONE, not_here
from benchsuite.simulation.problem import keeping
from benchsuite.space.cell import connected
from benchsuite.stats import intervals
from benchsuite.table.table import Table

STUDY, DATASET = "tinynas_limits", "cifar10"
RUNTIMES = {"TensorFlow Lite Micro": "tflm", "TinyEngine": "tinyengine"}
TFLM, TINY = RUNTIMES
FLASH = 256 * 1024
RATES = {"200 ms": "5 frames a second", "100 ms": "10 frames a second"}
PARTS = ("STM32F412", "STM32F746", "STM32F765", "STM32H743")
# MCUNet's own pair of SRAM limits is 320 KiB; here the runtimes part between these.
APART = "56 KiB"
Array = NDArray[np.float64]


def _make(table: Table, outcomes: Mapping[str, Outcome]) -> Result:
    outcome = outcomes[STUDY]
    entry = outcome.study.searches[0]
    sram = pd.DataFrame(_row(table, outcome, of) for of in _of(outcome, "KiB"))
    printed = published("mcunet")
    return Result(
        tables={
            "mcunet_sram": sram,
            "mcunet_table3": pd.DataFrame(_row(table, outcome, of) for of in _of(outcome, "ms")),
            "mcunet_table4": _parts(table, outcome),
            "mcunet_printed": printed,
        },
        figures={"mcunet_sram": _figure(table, sram)},
        notes=(
            about_accuracy(table),
            f"{ABOUT_DEPLOYED} Only the four parts hold that network.",
            f"TinyNAS' second stage, at most {entry.budget.queries} trainings, {entry.seeds} seeds "
            f"in the study, picks by validation; lo, hi: {LEVEL}. One cell per stage; cells that "
            "fit have an input-output path; best that fits: by test. TFLM holds none in 52 KiB. "
            f"{ABOUT_ALIKE}",
            "Table 3: F746 at 216 MHz, 5 and 10 frames a second, 320 KiB of SRAM, which no cell "
            "exceeds. TinyEngine's latencies take TFLM's price for dense convolutions, pooling and "
            "additions, so the gain of its kernels is not in them. Table 4: the official network, "
            "whose memory is far below that of all four parts, and whose flash alone tells the "
            "last from the others.",
            "mcunet_printed: ImageNet accuracies [%] as far as our text of the paper holds them. "
            "Empty cells, the first row of Table 3 but for one cell and the int8 row of Table 4 "
            "are lost there. The row of the F746 in Table 4 is doubtful: our text has 63.5 in the "
            "column of mixed bits, more than the 62.9 of the F765, which has more memory and as "
            "much flash, and nothing at 4 bits, so that it may be a 4-bit result. Mixed bits are "
            "those of Rusci et al. Other spaces and data: orders "
            "and signs alone can be compared.",
            *(claim.sentence for claim in claims(table, outcomes)),
        ),
    )


def claims(table: Table, outcomes: Mapping[str, Outcome]) -> list[Claim]:
    """Return what MCUNet says of its limits, and what the searches say."""
    outcome = outcomes[STUDY]
    less = {limit: _ahead(outcome, limit) for limit in RATES}
    fitting, (seen, tight) = _beyond(table, outcome)
    return [
        Claim(
            "MCUNet",
            "section 3.2",
            "under a tight memory the library decides how accurate a network is found",
            f"at {APART} what is found under TinyEngine has {spread(seen)} points more of "
            f"validation than the best of all {fitting:,} cells that fit under TFLM, by test "
            f"{spread(tight)} more than the best by test",
            not_here(COUNTED_AS_NONE),
        ),
        Claim(
            "MCUNet",
            "Table 3",
            "co-design is more accurate at the same latency, at 5 and at 10 frames a second",
            ", ".join(f"{spread(gap)} points at {limit}" for limit, gap in less.items()),
            not_here("TinyEngine's dense convolutions are priced as TFLM's"),
        ),
    ]


def _ahead(outcome: Outcome, limit: str) -> intervals.Estimate:
    """Return the accuracy under TinyEngine minus that under TFLM [points]."""
    of = (_runs(outcome, f"{name}, {limit}")[f"test.{DATASET}"] for name in (TINY, TFLM))
    return intervals.difference(*of)


def _beyond(table: Table, outcome: Outcome) -> tuple[int, list[intervals.Estimate]]:
    """Return how many cells fit TFLM where the runtimes part, and TinyEngine's lead over them.

    The lead, by validation and by test, is over the best of all of them: no search finds more, so
    that side is known, while its seeds, which all answer that cell, are no sample.
    """
    (entry,) = (e for e in outcome.study.searches if e.label == f"{TFLM}, {APART}")
    fits = _fits(table, entry)
    found = _runs(outcome, f"{TINY}, {APART}")
    known = (table.values(f"{DATASET}.valid.200ep.mean"), accuracy(table, DATASET))
    return len(fits), [
        intervals.mean(found[f"{split}.{DATASET}"].to_numpy() - np.nanmax(values[fits]))
        for split, values in zip(("valid", "test"), known, strict=True)
    ]


def _runs(outcome: Outcome, label: str) -> pd.DataFrame:
    return outcome.runs[outcome.runs["search"] == label]


def _of(outcome: Outcome, unit: str) -> list[Entry]:
    return [entry for entry in outcome.study.searches if entry.label.endswith(f" {unit}")]


def _row(table: Table, outcome: Outcome, entry: Entry) -> dict[str, object]:
    runtime, _, limit = entry.label.partition(", ")
    truth, runs = accuracy(table, DATASET), _runs(outcome, entry.label)
    fits = _fits(table, entry)
    best = int(fits[np.nanargmax(truth[fits])])
    return {
        "runtime": runtime,
        "limit": limit,
        "cells that fit": len(fits),
        "seeds": len(runs),
        "answers": int(runs["cell"].nunique()),
        "valid": float(runs[f"valid.{DATASET}"].mean()),
        **spelt(f"test {kind(table)}", interval(runs[f"test.{DATASET}"]), "lo", "hi"),
        "best that fits": float(truth[best]),
        "index of the best": best,
        derived(table, ALIKE): alike(table, truth, best),
    }


def _fits(table: Table, entry: Entry) -> NDArray[np.int64]:
    """Return the cells with an input-output path that keep the bounds of a search."""
    return np.flatnonzero(keeping(table, entry.setting) & connected())


def _parts(table: Table, outcome: Outcome) -> pd.DataFrame:
    rows, deployed = [], Deployed(table)
    printed = published("mcunet").query("where == 'Table 4'")
    for part in PARTS:
        (entry,) = (e for e in outcome.study.searches if e.label.endswith(part))
        of_part = printed[printed["limit"] == part].set_index("network")["accuracy"]
        network = entry.setting.network or ""
        runs = _runs(outcome, entry.label)
        int8 = [deployed.row(int(cell), DATASET, network) for cell in runs["cell"]]
        measured = {
            name: pd.to_numeric(pd.Series([row[name] for row in int8]), errors="coerce").mean()
            for name in int8[0]
        }
        row = _row(table, outcome, entry) | {"part": part}
        rows.append(
            {
                "part": part,
                **dict(zip(("SRAM [KiB]", "flash [KiB]"), _limits(entry), strict=True)),
                "printed, 4-bit": of_part["TinyNAS"],
                "printed, mixed": of_part["Rusci et al."],
                **{name: value for name, value in row.items() if name not in ("runtime", "limit")},
                **{f"{name} of the picks": float(value) for name, value in measured.items()},
            }
        )
    return pd.DataFrame(rows).drop(columns=["best that fits", derived(table, ALIKE)])


def _limits(entry: Entry) -> tuple[float, float]:
    sram, flash = (bound / 1024 for bound in entry.setting.bounds.values())
    return sram, flash


def _figure(table: Table, rows: pd.DataFrame) -> Figure:
    figure = new_figure(COLUMN_WIDTH, 2.9)
    axes = figure.subplots()
    name = f"test {kind(table)}"
    for at, (runtime, rule) in enumerate(RUNTIMES.items()):
        of, colour = rows[rows["runtime"] == runtime], PALETTE[at]
        limits, best = _best(table, f"ram.{rule}.{DATASET}.mcu")
        axes.plot(
            limits,
            best,
            "--",
            drawstyle="steps-post",
            color=colour,
            linewidth=0.9,
            label=f"{runtime}: best that fits",
        )
        axes.errorbar(
            of["limit"].str.removesuffix(" KiB").astype(float),
            of[name],
            yerr=np.abs(of[["lo", "hi"]].to_numpy() - of[[name]].to_numpy()).T,
            fmt=MARKERS[at],
            markersize=4,
            linewidth=1,
            color=colour,
            label=f"{runtime}: found",
        )
    axes.set_xlabel("limit of SRAM [KiB]")
    axes.set_ylabel(f"CIFAR-10 {name} [%]")
    tidy(axes)
    legend_above(figure, axes, 1)
    return figure


def _best(table: Table, memory: str) -> tuple[Array, Array]:
    """Return limits [KiB] and the best accuracy of cells within each and the flash, or NaN."""
    truth, limits = accuracy(table, DATASET), np.arange(40.0, 81.0, 0.5)
    fits = connected() & (table.values(f"flash.weights.{DATASET}.mcu") <= FLASH)
    within = [fits & (table.values(memory) <= limit * 1024) for limit in limits]
    return limits, np.array([truth[cells].max() if cells.any() else np.nan for cells in within])


REPORT = Report(
    title="Fig. 9, Table 3 and 4: limits",
    answers="MCUNet (2020), Fig. 9: TinyNAS by SRAM; Table 3 and 4: by latency, on four parts",
    make=_make,
    group="MCUNet",
    studies=(STUDY,),
)
