"""BOHB: Hyperband's brackets, filled from a density model of good and bad cells.

Source: Falkner et al., "BOHB", ICML 2018, section 3, after HpBandSter. The defaults are those of
Dong & Yang, "NAS-Bench-201", ICLR 2020 (AutoDL-Projects, `exps/algos/BOHB.py` and its script):
eta 3, budgets 12 ... 200, 4 samples of the acquisition function, no random fraction, bandwidth
factor 3, least bandwidth 0.3. As there, each rung trains at the search's own epochs whatever its
budget says, and is charged anew.

The model: the best 15 % and the rest of what was seen on the largest budget with enough cells; a
product over edges of Aitchison-Aitken kernels, bandwidth by Scott's rule; a candidate is a good
cell perturbed with that bandwidth times the factor; the largest ratio good / bad is trained, the
first drawn of tied ones.
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

_GOOD = 0.15
_LEVELS = len(OPS)


@dataclass(frozen=True)
class Parameters:
    """samples: candidates per cell; see BOHB, section 3, for the others."""

    eta: int = 3
    least: float = 12
    most: float = 200
    samples: int = 4
    random_fraction: float = 0.0
    bandwidth_factor: float = 3.0
    least_bandwidth: float = 0.3

    def __post_init__(self) -> None:
        check_range(2, eta=self.eta)
        check_range(1, samples=self.samples, least=self.least)
        check_range(self.least, most=self.most)
        check_range(0, 1, random_fraction=self.random_fraction)
        check_range(0, bandwidth_factor=self.bandwidth_factor)
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


def _propose(rng: np.random.Generator, space: Space, seen: dict[int, _Seen], p: Parameters) -> int:
    """Return the candidate with the largest ratio of densities; a random cell without a model."""
    least = len(EDGES) + 1
    modelled = [budget for budget, record in seen.items() if len(record.cells) > least + 1]
    if not modelled or rng.random() < p.random_fraction:
        return space.draw(rng)
    record = seen[max(modelled)]
    ops = all_ops()[np.array(record.cells)[np.argsort(record.losses, kind="stable")]].astype(int)
    n_good = max(least, int(_GOOD * len(ops)))
    n_bad = max(least, len(ops) - int(_GOOD * len(ops)))
    good, bad = ops[:n_good], ops[-n_bad:]
    widths = [_scott(part, p.least_bandwidth) for part in (good, bad)]
    centres = good[rng.integers(len(good), size=p.samples)]
    moved = rng.random(centres.shape) < np.minimum(widths[0] * p.bandwidth_factor, 1)
    candidates = np.where(moved, rng.integers(_LEVELS, size=centres.shape), centres)
    cells = index_of(candidates)
    allowed = np.array([cell in space for cell in cells.tolist()])
    if not allowed.any():
        return space.draw(rng)
    ratio = _density(candidates, good, widths[0]) / _density(candidates, bad, widths[1])
    return int(cells[argmax(np.where(allowed, ratio, np.nan))])


def _scott(ops: NDArray[np.int_], least: float) -> NDArray[np.float64]:
    """Return bandwidths [6], 1.06 sigma n^(-1/10), within least ... the kernel's largest 4/5."""
    width = 1.06 * ops.std(axis=0) * len(ops) ** (-1 / (4 + len(EDGES)))
    return np.asarray(np.clip(width, least, (_LEVELS - 1) / _LEVELS), dtype=np.float64)


def _density(
    at: NDArray[np.int_], ops: NDArray[np.int_], width: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mean [N] over ops [M, 6] of the product of Aitchison-Aitken kernels at [N, 6]."""
    same = at[:, None, :] == ops[None, :, :]
    kernel = np.where(same, 1 - width, width / (_LEVELS - 1))
    return np.asarray(kernel.prod(axis=2).mean(axis=1), dtype=np.float64)


STRATEGY = Strategy(
    version=2,
    source="Falkner et al., ICML 2018, section 3; defaults of Dong & Yang, ICLR 2020",
    run=run,
    parameters=Parameters,
)
