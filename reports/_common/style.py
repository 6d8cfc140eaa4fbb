"""One look for every figure: sizes, fonts, and colours that colour-blind readers can tell apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cbook import is_math_text
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patheffects import withStroke
from matplotlib.textpath import text_to_path

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
_LEADER = {"arrowstyle": "-", "linewidth": 0.4, "color": "#666666", "shrinkA": 0, "shrinkB": 2}
SMALLEST = 6.5  # of what stands within the axes; print shows no less than 6 pt


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
    axes.xaxis.label.set_fontsize(SMALL + 1)
    axes.yaxis.label.set_fontsize(SMALL + 1)
    axes.title.set_fontsize(SMALL + 1)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if grid:
        axes.grid(axis=grid, linewidth=0.3)  # type: ignore[arg-type]
    axes.set_axisbelow(True)


def legend_above(figure: Figure, axes: Axes, columns: int, *, in_order: bool = False) -> None:
    """Put one legend for the whole figure above it, where it can cover nothing.

    in_order: by their text; otherwise lines come before bars.
    """
    handles, labels = axes.get_legend_handles_labels()
    if in_order:
        order = sorted(range(len(labels)), key=labels.__getitem__)
        handles, labels = [handles[at] for at in order], [labels[at] for at in order]
    figure.legend(
        handles, labels, loc="outside upper center", ncols=columns, frameon=False, fontsize=SMALL
    )


def mark(axes: Axes, text: str, *, x: float | None = None, y: float | None = None) -> None:
    """Draw a dashed reference line at x or at y and write on it what it is."""
    look: dict[str, Any] = {"color": "k", "linewidth": 0.8, "linestyle": "--", "zorder": 2}
    if x is not None:
        axes.axvline(x, **look)
        at, how = (x, 0.97), {"rotation": 90, "ha": "right", "va": "top"}
        transform = axes.get_xaxis_transform()
    else:
        assert y is not None
        axes.axhline(y, **look)
        at, how = (0.02, y), {"ha": "left", "va": "bottom"}
        transform = axes.get_yaxis_transform()
    axes.text(*at, text, fontsize=SMALLEST, transform=transform, **how)  # type: ignore[arg-type]


def dots(
    axes: Axes, row: float, values: Any, ends: tuple[float, float, float], colour: str
) -> None:
    """Draw the value of every seed in a row of axes, and their mean with its interval."""
    values = np.asarray(values, dtype=float)
    aside = np.linspace(-0.22, 0.22, len(values)) if len(values) > 1 else np.zeros(len(values))
    axes.plot(values, row + aside, "o", color=colour, markersize=2.5, alpha=0.5, markeredgewidth=0)
    mean, low, high = ends
    axes.plot([low, high], [row, row], color="k", linewidth=1.2)
    axes.plot([mean], [row], "|", color="k", markersize=11, markeredgewidth=1.4)


def colour_bar(
    figure: Figure,
    image: Any,
    axes: Axes,
    text: str,
    fraction: float = 0.04,
    location: str = "right",
) -> None:
    """Add the scale of an image's colours, and what they show."""
    bar = figure.colorbar(image, ax=axes, fraction=fraction, location=location)
    bar.set_label(text, fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL)


def cloud(axes: Axes, x: Any, y: Any, colour: str = "#BBBBBB") -> None:
    """Draw thousands of cells as small dots, as pixels also in PDF and SVG."""
    axes.plot(x, y, ".", markersize=1.5, color=colour, alpha=0.4, rasterized=True, zorder=1)


def heatmap(axes: Axes, values: Any, rows: list[str], columns: list[str], limit: float = 1) -> Any:
    """Draw a matrix of correlations; colours run from -limit to limit, numbers where they fit."""
    values = np.asarray(values, dtype=float)
    image = axes.imshow(values, cmap="PuOr_r", vmin=-limit, vmax=limit, aspect="auto")
    axes.set_xticks(range(len(columns)), columns, fontsize=SMALL, rotation=90)
    axes.set_yticks(range(len(rows)), rows, fontsize=SMALL)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for i, j in np.argwhere(np.isfinite(values)) if len(columns) <= 25 else ():
        dark = abs(values[i, j]) > 0.65 * limit
        value = round(float(values[i, j]), 2) + 0.0  # No -.00.
        text = "1" if value >= 1 else f"{value:.2f}".replace("0.", ".", 1)
        number = axes.text(j, i, text, ha="center", va="center", fontsize=6)
        number.set_color("w" if dark else "k")
        number.set_in_layout(False)  # It lies within the axes, and there are hundreds.
    return image


def label_points(axes: Axes, x: Any, y: Any, names: list[str], others: Any = ()) -> None:
    """Write names beside points, each where it covers no point and no earlier name if it can.

    Points at one place share a label; others: points [N, 2] without one. Call it last: it needs the
    final limits and layout.
    """
    size = SMALLEST
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    shared: dict[tuple[float, float], list[str]] = {}
    for px, py, name in zip(x, y, names, strict=True):
        shared.setdefault((float(px), float(py)), []).append(name)
    at = axes.transData.transform(np.array(list(shared))) * (72 / figure.dpi)
    besides = axes.transData.transform(np.reshape(others, (-1, 2))) * (72 / figure.dpi)
    taken = [(px - 3, py - 3, px + 3, py + 3) for px, py in (*at, *besides)]
    frame = np.asarray(axes.get_window_extent().extents) * (72 / figure.dpi)
    found = []
    for (px, py), (place, labels) in zip(at, shared.items(), strict=True):
        text = ", ".join(labels)
        width = _width(text, size)
        starts = [(px + ox, py + oy) for ox, oy in _offsets(width, size)]
        boxes = [(left, low, left + width, low + size) for left, low in starts]
        inside = [
            box for box in boxes if box[0] > frame[0] and box[2] < frame[2] and box[1] > frame[1]
        ]
        found.append((px, py, place, text, inside or boxes))
    # Those that may stand beside their points whatever the others do go first.
    first = [boxes[0] for *_, boxes in found]
    crowded = [sum(_meet(box, other) for other in (*first, *taken)) for box in first]
    for _, (px, py, place, text, boxes) in sorted(
        zip(crowded, found, strict=True), key=lambda item: item[0] > 1
    ):
        box = min(boxes, key=lambda box: sum(_meet(box, other) for other in taken))
        taken.append(box)
        axes.annotate(
            text,
            place,
            xytext=(box[0] - px, box[1] - py + 0.2 * size),
            textcoords="offset points",
            fontsize=size,
            path_effects=[withStroke(linewidth=1.5, foreground="w")],
            arrowprops=_LEADER if _far(box, px, py) else None,
        ).set_in_layout(False)


def _offsets(width: float, size: float) -> list[tuple[float, float]]:
    """Return where a label may start, from its point: beside, above, below, farther."""
    middle = -size / 2
    near = [(5.0, middle), (-5 - width, middle), (-width / 2, 4.0), (-width / 2, -4 - size)]
    step = size * 0.75
    return near + [
        (x, middle + sign * n * step)
        for n in (1, 2, 3, 4)
        for x in (4.0, -4 - width, -width / 2)
        for sign in (1, -1)
    ]


def _far(box: tuple[float, ...], x: float, y: float) -> bool:
    """Return whether a label is so far from its point that a line has to join them."""
    across = max(box[0] - x, x - box[2], 0.0)
    along = max(box[1] - y, y - box[3], 0.0)
    return float(np.hypot(across, along)) > 10


def _width(text: str, size: float) -> float:
    """Return the width of a text [points]."""
    font = FontProperties(size=size)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, is_math_text(text))
    return float(width)


def _meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
