"""UDC's baseline: random cells, bits, densities and widths that fit a size, the best one answered.

Source: Fedorov et al., "UDC: Unified DNAS for Compressible TinyML Models", NeurIPS 2022, section
6.1, figures 5a and 5b: every decision is drawn uniformly, networks above the size are drawn anew,
and each that fits is trained. `rule` and `response` are those of `udc`; a training is
charged what the table says of the uncompressed cell. The trace holds the accuracy of each network
by the compression response as `compressed.valid`. The answer is the most accurate
network, the first of tied ones.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.api import Strategy
from benchsuite.deployment.compressed import Rule
from benchsuite.deployment.response import Name, apply
from benchsuite.errors import UserError
from benchsuite.numerics.ties import less
from benchsuite.parameters import check_range
from benchsuite.search._udc_spaces import Compression
from benchsuite.simulation.search import ExhaustedError, Search

_BLOCK = 4096
_BLOCKS = 250


@dataclass(frozen=True)
class Parameters:
    """trials: networks trained at most; the others as in `udc`."""

    trials: int = 30
    rule: Rule = "entropy"
    response: Name = "measured"

    def __post_init__(self) -> None:
        check_range(1, trials=self.trials)


def run(search: Search, rng: np.random.Generator, parameters: Parameters) -> None:
    """Train random networks that fit until the trials or the budget are spent; answer the best."""
    if not search.bounds:
        raise UserError(
            'Random search under a size needs one, as in bounds = { "skeleton.bytes" = 50000 }.'
        )
    space = Compression(search, 1, 0, parameters.rule, parameters.response)
    best, best_accuracy = None, -np.inf
    with contextlib.suppress(ExhaustedError):
        for chosen in _draw(space, rng, parameters.trials):
            accuracy = search.query_one(space.cell(chosen))
            kept = space.kept(chosen[None])[0]
            accuracy = float(apply(accuracy, kept, search.skeleton.classes))
            search.stated("compressed.valid", accuracy, seconds=0)
            if less(best_accuracy, accuracy):
                best, best_accuracy = chosen, accuracy
    if best is not None:
        space.answer(best)


def _draw(space: Compression, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Return options [count, 15] that keep the bound, fewer where hardly any do."""
    found: list[NDArray[np.int64]] = []
    for _ in range(_BLOCKS):
        chosen = rng.integers(space.options, size=(_BLOCK, len(space.options)))
        found.append(chosen[space.keep(chosen)])
        if sum(map(len, found)) >= count:
            break
    drawn: NDArray[np.int64] = np.concatenate(found)[:count]
    if not len(drawn):
        raise UserError(
            f"None of {_BLOCKS * _BLOCK:,} random networks keeps {dict(space.bounds)}: raise it."
        )
    return drawn


STRATEGY = Strategy(
    version=3,
    source="Fedorov et al., UDC, NeurIPS 2022, section 6.1",
    run=run,
    parameters=Parameters,
)
