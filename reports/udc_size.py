"""Size of a compressed network against bitwidth and sparsity, by the entropy bound (UDC Fig. 1)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchsuite.api import Report, Result
from benchsuite.reports._common.style import (
    MARKERS,
    PAGE_WIDTH,
    PALETTE,
    legend_above,
    new_figure,
    panels,
    tidy,
)
from benchsuite.space.cell import Cell
from benchsuite.space.deploy import deploy
from benchsuite.space.network import OFFICIAL
from benchsuite.table.table import Table

BITS = (1, 2, 4, 8)
NON_ZERO = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.01)
BOUNDS = {"printed": "as printed: b + H(s)", "mask": "zeros cost their mask: s b + H(s)"}
_CELL = 6111
_FIXED = 4


def _make(table: Table) -> Result:
    weights, fixed = _constants()
    dense = weights + _FIXED * fixed
    rows = [
        {
            "bound": bound,
            "bits": bits,
            "non-zero": s,
            "bits per weight": (each := bits_per_weight(bits, s, bound)),
            "size [kB]": (size := weights * each / 8 + _FIXED * fixed) / 1e3,
            "reduction": dense / size,
        }
        for bound in BOUNDS
        for bits in BITS
        for s in NON_ZERO
    ]
    frame = pd.DataFrame(rows)
    at_one = frame[(frame["bits"] == 1) & (frame["non-zero"] == 0.01)].set_index("bound")
    extreme = at_one["reduction"].to_dict()
    return Result(
        tables={"udc_size": frame},
        figures={"udc_size": _figure(frame)},
        notes=(
            f"Cell {_CELL}, official CIFAR-10 network: {weights:,} weights, and {fixed:,} biases "
            f"that stay at {_FIXED} bytes. H(s) = -s log2 s - (1-s) log2 (1-s), s the fraction of "
            "non-zero weights. reduction: over 8 bit, dense. No accuracy enters.",
            "UDC, Eq. 4 charges b bits to every weight, a zero too; a coder that sends the "
            "mask and "
            "then the non-zero weights needs s b + H(s). At 1 bit and 1 % the first gives "
            f"{extreme['printed']:.1f}x, the second "
            f"{extreme['mask']:.1f}x; the paper prints 9.3x for MobileNetV2 "
            "compiled by Vela, which is neither bound.",
        ),
    )


def bits_per_weight(bits: int, non_zero: float, bound: str) -> float:
    """Return the bits that a weight takes; bound: `printed` (equation 4) or `mask`."""
    s = np.array([non_zero, 1 - non_zero])
    s = s[s > 0]
    mask = float(-(s * np.log2(s)).sum())
    return (bits if bound == "printed" else non_zero * bits) + mask


def _constants() -> tuple[int, int]:
    """Return how many weights and how many biases the deployed network has."""
    layers = [
        layer
        for layer in deploy(Cell.from_index(_CELL), OFFICIAL["cifar10"]).layers
        if layer.kind in ("conv", "linear")
    ]
    weights = sum(layer.shape[0] * layer.kernel**2 * layer.in_channels for layer in layers)
    return weights, sum(layer.shape[0] for layer in layers)


def _figure(rows: pd.DataFrame) -> Figure:
    figure = new_figure(PAGE_WIDTH, 2.7)
    both = panels(figure, 2, sharey=True)
    for axes, (bound, title) in zip(both, BOUNDS.items(), strict=True):
        for bits, colour, marker in zip(BITS, PALETTE, MARKERS, strict=False):
            of = rows[(rows["bound"] == bound) & (rows["bits"] == bits)]
            axes.plot(
                100 * of["non-zero"],
                of["size [kB]"],
                marker=marker,
                markersize=3.5,
                linewidth=1,
                color=colour,
                label=f"{bits} bit",
            )
        axes.set_title(title)
        axes.set_xlabel("non-zero weights s [%]")
        axes.set_xlim(104, -4)
        axes.set_yscale("log")
        tidy(axes)
    both[0].set_ylabel("compressed size [kB]")
    legend_above(figure, both[0], len(BITS))
    return figure


REPORT = Report(
    title="Fig. 1: compressed size",
    answers="UDC (2022), Fig. 1 left: size against bitwidth and sparsity",
    make=_make,
    group="UDC",
)
