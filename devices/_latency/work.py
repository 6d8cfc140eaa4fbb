"""Work of whole models: sums over their operators, from which boards' figures are predicted.

`tables/models.csv` holds them of the models that others measured: by operator what `cycles.amounts`
counts, then `fitted.PARTS`, then how many additions there are. A price by coefficients is linear in
these, so it is that of the operators one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from benchsuite.devices._latency.cycles import amounts
from benchsuite.devices._latency.fitted import PARTS, parts_of_shape
from benchsuite.devices._latency.operators import Operator, Shape

AMOUNTS: Mapping[Operator, tuple[str, ...]] = {
    "conv": ("conv_macs", "conv_columns", "conv_taps", "conv_outputs"),
    "conv1x1": ("conv1x1_macs", "conv1x1_columns", "conv1x1_taps", "conv1x1_outputs"),
    "depthwise": ("depthwise_macs",),
    "avg_pool": ("pool_window", "pool_outputs", "pool_pixels"),
    "add": ("add_outputs",),
    "affine": ("affine_outputs",),
    "relu": ("relu_outputs",),
    "linear": ("linear_macs", "linear_outputs"),
}
NAMES = (*(name for names in AMOUNTS.values() for name in names), *PARTS, "adds")


def work_of(shapes: Iterable[Shape]) -> dict[str, int]:
    """Return the work of some operators together, plain counts by `NAMES`.

    >>> work_of([Shape("add", 8, 64, 64)])["add_outputs"]
    4096
    """
    done = dict.fromkeys(NAMES, 0)
    for shape in shapes:
        counted = zip(AMOUNTS[shape.operator], amounts(shape), strict=True)
        for name, amount in (*counted, *zip(PARTS, parts_of_shape(shape), strict=True)):
            done[name] += int(amount)
        done["adds"] += shape.operator == "add"
    return done


def dump(models: Mapping[str, Iterable[Shape]]) -> str:
    """Return the work of models as the CSV text of `tables/models.csv`."""
    lines = [",".join(("model", *NAMES))]
    for model, shapes in models.items():
        lines.append(",".join((model, *map(str, work_of(shapes).values()))))
    return "\n".join(lines) + "\n"
