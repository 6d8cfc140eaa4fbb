"""Convolutions of the cell that lie on an input-output path."""

import numpy as np

from benchsuite.api import Proxy
from benchsuite.space.cell import CONV1, CONV3, all_ops, prune


def _convs(_: object) -> dict[str, np.ndarray]:
    return {"": np.isin(prune(all_ops()), (CONV1, CONV3)).sum(axis=1)}


PROXY = Proxy(
    version=1,
    direction="max",
    unit="convolutions",
    formula="number of live 1x1 and 3x3 convolutions, 0 to 6",
    source="baseline of this suite",
    cost="analytic",
    all_cells=_convs,
)
