"""A random forest on features of cells proposes those with the largest expected improvement.

Source: Hutter et al., "Sequential Model-Based Optimization for General Algorithm Configuration",
LION 2011, section 4: mean and variance over the trees of a regression forest, expected improvement
over the best cell seen. The forest is scikit-learn's; the features are what NAS predictors of this
space use: operators by edge, and counts of operators and of paths (`space.features`), alike for
cells of equal function. Every class of cells is predicted, and the best classes not trained yet
give a cell each. Cells that break the bounds are left out. Extra `optimisers`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from benchsuite.api import Strategy
from benchsuite.numerics.ties import levels
from benchsuite.packages import optional_module
from benchsuite.parameters import check_range
from benchsuite.search._cells import Space
from benchsuite.simulation.search import Search
from benchsuite.space.equivalence import classes
from benchsuite.space.features import few_features

Array = NDArray[np.float64]

_LEAST_SPREAD = 1e-3
_DIGITS = 6  # Of an error in percent: a tree's splits must not turn on rounding.


@dataclass(frozen=True)
class Parameters:
    """starts: random cells; trees: of a forest; batch: cells trained between two forests."""

    starts: int = 20
    trees: int = 30
    batch: int = 10

    def __post_init__(self) -> None:
        check_range(2, starts=self.starts, trees=self.trees)
        check_range(1, batch=self.batch)


def run(search: Search, rng: np.random.Generator, parameters: Parameters) -> None:
    """Train what the forest proposes until the budget is spent or all classes are trained."""
    cells = rng.permutation(Space(search).cells)
    _, first = np.unique(classes("functional")[cells], return_index=True)
    first = np.sort(first)  # A cell of each class, in random order.
    cells, of_class = cells[first], classes("functional")[cells[first]]
    features = np.ascontiguousarray(few_features()[of_class], dtype=np.float32)  # As trees take.
    errors = np.full(len(cells), np.nan)
    chosen = np.arange(min(parameters.starts, len(cells)))
    while len(chosen):
        for at in chosen.tolist():
            errors[at] = round(100 - search.query_one(int(cells[at])), _DIGITS)
        seen = np.isfinite(errors)
        gain = _improvement(features, errors, seen, rng, parameters.trees)
        order = np.argsort(levels(np.where(seen, np.inf, -gain)), kind="stable")
        chosen = order[: min(parameters.batch, int((~seen).sum()))]


def _improvement(
    features: NDArray[np.float32],
    errors: Array,
    seen: NDArray[np.bool_],
    rng: np.random.Generator,
    trees: int,
) -> Array:
    """Return the expected improvement [N] of the logarithm of the error over the least seen."""
    from benchsuite.numerics.elementary import log_all  # numba

    forest = optional_module("sklearn.ensemble").RandomForestRegressor(
        trees, max_features=5 / 6, random_state=int(rng.integers(2**31))
    )
    logs = np.maximum(errors[seen], _LEAST_SPREAD)
    log_all(logs, logs)
    forest.fit(features[seen], logs)
    each = np.stack([tree.tree_.predict(features)[:, 0] for tree in forest.estimators_])
    spread = np.maximum(each.std(axis=0), _LEAST_SPREAD)
    z = (logs.min() - each.mean(axis=0)) / spread
    found: Array = spread * (z * ndtr(z) + np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi))
    return found


STRATEGY = Strategy(
    version=1, source="Hutter et al., LION 2011, section 4", run=run, parameters=Parameters
)
