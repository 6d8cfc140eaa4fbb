"""One look for every figure: sizes, fonts, and colours that colour-blind readers can tell apart."""

from __future__ import annotations

from matplotlib.figure import Figure

# Okabe & Ito, "Color Universal Design", 2008.
COLOURS = {
    "cifar10": "#0072B2",
    "cifar100": "#D55E00",
    "imagenet16-120": "#009E73",
    "grey": "#666666",
}
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#666666")
NAMES = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "imagenet16-120": "ImageNet16-120"}
COLUMN_WIDTH = 3.4
PAGE_WIDTH = 7.0


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches; no global state of matplotlib is touched."""
    return Figure(figsize=(width, height), layout="constrained")
