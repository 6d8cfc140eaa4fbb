"""The shapes that are counted: every layer of the official skeletons, and some around them.

The others let a fit over the table say what a shape outside it costs (see `_table`).
"""

from __future__ import annotations

from benchsuite.devices._latency.operators import Operator, Shape

_STAGES = ((32, 16), (16, 32), (8, 64), (16, 16), (8, 32), (4, 64))
_REDUCTIONS = ((32, 16), (16, 32), (16, 16), (8, 32))
_AROUND = ((32, 8), (12, 48), (8, 128), (24, 24))
_CLASSES = (10, 100, 120)
_ELEMENTWISE: tuple[Operator, ...] = ("add", "affine", "relu")


def grid() -> tuple[Shape, ...]:
    """Return all shapes of a latency table, sorted."""
    shapes = {Shape("linear", 1, 64, classes) for classes in _CLASSES}
    shapes |= {Shape("linear", 1, 640, 128), Shape("linear", 1, 128, 10), Shape("linear", 1, 32, 2)}
    for size, channels in _STAGES + _AROUND:
        shapes |= {
            Shape("conv", size, channels, channels, 3, 1, 1),
            Shape("conv1x1", size, channels, channels),
            Shape("avg_pool", size, channels, channels, 3, 1, 1),
            *(Shape(operator, size, channels, channels) for operator in _ELEMENTWISE),
        }
    for size, channels in _REDUCTIONS:
        shapes |= {
            Shape("conv", size, channels, 2 * channels, 3, 2, 1),
            Shape("conv", size, channels, 2 * channels, 1, 2),
            Shape("avg_pool", size, channels, channels, 2, 2),
            Shape("conv1x1", size // 2, channels, 2 * channels),
        }
    for size in (16, 32, 48):
        shapes.add(Shape("conv", size, 3, 16, 3, 1, 1))
    for size, channels in ((4, 64), (8, 64), (8, 128), (16, 32)):
        shapes.add(Shape("avg_pool", size, channels, channels, size, size))
    shapes |= {Shape("conv", 16, 16, 16, 5, 1, 2), Shape("conv", 8, 32, 8, 7, 1, 3)}
    return tuple(sorted(shapes))
