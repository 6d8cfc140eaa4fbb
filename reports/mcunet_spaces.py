"""Which width and resolution make the best search space per memory (MCUNet Fig. 3 and 12)."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from benchsuite.api import Report, Result
from benchsuite.deployment import tinynas_spaces
from benchsuite.reports._common import words
from benchsuite.reports._common.style import (
    MARKERS,
    PAGE_WIDTH,
    PALETTE,
    SMALL,
    mark,
    new_figure,
    panels,
    tidy,
)
from benchsuite.table.table import Table

SAMPLES = 1000
_KIB = 1024
# The part of the paper's Fig. 3, and the ranges around its four parts.
SRAM, FLASH = 320 * _KIB, 1024 * _KIB
SRAMS = tuple(kib * _KIB for kib in (128, 192, 256, 320, 384, 448, 512))
FLASHES = tuple(kib * _KIB for kib in (256, 512, 1024, 2048))
RUNTIME = "tinyengine"


def _make(table: Table) -> Result:
    networks = tinynas_spaces.sampled_networks(samples=SAMPLES)
    cdf = tinynas_spaces.cumulative(networks, RUNTIME, SRAM, FLASH)
    best = pd.concat(
        tinynas_spaces.best_spaces(networks, runtime, SRAMS, FLASHES)
        for runtime in tinynas_spaces.RUNTIMES
    )
    ranked = tinynas_spaces.rank_spaces(networks, RUNTIME, SRAM, FLASH)
    return Result(
        tables={"mcunet_spaces": _shown(ranked), "mcunet_best_spaces": _shown(best)},
        figures={"mcunet_cdf": _cdf_figure(cdf), "mcunet_best_spaces": _best_figure(best)},
        notes=(
            f"{SAMPLES:,} cells are drawn from each of the 108 spaces (width multipliers of 16 "
            "channels, five cells per stage, 100 classes; dead cells included: their network is a "
            "constant), kept if their network fits; the best space has the largest mean MACs of "
            "those kept. No accuracy enters. One draw of cells (seed 0).",
            f"Fig. 3: {SRAM // _KIB} KiB SRAM and {FLASH // _KIB} KiB flash, {RUNTIME}'s memory "
            "rule; the ten best spaces. MCUNet's own space is a MobileNet space of 3.3e25 networks "
            "for ImageNet-100; its text gives its best space 52.0 M MACs on average.",
            "Fig. 12: the best space for each pair of limits, under two runtimes. Where width "
            "stays and resolution rises with SRAM, memory for activations was the limit; flash "
            "moves the width, as in the paper.",
        ),
    )


def _shown(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows in the units that people read."""
    shown = rows.copy()
    for name in ("sram", "flash"):
        if name in shown:
            shown[name] = shown[name] // _KIB
    shown["mean_macs"], shown["top20_macs"] = shown["mean_macs"] / 1e6, shown["top20_macs"] / 1e6
    return shown.rename(
        columns={
            "sram": "SRAM [KiB]",
            "flash": "flash [KiB]",
            "mean_macs": "mean MACs [M]",
            "top20_macs": "a fifth has more MACs [M]",
        }
    )


def _cdf_figure(cdf: pd.DataFrame) -> Figure:
    figure = new_figure(PAGE_WIDTH, 3.0)
    axes = figure.add_subplot()
    for _, of in cdf.groupby("rank"):
        first = of.iloc[0]
        rank = int(first["rank"])
        axes.plot(
            of["macs"] / 1e6,
            100 * of["cdf"],
            drawstyle="steps-post",
            linewidth=1.8 if rank == 0 else 1,
            color=PALETTE[rank % len(PALETTE)],
            linestyle="-" if rank < len(PALETTE) else "--",
            label=f"{first['width']:.1f}, {first['resolution']:.0f} px: "
            f"{first['mean_macs'] / 1e6:.1f} M",
        )
    mark(axes, "80 % of the networks", y=80)
    axes.set_xlabel("MACs [M]")
    axes.set_ylabel("networks with at most as many [%]")
    axes.set_ylim(0, 101)
    tidy(axes)
    legend = figure.legend(
        loc="outside right upper",
        frameon=False,
        fontsize=SMALL,
        title="width, resolution: mean MACs",
    )
    legend.get_title().set_fontsize(SMALL)
    return figure


def _best_figure(best: pd.DataFrame) -> Figure:
    runtimes = list(tinynas_spaces.RUNTIMES)
    figure = new_figure(PAGE_WIDTH, 4.4)
    axes = panels(figure, 2, 2, sharex=True, sharey="row")
    for column, runtime in enumerate(runtimes):
        for row, (name, label) in enumerate(
            (("width", "best width multiplier"), ("resolution", "best resolution [pixels]"))
        ):
            place = axes[2 * row + column]
            for at, flash in enumerate(FLASHES):
                of = best[(best["runtime"] == runtime) & (best["flash"] == flash)]
                place.plot(
                    of["sram"] / _KIB,
                    of[name],
                    marker=MARKERS[at],
                    markersize=4 + 1.5 * (len(FLASHES) - at),
                    markerfacecolor="none",
                    linewidth=1,
                    color=PALETTE[at],
                    label=f"{flash // _KIB} KiB flash",
                )
            if column == 0:
                place.set_ylabel(label)
            if row == 0:
                place.set_title(words.runtime(runtime))
            else:
                place.set_xlabel("SRAM [KiB]")
                place.set_xticks([size // _KIB for size in SRAMS])
            tidy(place)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside upper center", ncols=4, frameon=False, fontsize=SMALL
    )
    return figure


REPORT = Report(
    title="Fig. 3 and 12: search spaces",
    answers="MCUNet (2020), Fig. 3 and 12: the best width and resolution under memory limits",
    make=_make,
    group="MCUNet",
)
