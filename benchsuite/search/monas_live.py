"""MONAS (live): NTK and linear regions measured on the pruned supernet itself, as the paper does.

Source: Qiao et al., "MONAS", sections 3.1 and 3.3, algorithm 2 (see `_pruning`). In a supernet's
cells each edge is the sum of the operators left on it; its nets are TE-NAS': one cell per stage, 3
channels for K, 1 channel and no stem for R. K is K_2 of a batch of 32 images, R the linear regions
that 3,000 patches fall into, F and L are the supernet's own (`_costs`).

Weights are drawn anew as in the code (`_pruning`). It asks for an initialisation by names that its
function does not know, so they stay as PyTorch first draws them: for K once per outer step, for
the supernet and all candidates alike; for R once per candidate, whose supernet is measured with it,
on patches drawn `repeats` times. `init = "kaiming"` is what the names ask for: Kaiming weights,
drawn anew in each repeat, also of K.

Images are not: for K TE-NAS' code takes another batch for each candidate and repeat, whose supernet
is measured with it, `batches = "candidate"`; by default there is one per outer step, for all alike,
which is six times as fast. The paper says neither. On 24 candidates with the same weights the two
order Deltas otherwise (Spearman .39, and .57 between one batch and another), so that this decides
what is pruned; `monas_rules` shows it. Of tied scores the code keeps the order of K, which is
`ties = "first"`.

`lambda_ = mu = 0` is the MONAS baseline; with `order=0`, `batch=72`, `ties="first"` it is TE-NAS'
search, which rounds more, but for its batches. The head has the classes of the dataset. The
search's data are only the costs, the seed draws weights and images; searches that
differ in a weight measure alike as long as they prune alike. A search at 32 pixels takes some three
minutes of one core. The stated cost, 0.5 GPU hours (table 2), is charged whatever the settings are.

Tolerance: K is measured in single precision, and processors differ by up to 2e-5 of it. So two
processors may prune otherwise where Deltas are near each other, and seeds carry it: judge by
several.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchsuite.api import Strategy
from benchsuite.parameters import check_range
from benchsuite.search._costs import How, hardware
from benchsuite.search._pruning import (
    Array,
    Left,
    Rules,
    Term,
    change,
    check_weights,
    prune,
    without,
)
from benchsuite.simulation.search import Search
from benchsuite.space.cell import EDGES, OPS, index_of


@dataclass(frozen=True)
class Parameters(Rules):
    """lambda_, mu: weights of FLOPs and latency; order: i of K_i; patches: 3x3 inputs for R.

    repeats: of R, and of K with `init="kaiming"` or `batches="candidate"`; batches: how often K has
    other images: per outer step, or per candidate and repeat. images: a folder, a file, `synthetic`
    or `gaussian`; None for what BENCHSUITE_IMAGES names, or else synthetic ones. flops, latency,
    cost: as in `monas`. progress: say on stderr how far it is. All others: see `_pruning.Rules`.
    """

    lambda_: float = 0.0
    mu: float = 0.0
    order: int = 2
    batch: int = 32
    repeats: int = 3
    resolution: int = 32
    patches: int = 3000
    init: Literal["default", "kaiming"] = "default"
    batches: Literal["step", "candidate"] = "step"
    images: str | None = None
    flops: str | None = None
    latency: str = "latency"
    cost: How = "sum"
    gpu_hours: float = 0.5
    progress: bool = True

    def __post_init__(self) -> None:
        check_weights(self.lambda_, self.mu)
        check_range(0, gpu_hours=self.gpu_hours, order=self.order)
        check_range(max(2, self.order + 1), batch=self.batch)
        check_range(1, repeats=self.repeats)
        check_range(2, patches=self.patches)
        check_range(4, resolution=self.resolution)


def run(search: Search, rng: np.random.Generator, parameters: Parameters) -> None:
    """Prune to a single path and answer it."""
    p = parameters
    supernet = _Supernet(search, int(rng.integers(2**31)), p)
    share = (1 - (p.lambda_ or p.mu)) / 2
    terms = [
        Term(supernet.condition, -1, share),
        Term(supernet.regions, 1, share),
        *hardware(search, p.lambda_, p.mu, p.flops, p.latency, p.cost),
    ]
    left = prune(terms, p, supernet.say if p.progress else lambda step: None)
    search.answer(index_of(left.argmax(axis=1)[None]))


class _Supernet:
    """Measures pruned supernets, logs them, and returns what removing each candidate changes."""

    def __init__(self, search: Search, seed: int, p: Parameters) -> None:
        from benchsuite.proxies._supernet import Meter

        size = p.batch, p.resolution, p.patches
        classes = search.skeleton.classes
        self._meter = Meter(seed, *size, p.images, p.init == "default", classes)
        self._search, self._p = search, p
        self._seconds = p.gpu_hours * 3600 / p.evaluations
        self._start = time.perf_counter()

    def condition(self, step: int, left: Left, candidates: NDArray[np.int64]) -> Array:
        """Return the Deltas of K_i of the candidates; NaN where a kernel has no rank."""
        repeats = range(self._p.repeats)
        is_new = self._p.init == "kaiming"
        weights = [step * len(repeats) + repeat if is_new else step for repeat in repeats]
        for_all = [(number, number) for number in dict.fromkeys(weights)]
        self._log("K", [self._condition(left, *draw) for draw in for_all])
        changes = []
        for edge, op in candidates:
            draws = for_all
            if self._p.batches == "candidate":
                of_candidate = (step * len(EDGES) + int(edge)) * len(OPS) + int(op)
                draws = [(weights[r], of_candidate * len(repeats) + r) for r in repeats]
            pairs = [
                [self._condition(some, *draw) for some in (left, without(left, edge, op))]
                for draw in draws
            ]
            self._log("K", [after for _, after in pairs])
            changes.append(np.mean([change(*both) for both in pairs]))
        return np.array(changes)

    def regions(self, step: int, left: Left, candidates: NDArray[np.int64]) -> Array:
        """Return the Deltas of R of the candidates."""
        changes = []
        for edge, op in candidates:
            of_candidate, rest = (step * len(EDGES) + edge) * len(OPS) + op, without(left, edge, op)
            pairs = [
                [self._regions(some, int(of_candidate), repeat) for some in (left, rest)]
                for repeat in range(self._p.repeats)
            ]
            self._log("R", [count for _, count in pairs])
            changes.append(np.mean([change(*both) for both in pairs]))
        return np.array(changes)

    def say(self, step: int) -> None:
        """Print how far the search is."""
        spent = time.perf_counter() - self._start
        text = f"monas_live: outer step {step} of {self._p.steps} done, {spent:.0f} s"
        print(text, file=sys.stderr, flush=True)

    def _condition(self, left: Left, number: int, batch: int) -> float:
        ascending = self._meter.spectrum(_operators(left), number, batch)
        smallest = ascending[self._p.order]
        return ascending[-1] / smallest if smallest > 0 else float("nan")

    def _regions(self, left: Left, number: int, repeat: int) -> float:
        if self._p.init == "kaiming":
            number = number * self._p.repeats + repeat
        return self._meter.regions(_operators(left), number, repeat)

    def _log(self, what: str, values: list[float]) -> None:
        cost = self._seconds if what == "K" else 0.0
        self._search.stated(f"supernet {what}", float(np.mean(values)), seconds=cost)


def _operators(left: Left) -> list[list[int]]:
    return [np.flatnonzero(edge).tolist() for edge in left]


STRATEGY = Strategy(
    version=3,
    source="Qiao et al., MONAS, sections 3.1 and 3.3, algorithm 2; its authors' code",
    run=run,
    parameters=Parameters,
    images="images",
)
