"""Noise ceiling: how well one training run ranks the cells as another run does."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from benchsuite.errors import UserError
from benchsuite.stats.correlation import Correlation, Floats, kendall, matrix, top_k


@dataclass(frozen=True)
class SeedPair:
    """Tau-b between the accuracies of two seeds, named by their columns."""

    seeds: tuple[int, int]
    tau: Correlation


@dataclass(frozen=True)
class NoiseCeiling:
    """Seed against seed: the pair that most cells share, and every pair.

    k: cells kept by mean over seeds, None for all. n_cells: cells kept that have any value (more
    than k if there are ties at the boundary).
    """

    k: int | None
    n_cells: int
    headline: SeedPair
    pairs: tuple[SeedPair, ...]


def noise_ceiling(values: ArrayLike, k: int | None = None) -> NoiseCeiling:
    """Return tau-b of seed against seed over all cells, or over the k best.

    Best is by the mean over the seeds a cell has; a cell counts for a pair of seeds if it has both.
    The headline is the pair with most cells over the whole space (of equals the first), whatever k,
    so that figures for different k compare the same seeds.

    Two cautions. The mean that chooses the top k holds the two seeds compared, which lowers the tau
    there: of two runs with a given mean, the better the one the worse the other. And it is a
    reference line, no bound: a mean over seeds has less noise than a seed, so a score may agree
    with the mean better than two seeds agree with each other.

    values: [N, S] with S seeds, more is better, missing as NaN or inf. Raises UserError for fewer
    than two seeds and for k below 1.
    """
    table = matrix(values, "values")
    if table.shape[1] < 2:
        raise UserError(
            f"The values hold {table.shape[1]} seed: a noise ceiling compares two or more."
        )
    present = np.isfinite(table)
    kept = present.any(axis=1) if k is None else top_k(_mean(table), k)
    columns = list(itertools.combinations(range(table.shape[1]), 2))
    shared = [int((present[:, a] & present[:, b]).sum()) for a, b in columns]
    pairs = tuple(SeedPair((a, b), kendall(table[kept, a], table[kept, b])) for a, b in columns)
    return NoiseCeiling(k, int(kept.sum()), pairs[int(np.argmax(shared))], pairs)


def _mean(values: Floats) -> Floats:
    """Return the mean [N] over the finite values of each row, NaN where there is none.

    Rounded to twelve digits of the largest, so that equal means are ties whatever the order of the
    columns they were summed in.
    """
    present = np.isfinite(values)
    count = present.sum(axis=1)
    mean = np.full(len(values), np.nan)
    np.divide(np.where(present, values, 0.0).sum(axis=1), count, out=mean, where=count > 0)
    largest = np.max(np.abs(mean), where=count > 0, initial=0.0)
    return np.round(mean / largest, 12) * largest if largest > 0 else mean
