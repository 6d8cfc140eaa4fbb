"""BOHB: Hyperband's brackets, filled from a density model of good and bad cells.

Source: Falkner et al., "BOHB", ICML 2018, section 3, by the rules of HpBandSter
(`optimizers/config_generators/bohb.py`), which published results use. The defaults are those of
Dong & Yang, "NAS-Bench-201", ICLR 2020 (AutoDL-Projects, `exps/algos/BOHB.py` and its script):
eta 3, budgets 12 ... 200, 4 samples of the acquisition function, no random fraction, least
bandwidth 0.3. As there, each rung trains at the search's own epochs whatever its budget says, and
is charged anew. The answer is the best cell that reached the largest budget (HpBandSter's
incumbent), or, before one did, the best that was trained.

The model is of the largest budget with 14 cells: the best 15 % of them, but no fewer than 7, and
the rest; densities are products over edges of Aitchison-Aitken kernels, as in statsmodels: an
operator of the edge's number of distinct ones, bandwidth 1.06 sigma n^(-1/10) of operator indices.
A candidate is a good cell whose operators are drawn anew with the probability of the bandwidth
(the factor that widens bandwidths is one of real-valued parameters alone); the largest ratio good /
bad is trained, the first drawn of tied ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchsuite.api import Strategy
from benchsuite.numerics.ties import argmax
from benchsuite.parameters import check_range
from benchsuite.search._cells import Space
from benchsuite.search._hyperband import brackets
from benchsuite.simulation.search import Search
from benchsuite.space.cell import EDGES, OPS, all_ops, index_of

_GOOD = 15  # in %
_LEAST = len(EDGES) + 1  # cells of a density
_TINY = 1e-32


@dataclass(frozen=True)
class Parameters:
    """samples: candidates per cell; see BOHB, section 3, for the others."""

    eta: int = 3
    least: float = 12
    most: float = 200
    samples: int = 4
    random_fraction: float = 0.0
    least_bandwidth: float = 0.3

    def __post_init__(self) -> None:
        check_range(2, eta=self.eta)
        check_range(1, samples=self.samples, least=self.least)
        check_range(self.least, most=self.most)
        check_range(0, 1, random_fraction=self.random_fraction)
        check_range(1e-3, 1, least_bandwidth=self.least_bandwidth)


@dataclass
class _Seen:
    """Cells trained on one budget, with their losses."""

    cells: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)


def run(search: Search, rng: np.random.Generator, parameters: Parameters) -> None:
    """Fill brackets until the budget is spent."""
    space = Space(search)
    seen: dict[int, _Seen] = {}
    for rungs in brackets(parameters.least, parameters.most, parameters.eta):
        depth = len(rungs)
        cells: Sequence[int] = []
        losses: list[float] = []
        for level, size in enumerate(rungs):
            budget = level - depth  # counted from the largest, -1, which all brackets share
            kept = [cells[i] for i in np.argsort(losses, kind="stable")[:size]]
            cells, losses = [], []
            for i in range(size):
                cell = kept[i] if level else _propose(rng, space, seen, parameters)
                losses.append(100 - search.query_one(cell))
                cells.append(cell)
                record = seen.setdefault(budget, _Seen())
                record.cells.append(cell)
                record.losses.append(losses[-1])
                if budget == -1:
                    search.answer([record.cells[int(np.argmin(record.losses))]])


def _propose(rng: np.random.Generator, space: Space, seen: dict[int, _Seen], p: Parameters) -> int:
    """Return the candidate with the largest ratio of densities; a random cell without a model."""
    modelled = [budget for budget, record in seen.items() if len(record.cells) >= 2 * _LEAST]
    if not modelled or rng.random() < p.random_fraction:
        return space.draw(rng)
    record = seen[max(modelled)]
    ops = all_ops()[np.array(record.cells)[np.argsort(record.losses, kind="stable")]].astype(int)
    n_good = max(_LEAST, _GOOD * len(ops) // 100)
    n_bad = max(_LEAST, (100 - _GOOD) * len(ops) // 100)
    good, bad = ops[:n_good], ops[n_good : n_good + n_bad]
    width = _bandwidths(good, p.least_bandwidth)
    centres = good[rng.integers(len(good), size=p.samples)]
    moved = rng.random(centres.shape) >= 1 - width
    candidates = np.where(moved, rng.integers(len(OPS), size=centres.shape), centres)
    cells = index_of(candidates)
    allowed = np.array([cell in space for cell in cells.tolist()])
    of_good = _density(candidates, good, width)
    of_bad = _density(candidates, bad, _bandwidths(bad, p.least_bandwidth))
    at = _picked(of_good[allowed], of_bad[allowed])
    return space.draw(rng) if at is None else int(cells[allowed][at])


def _picked(good: NDArray[np.float64], bad: NDArray[np.float64]) -> int | None:
    """Return which of N candidates is trained, given their densities [N]; None where none can be.

    An edge of one operator alone has no density at another one: it counts as infinite. A candidate
    whose bad density is so is taken at once, if it is the first such one whose good density is not.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(bad > _TINY, bad, _TINY) / np.where(good < _TINY, _TINY, good)
    at_once = ~np.isfinite(ratio) & np.isfinite(good)
    if at_once.any():
        return int(at_once.argmax())
    if not np.isfinite(ratio).any():
        return None
    return int(argmax(np.where(np.isfinite(ratio), -ratio, np.nan)))


def _bandwidths(ops: NDArray[np.int_], least: float) -> NDArray[np.float64]:
    """Return 1.06 sigma n^(-1/10) of operator indices by edge [6], no less than `least`."""
    width = 1.06 * ops.std(axis=0) * len(ops) ** (-1 / (4 + len(EDGES)))
    return np.asarray(np.maximum(width, least), dtype=np.float64)


def _density(
    at: NDArray[np.int_], ops: NDArray[np.int_], width: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mean [N] over ops [M, 6] of the product of Aitchison-Aitken kernels at [N, 6]."""
    levels = np.array([len(np.unique(edge)) for edge in ops.T])
    same = at[:, None, :] == ops[None, :, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        kernel = np.where(same, 1 - width, width / (levels - 1))
        return np.asarray(kernel.prod(axis=2).mean(axis=1), dtype=np.float64)


STRATEGY = Strategy(
    version=4,
    source="Falkner et al., ICML 2018, section 3; defaults of Dong & Yang, ICLR 2020",
    run=run,
    parameters=Parameters,
)
