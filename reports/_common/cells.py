"""Cells drawn as graphs: four nodes in a row, an arc per operator."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch

from benchsuite.reports._common.style import PALETTE, SMALL
from benchsuite.space.cell import EDGES, NONE, Cell, live_edges

_SHORT = {1: "skip", 2: "1x1", 3: "3x3", 4: "pool"}
_COLOUR = {1: PALETTE[5], 2: PALETTE[0], 3: PALETTE[1], 4: PALETTE[2]}
# How far an edge's label is from the row of nodes, and the bend of its arc (positive: below).
_ARCS = {(0, 1): 0.0, (1, 2): 0.0, (2, 3): 0.0, (0, 2): 0.62, (1, 3): -0.62, (0, 3): 1.25}


def draw_cell(axes: Axes, cell: Cell, title: str) -> None:
    """Draw a cell: `none` is left out, what lies on no input-output path is dashed."""
    import numpy as np

    live = live_edges(np.array([cell.ops]))[0]
    for edge, op, alive in zip(EDGES, cell.ops, live, strict=True):
        if op != NONE:
            _draw_edge(axes, edge, op, bool(alive))
    for node, label in enumerate(("in", "1", "2", "out")):
        axes.plot(node, 0, "o", markersize=13, color="w", markeredgecolor="k", zorder=3)
        axes.text(node, 0, label, ha="center", va="center", fontsize=6, zorder=4)
    axes.set_xlim(-0.25, 3.25)
    axes.set_ylim(-0.9, 1.55)
    axes.set_title(title, fontsize=SMALL)
    axes.axis("off")


def _draw_edge(axes: Axes, edge: tuple[int, int], op: int, alive: bool) -> None:
    source, target = edge
    height = _ARCS[edge]
    # The middle of a quadratic Bezier curve is half as far from the chord as its control point.
    bend = -2 * height / (target - source)
    arrow = FancyArrowPatch(
        (source, 0),
        (target, 0),
        connectionstyle=f"arc3,rad={bend}",
        arrowstyle="-|>",
        mutation_scale=8,
        shrinkA=7,
        shrinkB=7,
        linewidth=1.4,
        linestyle="-" if alive else (0, (2, 2)),
        color=_COLOUR[op],
        zorder=2,
    )
    axes.add_patch(arrow)
    axes.text(
        (source + target) / 2 - 0.05 * (height == 0),
        height,
        _SHORT[op],
        ha="center",
        va="center",
        fontsize=6.5,
        color=_COLOUR[op],
        bbox={"facecolor": "w", "edgecolor": "none", "pad": 0.6},
        zorder=2.5,
    )
