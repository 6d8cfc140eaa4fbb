"""One look for every figure: sizes, fonts, and colours that colour-blind readers can tell apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe & Ito, "Color Universal Design", 2008.
COLOURS = {
    "cifar10": "#0072B2",
    "cifar100": "#D55E00",
    "imagenet16-120": "#009E73",
    "grey": "#666666",
}
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#666666")
MARKERS = "os^Dv*"
NAMES = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "imagenet16-120": "ImageNet16-120"}
COLUMN_WIDTH = 3.4
PAGE_WIDTH = 7.0
SMALL = 8


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches; no global state of matplotlib is touched."""
    return Figure(figsize=(width, height), layout="constrained")


def panels(figure: Figure, columns: int, rows: int = 1, **shared: Any) -> list[Axes]:
    """Return the axes of a grid, row by row; shared: `sharex`, `sharey`."""
    grid = figure.subplots(rows, columns, squeeze=False, **shared)
    return list(np.ravel(grid))


def tidy(axes: Axes, grid: str = "both") -> None:
    """Set type and frame of axes: small type, two spines, a faint grid behind the data."""
    axes.tick_params(labelsize=SMALL)
    axes.xaxis.label.set_size(SMALL + 1)
    axes.yaxis.label.set_size(SMALL + 1)
    axes.title.set_size(SMALL + 1)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if grid:
        axes.grid(axis=grid, linewidth=0.3)  # type: ignore[arg-type]
    axes.set_axisbelow(True)


def legend_above(figure: Figure, axes: Axes, columns: int) -> None:
    """Put one legend for the whole figure above it, where it can cover nothing."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside upper center", ncols=columns, frameon=False, fontsize=SMALL
    )


def cloud(axes: Axes, x: Any, y: Any, colour: str = "#BBBBBB") -> None:
    """Draw thousands of cells as small dots, as pixels also in PDF and SVG."""
    axes.plot(x, y, ".", markersize=1.5, color=colour, alpha=0.4, rasterized=True, zorder=1)


def heatmap(axes: Axes, values: Any, rows: list[str], columns: list[str], limit: float = 1) -> Any:
    """Draw a matrix of correlations with its numbers; colours run from -limit to limit."""
    values = np.asarray(values, dtype=float)
    image = axes.imshow(values, cmap="PuOr_r", vmin=-limit, vmax=limit, aspect="auto")
    axes.set_xticks(range(len(columns)), columns, fontsize=SMALL, rotation=90)
    axes.set_yticks(range(len(rows)), rows, fontsize=SMALL)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for i, j in np.argwhere(np.isfinite(values)):
        dark = abs(values[i, j]) > 0.65 * limit
        text = f"{values[i, j]:.2f}".replace("0.", ".", 1)
        axes.text(j, i, text, ha="center", va="center", fontsize=5.5, color="w" if dark else "k")
    return image
