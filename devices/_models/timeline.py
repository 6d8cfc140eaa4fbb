"""The arena as a picture: which tensor lies where while which operator runs, and the peak.

Tensors are placed as TensorFlow Lite Micro's planner does (`benchsuite.deployment.arena`); what its
interpreter keeps beside them is not drawn.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from benchsuite.deployment.arena import layout
from benchsuite.devices._models.model import Model

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_KIB = 1024
_LABELLED = 0.045  # The least share of the height, and of the width, of a tensor with a name.
_COLOURS = {
    "input": "#8c8c8c",
    "conv": "#4c78a8",
    "depthwise": "#72b7b2",
    "affine": "#72b7b2",
    "add": "#f58518",
    "avg_pool": "#54a24b",
    "global_pool": "#54a24b",
    "relu": "#eeca3b",
    "linear": "#b279a2",
}
_OTHER = "#d3d3d3"


def figure(model: Model) -> Figure:
    """Return the picture: operators from left to right, bytes upwards, the peak in red."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch, Rectangle

    placed = layout(model.graph())
    top = max(one.offset + one.size for one in placed)
    steps = len(placed)
    drawn = Figure(figsize=(9, 4.5), layout="constrained")
    axes = drawn.add_subplot()
    for number, (tensor, one) in enumerate(zip(placed, model.operations, strict=True)):
        width = tensor.last - tensor.first + 1
        corner = (tensor.first - 0.5, tensor.offset / _KIB)
        colour = _COLOURS.get(one.kind, _OTHER)
        axes.add_patch(
            Rectangle(
                corner,
                width,
                tensor.size / _KIB,
                facecolor=colour,
                edgecolor="white",
                linewidth=0.6,
            )
        )
        if tensor.size > _LABELLED * top and width > _LABELLED / 3 * steps:
            middle = (tensor.first - 0.5 + width / 2, (tensor.offset + tensor.size / 2) / _KIB)
            axes.text(*middle, str(number), ha="center", va="center", fontsize=7, color="white")
    alive = [sum(t.size for t in placed if t.first <= step <= t.last) for step in range(steps)]
    at = [step for step in range(steps) if alive[step] == max(alive)]
    axes.axhline(top / _KIB, color="#c0392b", linewidth=1)
    for step in at:
        axes.axvspan(step - 0.5, step + 0.5, color="#c0392b", alpha=0.18, linewidth=0, zorder=0)
    first = f"{at[0]} ({model.operations[at[0]].kind})"
    others = f" and {len(at) - 1} more" if len(at) > 1 else ""
    axes.annotate(
        f"arena {top:,} bytes; most live, {max(alive):,}, while operator {first}{others} runs",
        (at[0], top / _KIB),
        (0.01, 0.985),
        textcoords="axes fraction",
        va="top",
        fontsize=9,
        parse_math=False,
        color="#c0392b",
    )
    axes.set_xlim(-0.5, steps - 0.5)
    axes.set_ylim(0, 1.12 * top / _KIB)
    axes.set_xlabel("operator, in the order of execution")
    axes.set_ylabel("offset in the arena [KiB]")
    title = f"{model.name}: tensors in the arena of TensorFlow Lite Micro"
    axes.set_title(title, fontsize=10, parse_math=False)
    kinds = dict.fromkeys(one.kind if one.kind in _COLOURS else "other" for one in model.operations)
    drawn.legend(
        [Patch(color=_COLOURS.get(kind, _OTHER)) for kind in kinds],
        list(kinds),
        loc="outside right upper",
        fontsize=8,
        frameon=False,
    )
    return drawn


def picture(model: Model, suffix: str) -> bytes:
    """Return the bytes of the picture; suffix: `png`, `pdf` or `svg`."""
    stream = io.BytesIO()
    about = {"png": {"Software": None}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}
    figure(model).savefig(stream, format=suffix, dpi=150, metadata=about[suffix])
    return stream.getvalue()
