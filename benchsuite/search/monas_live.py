"""MONAS (live): NTK and linear regions measured on the pruned supernet itself, as the paper does.

Source: Qiao et al., "MONAS", sections 3.1 and 3.3, algorithm 2 (see `_pruning`). K is the mean K_2
over repeats on batches of 32 images, R the mean count of linear regions, of a supernet in whose
cells each edge is the sum of the operators left on it: 3 channels for K, 1 for R, one cell per
stage (TE-NAS' small nets). F and L are means over the cells left, as in `monas`; they are sums over
operators, so that is what the supernet would have.

`lambda_ = mu = 0` is the MONAS baseline; with `order=0`, `batch=72`, `repeats=3` also what TE-NAS
measures (its search weighs K and R alike). Images of 16 pixels and two repeats make a search some
two minutes of one core; `resolution=32` is theirs and takes twice that. The search's data are only
the costs, the seed draws weights and images. The stated cost, 0.5 GPU hours (table 2), is charged
for the paper's settings whatever these are.

Tolerance: K is measured in single precision, and processors differ by up to 2e-5 of it; a Delta
below 1e-4 of K is none (`_pruning`: ties). R is a count. So two processors may still prune
otherwise where Deltas are near that, and seeds carry it: judge by several.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import numpy as np

from benchsuite.api import Strategy
from benchsuite.parameters import check_range
from benchsuite.search._pruning import EVALUATIONS, Left, Term, check_weights, hardware, prune
from benchsuite.simulation.search import Search
from benchsuite.space.cell import index_of

_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Parameters:
    """lambda_, mu: weights of FLOPs and latency; order: i of K_i; patches: 3x3 inputs for R.

    images: a folder, a file, `synthetic` or `gaussian`; None for what BENCHSUITE_IMAGES names, or
    else synthetic ones. flops, latency, keep_path: as in `monas`. progress: say on stderr how far
    it is.
    """

    lambda_: float = 0.0
    mu: float = 0.0
    order: int = 2
    batch: int = 32
    repeats: int = 2
    resolution: int = 16
    patches: int = 1000
    images: str | None = None
    flops: str | None = None
    latency: str = "latency"
    gpu_hours: float = 0.5
    keep_path: bool = False
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
        Term(supernet.condition, -1, share, _TOLERANCE),
        Term(supernet.regions, 1, share),
        *hardware(search, p.lambda_, p.mu, p.flops, p.latency),
    ]
    left = prune(
        terms,
        keep_path=p.keep_path,
        finished=supernet.say if p.progress else lambda step: None,
    )
    search.answer(index_of(left.argmax(axis=1)[None]))


class _Supernet:
    """Measures each pruned supernet once and logs it."""

    def __init__(self, search: Search, seed: int, p: Parameters) -> None:
        from benchsuite.proxies._supernet import Meter

        self._meter = Meter(seed, p.repeats, p.batch, p.order, p.resolution, p.patches, p.images)
        self._search = search
        self._seconds = p.gpu_hours * 3600 / EVALUATIONS
        self._known: dict[bytes, tuple[float, float]] = {}
        self._start = time.perf_counter()

    def condition(self, left: Left) -> float:
        """Return K of the supernet with the operators left [6, 5]; NaN where it has none."""
        return self._measured(left)[0]

    def regions(self, left: Left) -> float:
        """Return R of the supernet with the operators left [6, 5]."""
        return self._measured(left)[1]

    def say(self, step: int) -> None:
        """Print how far the search is."""
        done, spent = len(self._known), time.perf_counter() - self._start
        text = f"monas_live: outer step {step} of 4 done, {done} supernets measured, {spent:.0f} s"
        print(text, file=sys.stderr, flush=True)

    def _measured(self, left: Left) -> tuple[float, float]:
        key = left.tobytes()
        if key not in self._known:
            found = self._meter.measure([np.flatnonzero(edge).tolist() for edge in left])
            self._search.stated("supernet K", found[0], seconds=self._seconds)
            self._search.stated("supernet R", found[1], seconds=0)
            self._known[key] = found
        return self._known[key]


STRATEGY = Strategy(
    version=2,
    source="Qiao et al., MONAS, sections 3.1 and 3.3, algorithm 2",
    run=run,
    parameters=Parameters,
    images="images",
)
