"""What makes a figure illegible: text off the canvas, too small, on other text, or no word."""

import itertools
import re
from collections.abc import Iterator
from typing import Any

import matplotlib.text
from matplotlib.axes import Axes
from matplotlib.figure import Figure

SMALLEST = 6.0  # pt: what print still shows
RAW = (
    re.compile(r"@\d"),  # a column's version
    re.compile(r"[a-z0-9]_(?!\{)[a-z0-9]"),  # an id of Python; K_{2} is mathematics
    re.compile(r"\b[a-z][a-z0-9]+\.[a-z][a-z0-9]+"),  # a column's parts
    re.compile(r"\bstm32|\bcortexa|\briscv|\btflm\b|\bnaswot\b|\bpx\d"),
)
NUMBER = re.compile(r"^[−\d.,]+$")
UNIT = re.compile(r"\[[^\]]+\]")
# Axes of these have no unit but what they say.
COUNTS = re.compile(
    r"tau|cells|trainings|batch size|seconds|condition number|proxy|multiplier|layers|temperature"
    r"|variance|loss|bits|seeds|volume|weights"
)


def faults(figure: Figure) -> list[str]:
    """Return what cannot be read in a figure that is laid out, a sentence each."""
    figure.draw_without_rendering()
    renderer = figure._get_renderer()  # type: ignore[attr-defined]
    width, height = figure.bbox.size
    said = []
    for text in shown_texts(figure):
        words = text.get_text()
        box = text.get_window_extent(renderer)
        if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1:
            said.append(f"off the canvas: {words!r}")
        if float(text.get_fontsize()) < SMALLEST:
            said.append(f"{text.get_fontsize():g} pt: {words!r}")
        if any(pattern.search(words) for pattern in RAW):
            said.append(f"no word: {words!r}")
    for axes in figure.axes:
        said += _axes_faults(axes, renderer)
    return said


def shown_texts(figure: Figure) -> Iterator[matplotlib.text.Text]:
    """Yield every text that is drawn."""
    hidden = set()
    for axes in figure.axes:
        if not axes.axison or not axes.get_visible():
            hidden |= set(axes.xaxis.findobj(matplotlib.text.Text))
            hidden |= set(axes.yaxis.findobj(matplotlib.text.Text))
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not low <= tick.get_loc() <= high:
                    hidden |= set(tick.findobj(matplotlib.text.Text))
    for text in figure.findobj(matplotlib.text.Text):
        if text.get_visible() and text.get_text().strip() and text not in hidden:
            yield text


def _axes_faults(axes: Axes, renderer: Any) -> Iterator[str]:
    if not axes.axison:
        return
    for name, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        ticks = [
            tick
            for tick in axis.get_major_ticks()
            if low <= tick.get_loc() <= high
            for label in (tick.label1, tick.label2)
            if label.get_visible() and label.get_text().strip()
        ]
        labels = [
            label
            for tick in ticks
            for label in (tick.label1, tick.label2)
            if label.get_visible() and label.get_text().strip()
        ]
        turned = any(label.get_rotation() % 90 for label in labels)
        boxes = [label.get_window_extent(renderer) for label in labels]
        near = itertools.pairwise(zip(labels, boxes, strict=True)) if not turned else ()
        for (one, box), (other, beside) in near:
            if box.shrunk(0.98, 0.7).overlaps(beside.shrunk(0.98, 0.7)):
                yield f"{one.get_text()!r} lies on {other.get_text()!r}"
        title = axis.get_label().get_text()
        if title and not UNIT.search(title) and not COUNTS.search(title):
            yield f"no unit: {title!r}"
        numbers = [
            label.get_text() for label in labels if re.match(r"^[−\d.,]+$", label.get_text())
        ]
        if numbers and not title and not _named_elsewhere(axes, name):
            yield f"nothing says what {name} is, {numbers[0]} to {numbers[-1]}"


def _named_elsewhere(axes: Axes, name: str) -> bool:
    """Tell whether axes beside or below, or the figure, say what an axis is."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    if figure.get_supylabel() if name == "y" else figure.get_supxlabel():
        return True
    here = axes.get_position()
    for other in figure.axes:
        there = other.get_position()
        in_line = (
            abs(there.y0 - here.y0) < 0.02 if name == "y" else abs(there.x0 - here.x0) < 0.02
        ) or (name == "x" and abs(there.y0 - here.y0) < 0.02)
        if other is not axes and in_line and getattr(other, f"get_{name}label")():
            return True
    return False
