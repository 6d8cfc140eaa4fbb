"""Scores and speed of proxies on a sample of cells, to be held against those of another day."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional

from benchsuite.api import Proxy
from benchsuite.errors import UserError
from benchsuite.proxies._scoring.passes import Passes
from benchsuite.proxies._scoring.score import score_network
from benchsuite.proxies._scoring.threads import one_thread
from benchsuite.proxies._tabulation.spec import Spec

TIMED_CELLS = 4
LEAST_SECONDS = 0.01


def scores(spec: Spec, cells: Sequence[int]) -> dict[str, list[tuple[float, str]]]:
    """Return value and reason of every output by name, cell by cell, on one thread.

    Raises UserError for a proxy that gives one network two scores: there is nothing to guard then.
    """
    loaded, batches = spec.load(), spec.batches(0)
    found: dict[str, list[tuple[float, str]]] = {}
    with one_thread():
        for at, cell in enumerate(cells):
            once = _scored(spec, loaded, batches, cell)
            if at < TIMED_CELLS:
                _same(once, _scored(spec, loaded, batches, cell, draws=1), cell)
            for name, value in once.items():
                found.setdefault(name, []).append(value)
    return found


def timed(spec: Spec, name: str, cells: Sequence[int]) -> Callable[[], float]:
    """Return a function that scores a few cells anew and returns the processor time of one.

    The passes a proxy needs are its own time; drawing the weights is not. What takes less than
    `LEAST_SECONDS` is repeated, so that the clock's grain does not matter.
    """
    proxies, batches = {name: spec.load()[name]}, spec.batches(0)

    def once() -> float:
        made = [_passes(spec, batches, cell) for cell in chosen]
        for passes, weights in zip(made, drawn * repeats, strict=True):
            passes._done[("weights",)] = weights
        taken = [score_network(proxies, passes).seconds.values() for passes in made]
        return sum(map(sum, taken)) / len(made)

    connected = [cell for cell in cells if _passes(spec, batches, cell).connected]
    chosen = connected[:TIMED_CELLS]
    if not chosen:
        raise UserError("None of the cells to be timed has a path from its input to its output.")
    drawn, repeats = [_passes(spec, batches, cell).weights for cell in chosen], 1
    once()
    repeats = min(50, 1 + int(LEAST_SECONDS / max(1e-6, once() * len(chosen))))
    chosen = chosen * repeats
    return one_thread()(once)


def reference() -> Callable[[], float]:
    """Return a function that runs a fixed computation and returns its processor time.

    Two 3x3 convolutions of [16, 16, 16, 16] with BN and ReLU, forward and backward, twice;
    it uses nothing of this project, so it only changes with PyTorch and the machine.
    """
    source = torch.Generator().manual_seed(0)
    images = torch.randn(16, 16, 16, 16, generator=source)
    weights = [torch.randn(16, 16, 3, 3, generator=source).requires_grad_() for _ in range(2)]

    def once() -> float:
        start = time.process_time()
        for _ in range(2):
            maps = images
            for weight in weights:
                maps = functional.conv2d(torch.relu(maps), weight, padding=1)
                maps = functional.batch_norm(maps, None, None, training=True)
            torch.autograd.grad(maps.square().sum(), weights)
        return time.process_time() - start

    return one_thread()(once)


def _passes(spec: Spec, batches: Sequence[Any], cell: int) -> Passes:
    return spec.passes(cell, 0, batches)


def _scored(
    spec: Spec, proxies: dict[str, Proxy], batches: Sequence[Any], cell: int, draws: int = 0
) -> dict[str, tuple[float, str]]:
    found = score_network(proxies, _passes(spec, batches, cell), draws=draws)
    return {name: (v, found.reasons.get(name, "")) for name, v in found.values.items()}


def _same(
    first: dict[str, tuple[float, str]], second: dict[str, tuple[float, str]], cell: int
) -> None:
    for name, (value, _) in first.items():
        again = second[name][0]
        if value != again and not (value != value and again != again):
            raise UserError(
                f"The proxy {name} scored cell {cell} {value:.9g}, and then {again:.9g}: it draws "
                "from a source of its own. Draw from `passes.generator(name)` instead."
            )
