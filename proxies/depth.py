"""Most convolutions on one path from the cell's input to its output."""

import numpy as np

from benchsuite.api import Proxy
from benchsuite.space.cell import CONV1, CONV3, EDGES, NONE, all_ops


def _depth(_: object) -> dict[str, np.ndarray]:
    """Longest path over the edges without `none`; a cell without a path has no depth (NaN)."""
    ops = all_ops()
    length = np.full((len(ops), 4), -np.inf)
    length[:, 0] = 0
    for edge, (source, target) in enumerate(EDGES):
        step = np.where(ops[:, edge] == NONE, -np.inf, np.isin(ops[:, edge], (CONV1, CONV3)))
        length[:, target] = np.maximum(length[:, target], length[:, source] + step)
    return {"": np.where(np.isfinite(length[:, 3]), length[:, 3], np.nan)}


PROXY = Proxy(
    version=1,
    direction="max",
    unit="convolutions",
    formula="max over input-output paths without `none` of the convolutions on them, 0 to 3",
    source="baseline of this suite",
    cost="analytic",
    all_cells=_depth,
)
