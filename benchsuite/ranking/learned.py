"""How well a regression forest ranks cells after it has seen the accuracies of a few of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite import stats
from benchsuite.errors import UserError
from benchsuite.numerics.ties import argmax, levels
from benchsuite.packages import optional_module
from benchsuite.ranking.combinations import FOLDS, folds, held_out_tau
from benchsuite.ranking.truths import BEST, column_of
from benchsuite.space import equivalence
from benchsuite.space.cell import N_CELLS
from benchsuite.space.features import few_features
from benchsuite.table.table import Table

TREES = 30
LEAVES = (1, 5)
_INNER = 2
_DIGITS = 6  # Of an accuracy: a tree's splits must not turn on rounding.


def forest_ranking(
    table: Table,
    proxies: Sequence[str],
    *,
    cell_features: bool,
    trained: int,
    dataset: str = "cifar10",
    truth: str = BEST,
    seed: int = 0,
    cells: NDArray[np.bool_] | None = None,
) -> dict[str, object]:
    """Return how a forest ranks cells that it has not seen, by nested cross-validation, as a row.

    Folds are those of `best_combination`. In each, the forest learns from `trained` random cells of
    the other folds and ranks all held-out cells; inside, two folds of the training cells, by class
    too, choose the least size of a leaf, 1 or 5. Its features are operators by edge and counts of
    operators and paths (cell_features), and the ranks of proxies named in full, cells that lack
    one left out; cells: a mask [15625] of those that count, by default all. tau: mean over folds,
    lo and hi its range; n: cells ranked.
    Raises UserError where there is no feature, too few cells or classes of them, or scikit-learn is
    not installed.
    Source: White et al., "How Powerful are Performance Predictors in NAS?", NeurIPS 2021.
    """
    accuracy = table.values(column_of(table, truth, dataset))
    scores = [table.values(name) for name in proxies]
    counted = np.ones(N_CELLS, dtype=bool) if cells is None else cells
    known = [np.isfinite(values) for values in (accuracy, *scores)]
    there = np.flatnonzero(counted & np.all(known, axis=0))
    of_class = equivalence.classes("functional")[there]
    features = [few_features()[of_class]] if cell_features else []
    features += [_ranks(s[there])[:, None] for s in scores]
    if not features:
        raise UserError("A forest needs features: those of cells, or a proxy.")
    inputs = np.ascontiguousarray(np.concatenate(features, axis=1), dtype=np.float32)
    targets = accuracy[there].round(_DIGITS)
    fold = folds(of_class, seed)
    taus = []
    for held_out in range(FOLDS):
        others = np.flatnonzero(fold != held_out)
        if len(others) < trained or trained < 2 * _INNER:
            raise UserError(
                f"A forest cannot learn from {trained} of {len(others)} cells: "
                f"{2 * _INNER} or more, and no more than there are."
            )
        seen = np.random.default_rng((seed, held_out)).permutation(others)[:trained]
        leaf = _leaf(inputs[seen], targets[seen], of_class[seen], seed)
        judged = fold == held_out
        predicted = _forest(leaf, seed).fit(inputs[seen], targets[seen]).predict(inputs[judged])
        taus.append(held_out_tau(predicted, targets[judged]))
    return {
        "trained": trained,
        "tau": float(np.mean(taus)),
        "lo": min(taus),
        "hi": max(taus),
        "n": len(there),
    }


def _leaf(
    inputs: NDArray[np.float32],
    targets: NDArray[np.float64],
    of_class: NDArray[np.int64],
    seed: int,
) -> int:
    """Return the least size of a leaf that ranks best within the training cells.

    Cells of a class are in one fold; those of a single class give nothing to choose by.
    """
    _, first, number = np.unique(of_class, return_index=True, return_inverse=True)
    if len(first) < _INNER:
        return LEAVES[0]
    part = first.argsort().argsort()[number] % _INNER  # Cells are in random order.
    means = []
    for leaf in LEAVES:
        inner = []
        for at in range(_INNER):
            fitted = _forest(leaf, seed).fit(inputs[part != at], targets[part != at])
            found = stats.kendall(fitted.predict(inputs[part == at]), targets[part == at]).value
            inner.append(found if np.isfinite(found) else -1.0)
        means.append(float(np.mean(inner)))
    return LEAVES[argmax(means)]


def _forest(leaf: int, seed: int) -> Any:  # scikit-learn has no types
    ensemble = optional_module("sklearn.ensemble")
    return ensemble.RandomForestRegressor(
        TREES, min_samples_leaf=leaf, max_features=1 / 2, random_state=seed
    )


def _ranks(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the place of each score among those that differ: equal ones share it."""
    return levels(scores).astype(np.float64)
