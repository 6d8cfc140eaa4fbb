"""A model operator by operator: what each costs, and how much memory lives while it runs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchsuite.api import Device
from benchsuite.deployment.liveness import live_in_order
from benchsuite.devices._latency.extrapolation import EXACT
from benchsuite.devices._models.model import Model, prices


@dataclass(frozen=True)
class Row:
    """One operator of a model on a device under a runtime.

    output: height x width x channels; cycles, share: NaN where no kernel is known; alive: bytes of
    the tensors that live while it runs, in the model's order; known: how the cycles are known.
    """

    number: int
    operator: str
    output: str
    macs: int
    cycles: float
    share: float
    alive: int
    known: str
    note: str


def rows(model: Model, device: Device, runtime: str) -> list[Row]:
    """Return a row per operator. Raises UserError as `prices` does."""
    each = prices(model, device, runtime)
    total = sum(price.cycles or 0.0 for price in each) or math.nan
    alive = live_in_order(model.graph())
    made = []
    for number, (of, price) in enumerate(zip(model.operations, each, strict=True)):
        cycles = math.nan if price.cycles is None else price.cycles
        known = price.mark or (EXACT if of.shape else "free")
        made.append(
            Row(
                number,
                of.label,
                "x".join(map(str, (*of.out[1:], of.out[0]))),
                of.macs,
                cycles,
                cycles / total,
                alive[number],
                "not priced" if price.cycles is None else known,
                of.note,
            )
        )
    return made
