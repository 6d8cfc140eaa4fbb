"""Looks at expectations, which stand for a trained supernet: what they show, and of which cells.

The choices of a look are sets of probabilities [S, 6, 5]. A look at the accuracy costs what the
paper states for such a step, and at least an epoch of the cheapest cell per set. A set with `SHOWN`
or more of its weight on one cell shows that cell's accuracy: the first time it is a query of it,
which counts as one and costs its training. Stated seconds go towards such trainings, so a method
whose steps come to more than them pays what it states, also where its choices sharpen in the end,
and a look for which nothing is stated pays the training. Of a column that takes time to measure, a
shown cell costs that time, as anywhere.

Slopes show no cell that was not paid for. Where the other five edges have `SHOWN` or more of their
weight on one setting, the slopes of an edge would be the accuracies of the five cells along it;
operators whose cell was neither trained nor shown have the edge's mean slope there, which the
expectation itself tells. A method that wants to know them queries these cells.

Why nine tenths: from there on the expectation tells the cell's accuracy at least twice as well as
another training of it would. The median difference over all cells is 0.11, 0.17 and 0.19 points on
the three datasets, and 0.26, 0.50 and 0.53 between two trainings (validation, 200 epochs).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.errors import UserError
from benchsuite.space.cell import index_of
from benchsuite.space.multilinear import expectations, tensor

Array = NDArray[np.float64]

SHOWN = 0.9


@dataclass(frozen=True, eq=False)
class Look:
    """Sets of choices [S, 6, 5], the cells that they show, each once, and what slopes would show.

    lines: bool [S, 6], whether the slopes of an edge are nearly those of five cells alone.
    """

    sets: Array
    cells: NDArray[np.int64]
    lines: NDArray[np.bool_]

    @classmethod
    def of(cls, probs: Any, ndim: int) -> Look:
        """Return the look of probabilities [6, 5] or [S, 6, 5]; UserError for what is no such."""
        found = np.asarray(probs, dtype=np.float64)
        if found.ndim != ndim or found.shape[-2:] != (6, 5) or not len(found):
            wanted = "[6, 5]" if ndim == 2 else "sets of [6, 5]"
            raise UserError(
                f"Probabilities are {wanted}, an edge and an operator; not {found.shape}."
            )
        sets = found.reshape(-1, 6, 5)
        if not ((sets >= 0).all() and (np.abs(sets.sum(axis=2) - 1) < 1e-6).all()):
            raise UserError("Probabilities are 0 or more and sum to 1 on each edge; these are not.")
        most = sets.max(axis=2)
        whole = most.prod(axis=1)
        cells = np.unique(index_of(sets[whole >= SHOWN].argmax(axis=2)))
        return cls(sets, cells, whole[:, None] / most >= SHOWN)

    def slopes(self, gradient: Array, paid: NDArray[np.bool_]) -> Array:
        """Return gradients [S, 6, 5] that show no cell but those paid for, bool [15625].

        Where they would, an operator has the mean slope of its edge, which the value tells.
        """
        of, edge = np.nonzero(self.lines)
        if not len(of):
            return gradient
        ops = np.arange(self.sets.shape[2])
        along = np.repeat(self.sets[of].argmax(axis=2)[:, None], len(ops), axis=1)
        along[np.arange(len(of))[:, None], ops, edge[:, None]] = ops
        shown = paid[index_of(along.reshape(-1, along.shape[2]))].reshape(-1, len(ops))
        mean = (self.sets[of, edge] * gradient[of, edge]).sum(axis=1, keepdims=True)
        found = gradient.copy()
        found[of, edge] = np.where(shown, gradient[of, edge], mean)
        return found


def tensors(column: Array, log10: bool) -> tuple[Array, Array | None]:
    """Return a column [15625] as a tensor, 0 where missing, and where it is present (None: all)."""
    if log10:
        column = np.log10(np.where(column > 0, column, np.nan))
    missing = np.isnan(column)
    present = tensor((~missing).astype(np.float64)) if missing.any() else None
    return tensor(np.where(missing, 0.0, column)), present


def conditional_expectations(
    values: Array, present: Array | None, sets: Array
) -> tuple[Array, Array]:
    """Return E[values | present] [S] and its gradients [S, 6, 5], NaN where there is none."""
    value, gradient = expectations(values, sets)
    if present is None:
        return value, gradient
    weight, by_weight = expectations(present, sets)
    value = np.divide(value, weight, out=np.full(len(sets), np.nan), where=weight > 0)
    weight[weight == 0] = np.nan
    with np.errstate(over="ignore"):  # of nearly none
        return value, (gradient - value[:, None, None] * by_weight) / weight[:, None, None]
