"""Pruned 4-bit networks trained in UDC's number format and without it (Fig. 3, 5c, Table 4)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchsuite.api import Report, Result
from benchsuite.deployment.compressed import mask_entropy
from benchsuite.files import shipped
from benchsuite.reports._common.searches import Claim, Interval, spelt, spread, with_ends
from benchsuite.reports._common.style import (
    COLOURS,
    PAGE_WIDTH,
    PALETTE,
    dots,
    legend_above,
    new_figure,
    panels,
    tidy,
)
from benchsuite.reports._common.verdicts import above, not_here
from benchsuite.reports.udc_coding import rice_bits
from benchsuite.stats import intervals
from benchsuite.stats.intervals import Estimate
from benchsuite.table.table import Table

PLAIN, SHIFTED = "Q", "Q^"
PRINTED_GROWTH = 4.6  # section 3.1, of a layer trained on ImageNet by Q
RARE = 0.01  # of the weights that are not zero: a magnitude that fewer have is hardly used
Array = NDArray[np.float64]


def _make(table: Table) -> Result:
    networks, about = read()
    cells, density = networks["cell"].nunique(), networks["density"].iloc[0]
    return Result(
        tables={"udc_number_format": _rows(networks, about["bits"])},
        figures={"udc_number_format": _figure(networks, about)},
        notes=(
            f"{len(_paired(networks, 'accuracy'))} networks trained by this project ({cells} "
            f"cells, six of them of {about['seeds']} seeds, 16x16 pixels, one cell per stage: "
            f"benchsuite/data/README.md), each pruned to a density of {density:g}, quantised to "
            f"{about['bits']} bits and fine-tuned twice, alike but for the format. UDC trains on "
            "ImageNet for hundreds of epochs, here it is a few. Every number is the mean over "
            "cells of the mean of their networks; lo, hi: its 95 % interval over cells.",
            "growth: the sum of squares of all compressed weights as they are trained, over that "
            "before, geometric means. hardly used: magnitudes that less than "
            f"{100 * RARE:g} % of the weights that are not zero have, of all there are. "
            "Golomb-Rice: bits of a weight that is not zero "
            "in the best such code of a network. bound: s b + H(s) bits a weight, a share s of "
            "which is not zero; Vela: what its encoder makes of them, rounded to 8 bits, without "
            "scales, biases and the rest of a compiled network. Figure: a layer of the first "
            "network; ticks are the values that are stored, dashed lines the pruning threshold.",
            *(claim.sentence for claim in _claims(networks)),
        ),
    )


def read() -> tuple[pd.DataFrame, Mapping[str, Any]]:
    """Return the networks that were trained, one a row, and what else was kept of them."""
    path = shipped("data/number_format.csv")
    return pd.read_csv(path), json.loads(path.with_suffix(".json").read_text("utf-8"))


def claims() -> list[Claim]:
    """Return what UDC says of its number format, and what networks trained in it say."""
    return _claims(read()[0])


def _claims(networks: pd.DataFrame) -> list[Claim]:
    growth = _paired(networks, "growth")
    bigger = _by_cell((growth[PLAIN] / growth[SHIFTED]).map(np.log2))
    reached = _paired(networks, "accuracy")
    better = _by_cell(reached[SHIFTED] - reached[PLAIN])
    deployed = networks[networks["format"] == SHIFTED].set_index("cell")
    rice = deployed["levels"].map(golomb_rice).groupby("cell").mean()
    bits = read()[1]["bits"]
    smaller = _by_cell(100 * (1 - deployed["encoded"] / _bounds(deployed, bits)))
    short, fewer = int((rice < bits).sum()), intervals.mean(bits - rice.to_numpy())
    mean = {name: _geometric(growth[name])[0] for name in (PLAIN, SHIFTED)}
    return [
        Claim(
            "UDC",
            "Fig. 3",
            "trained in the proposed format, weights grow less",
            f"sums of squares become {mean[PLAIN]:.2f} times as large by Q (at most "
            f"{growth[PLAIN].max():.1f}) and {mean[SHIFTED]:.2f} by Q^ (at most "
            f"{growth[SHIFTED].max():.1f}), geometric means; the ratio is {spread(bigger)} powers "
            "of two",
            not_here(
                f"in so few steps weights by Q grow {mean[PLAIN]:.2f} times, where the paper's "
                f"grow {PRINTED_GROWTH:g} times, so that there is nothing to hold down"
            ),
        ),
        Claim(
            "UDC",
            "Fig. 5c",
            "networks in the proposed format are more accurate",
            f"Q^ minus Q is {spread(better)} points; the mechanism that the paper gives for it is "
            f"not at work, for weights by Q grow {mean[PLAIN]:.2f} times, there over "
            f"{PRINTED_GROWTH:g}",
            above(better, over="cells"),
        ),
        Claim(
            "UDC",
            "section 6.2",
            "Golomb-Rice codes often need fewer than b bits per non-zero weight",
            f"in {short} of {len(rice)} cells, {rice.mean():.2f} bits in the mean, b = {bits}; "
            f"the mean is judged, {spread(fewer)} bits fewer",
            above(fewer, unit="bits", over="cells"),
        ),
        Claim(
            "UDC",
            "Table 4",
            "Vela compresses weights further than the bound predicts",
            f"its encoder takes {spread(smaller)} % less than the bound",
            above(smaller, unit="% of the bound", over="cells"),
        ),
    ]


def _bounds(networks: pd.DataFrame, bits: int) -> Array:
    """Return the bytes that weights take by s b + H(s) bits each, by network."""
    counts = np.stack([counted(levels) for levels in networks["levels"]])
    weights = counts.sum(axis=1)
    density = 1 - counts[:, 0] / weights
    found: Array = weights * (density * bits + mask_entropy(density)) / 8
    return found


def _paired(networks: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return a column of the same networks in both formats, a row each."""
    return networks.pivot_table(column, ["cell", "seed"], "format")[[PLAIN, SHIFTED]]


def _by_cell(values: pd.Series) -> Estimate:
    """Return the mean of values of networks over cells: networks of a cell are much alike."""
    return intervals.mean(values.groupby("cell").mean().to_numpy())


def counted(levels: str) -> NDArray[np.int64]:
    """Return how many weights of a network have each magnitude, zero first."""
    return np.array(levels.split(), dtype=np.int64)


def golomb_rice(levels: str) -> float:
    """Return the bits per weight that is not zero in the shortest Golomb-Rice code."""
    counts = counted(levels)[1:]
    sizes = np.repeat(np.arange(1, len(counts) + 1), counts).astype(np.int16)
    return rice_bits(sizes) / len(sizes)


def _geometric(values: pd.Series) -> Interval:
    value, low, high = np.exp(with_ends(_by_cell(np.log(values))))
    return float(value), float(low), float(high)


def _hardly_used(levels: str, name: str) -> float:
    counts = counted(levels)[1:]
    counts = counts if name == SHIFTED else counts[:-1]  # Q has one magnitude less
    return 100 * float((counts < RARE * counts.sum()).mean())


def _rows(networks: pd.DataFrame, bits: int) -> pd.DataFrame:
    rows: list[dict[str, object]] = []
    for name in (PLAIN, SHIFTED):
        of = networks[networks["format"] == name].set_index("cell")
        kept = pd.DataFrame(
            {
                "hardly used [%]": [_hardly_used(levels, name) for levels in of["levels"]],
                "Golomb-Rice [bits]": of["levels"].map(golomb_rice),
                "bound [kB]": _bounds(of, bits) / 1e3,
                "Vela [kB]": of["encoded"] / 1e3,
            },
            of.index,
        )
        rows.append(
            {
                "format": name,
                "networks": len(of),
                "cells": of.index.nunique(),
                **spelt("accuracy", with_ends(_by_cell(of["accuracy"]))),
                **spelt("growth", _geometric(of["growth"])),
                **kept.groupby("cell").mean().mean(),
            }
        )
    return pd.DataFrame(rows)


def _figure(networks: pd.DataFrame, about: Mapping[str, Any]) -> Figure:
    figure = new_figure(PAGE_WIDTH, 2.5)
    *left, right = panels(figure, 3)
    for axes, name, colour in zip(left, (PLAIN, SHIFTED), PALETTE, strict=False):
        _histogram(axes, about["histograms"][name], name, colour)
    left[1].sharey(left[0])
    reached = _paired(networks, "accuracy")
    gaps = reached[SHIFTED] - reached[PLAIN]
    dots(right, 0, gaps.to_numpy(), with_ends(_by_cell(gaps)), PALETTE[1])
    right.axvline(0, color="k", linestyle="--", linewidth=0.8)
    right.set_yticks([])
    right.set_xlabel("accuracy, Q^ minus Q [points]")
    right.set_title("every network")
    for axes in (*left, right):
        tidy(axes)
    left[0].plot([], [], color=PALETTE[1], linewidth=1, label=f"after, by {SHIFTED}")
    left[0].set_ylabel("number of weights")
    legend_above(figure, left[0], 3)
    return figure


def _histogram(axes: Axes, of: Mapping[str, Any], name: str, colour: str) -> None:
    edges = np.linspace(-of["most"], of["most"], len(of["before"].split()) + 1)
    for what, look, text in (
        ("before", COLOURS["grey"], "before"),
        ("after", colour, f"after, by {name}"),
    ):
        axes.stairs(counted(of[what]), edges, color=look, label=text, linewidth=1)
    for sign in (-1, 1):
        axes.axvline(sign * of["threshold"], color="k", linestyle="--", linewidth=0.8)
    stored = np.array(of["stored"].split(), dtype=np.float64)
    axes.vlines(stored, 0, 0.06, color="k", linewidth=0.8, transform=axes.get_xaxis_transform())
    before, after = of["norms"]
    axes.set_title(f"{name}: squares {after / before:.2f} times")
    axes.set_xlabel("value of weights")
    axes.set_yscale("log")


REPORT = Report(
    title="Fig. 3, Fig. 5c and Table 4: number format",
    answers="UDC (2022), Fig. 3, 5c and Table 4: 4-bit weights trained in its number format or not",
    make=_make,
    group="UDC",
)
