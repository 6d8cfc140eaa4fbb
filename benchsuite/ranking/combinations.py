"""Which two or three proxies rank best together, chosen on some cells and judged on others."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from benchsuite import stats
from benchsuite.errors import UserError
from benchsuite.numerics.ties import argmax, levels
from benchsuite.ranking.correlations import direction_of, mask, proxies_in
from benchsuite.ranking.truths import BEST, column_of
from benchsuite.space import equivalence
from benchsuite.table.columns import family
from benchsuite.table.table import Table

if TYPE_CHECKING:
    import pandas as pd

FOLDS = 5
TRAINING_CELLS = 3000
LARGEST = 3
_KEPT = 0.9
_LEAST = 100  # Cells, so that each fold is judged on about 20.


def best_combination(
    table: Table,
    proxies: Sequence[str] = (),
    *,
    size: int,
    dataset: str = "cifar10",
    cells: str = "all",
    truth: str = BEST,
    seed: int = 0,
    among: int | None = None,
    common: bool = False,
    finished: Callable[[int, int], None] = lambda done, folds: None,
) -> pd.DataFrame:
    """Return one row: the `size` proxies whose sum of ranks orders cells best, cross-validated.

    score of a cell = sum over proxies of its rank among the cells at hand (ties share the mean).
    Folds are of functional classes, so that equal cells never stand on both sides. In each fold, on
    3,000 training cells, a proxy of several outputs is reduced to its best one, every choice of
    `size` proxies is tried, and the best by tau-b is judged on all held-out cells. chosen: the
    choice of most folds, and agreed in how many; among: only so many are combined, those best alone
    on the training cells, by default all; tau: mean over folds of the held-out tau of each
    fold's choice, lo and hi its range; n: cells used, those with every score that was tried;
    choices: how many were tried in a fold. A column that lacks more than a tenth of the cells is
    not tried: `left_out`; common: all are, on the cells that all of them have.
    finished(done, all) is called after each fold. Raises UserError for a size outside 1 ... 3 or
    more than there are proxies, for fewer than 100 cells, and for cells of so few classes that a
    fold has no tau.
    """
    import pandas as pd

    names = proxies_in(table, proxies)
    tried, there = tried_on(table, names, cells, common)
    accuracy = table.values(column_of(table, truth, dataset))
    heads = [family(name) for name in tried]
    if not 1 <= size <= min(LARGEST, len(set(heads))):
        raise UserError(
            f"{size} proxies cannot be combined: 1 to {LARGEST} can, and {len(set(heads))} are "
            f"there.{_why_fewer(names, tried)}"
        )
    there = there & np.isfinite(accuracy)
    if there.sum() < _LEAST:
        raise UserError(
            f"{there.sum()} cells have all scores that would be combined and an accuracy: at least "
            f"{_LEAST} are needed. Name fewer proxies."
        )
    values = np.stack([levels(_oriented(table, n)[there]) for n in tried])
    accuracy = accuracy[there]
    fold = folds(equivalence.classes("functional")[there], seed)
    picks, taus = [], []
    for held_out in range(FOLDS):
        training = np.flatnonzero(fold != held_out)
        drawn = np.random.default_rng(seed).permutation(training)[:TRAINING_CELLS]
        pick = _best(values[:, drawn], accuracy[drawn], heads, size, among)
        picks.append(pick)
        judged = fold == held_out
        ranks = rankdata(values[list(pick)][:, judged], axis=1).sum(axis=0)
        taus.append(held_out_tau(ranks, accuracy[judged]))
        finished(held_out + 1, FOLDS)
    pick, agreed = Counter(picks).most_common(1)[0]
    return pd.DataFrame(
        [
            {
                "dataset": dataset,
                "cells": cells,
                "size": size,
                "chosen": " + ".join(tried[i] for i in pick),
                "agreed": f"{agreed} of {FOLDS} folds",
                "tau": float(np.mean(taus)),
                "lo": min(taus),
                "hi": max(taus),
                "n": int(there.sum()),
                "choices": math.comb(min(len(set(heads)), max(among or len(heads), size)), size),
                "accuracy": column_of(table, truth, dataset),
                "left_out": ", ".join(n for n in names if n not in tried),
            }
        ]
    )


def _why_fewer(names: Sequence[str], tried: Sequence[str]) -> str:
    left_out = ", ".join(name for name in names if name not in tried)
    return left_out and (
        f" More than a tenth of the cells lack {left_out}; --common takes the cells that have all."
    )


def tried_on(
    table: Table, names: Sequence[str], cells: str = "all", common: bool = False
) -> tuple[list[str], NDArray[np.bool_]]:
    """Return which proxies, named in full, `best_combination` tries, and the cells [15625] that
    have a score of each of them."""
    chosen = mask(cells)
    scored = {name: chosen & np.isfinite(table.values(name)) for name in names}
    tried = [n for n in names if common or scored[n].sum() >= _KEPT * chosen.sum()]
    return tried, np.all([chosen, *(scored[n] for n in tried)], axis=0)


def _best(
    values: NDArray[np.int64],
    truth: NDArray[np.float64],
    heads: Sequence[str],
    size: int,
    among: int | None,
) -> tuple[int, ...]:
    """Return the rows of `values` [P, n] that rank best together; the first of equals."""
    ranks = rankdata(values, axis=1)

    def tau(choice: Sequence[int]) -> float:
        found = stats.kendall(ranks[list(choice)].sum(axis=0), truth).value
        return found if math.isfinite(found) else -1.0

    alone = levels([-tau((row,)) for row in range(len(heads))])
    single: dict[str, int] = {}
    for row in np.argsort(alone, kind="stable").tolist():
        single.setdefault(heads[row], row)
    rows = list(single.values())[: None if among is None else max(among, size)]
    choices = list(itertools.combinations(sorted(rows), size))
    return choices[argmax([tau(choice) for choice in choices])]


def folds(class_numbers: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Return the fold, 0 ... 4, of cells [n] of functional classes [n]; a class is in one fold.

    Raises UserError where a fold has no cell.
    """
    number = int(class_numbers.max(initial=-1)) + 1
    of_class = np.random.default_rng(seed).integers(FOLDS, size=number)
    fold = np.asarray(of_class[class_numbers], dtype=np.int64)
    if (filled := len(np.unique(fold))) < FOLDS:
        raise UserError(
            f"{len(fold)} cells of {len(np.unique(class_numbers))} functional classes are in "
            f"{filled} of {FOLDS} folds, for a class is in one: cells of more classes are needed."
        )
    return fold


def held_out_tau(score: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Return tau-b on the held-out cells of a fold; UserError where there is none."""
    found = stats.kendall(score, truth)
    if found.reason:
        raise UserError(
            f"There is no tau on the {len(truth)} held-out cells of a fold ({found.reason}): more "
            "cells, of more classes, are needed."
        )
    return found.value


def _oriented(table: Table, name: str) -> NDArray[np.float64]:
    return table.values(name) * (1 if direction_of(table, name) == "max" else -1)
