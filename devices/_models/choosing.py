"""The most accurate cells that keep to limits on a device, and those that just do not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchsuite.api import Device
from benchsuite.devices._footprint.needs import Needs, needs
from benchsuite.devices._models.estimation import estimate
from benchsuite.devices._models.model import of_network
from benchsuite.space.cell import Cell
from benchsuite.space.deploy import deploy
from benchsuite.space.network import SKELETONS
from benchsuite.table.table import Table

LIMITS = ("latency", "ram", "flash", "energy")


@dataclass(frozen=True)
class Choice:
    """A cell that keeps to the limits under a runtime.

    rank: 1 for the most accurate; accuracy: percent; latency: seconds; energy: joules, NaN where
    the part's power is not known; ram: bytes by the runtime's convention, ram_least and ram_most
    what it may really be; flash: bytes; unknown: what of the runtime's code nobody measured, so
    that RAM and flash are at least so much; fits: yes, or maybe where the limit is in that range;
    known_how: share of the cycles by how they are known; not_priced: operators without a price:
    with them the latency is at least so much; int8: percent, measured after quantising another
    training of the cell, NaN where nobody measured it.
    """

    runtime: str
    rank: int
    index: int
    arch: str
    accuracy: float
    latency: float
    energy: float
    ram: float
    ram_least: float
    ram_most: float
    flash: float
    unknown: str
    fits: Literal["yes", "maybe"]
    known_how: Mapping[str, float]
    not_priced: Mapping[str, int]
    int8: float


@dataclass(frozen=True)
class Miss:
    """A cell that does not keep to the limits under a runtime.

    limit: the one that it breaks by most; need: what it needs of that; excess: over the limit, as
    a share of it; at_least: whether it may need more, of a range or beside what nobody measured.
    """

    runtime: str
    index: int
    accuracy: float
    limit: str
    need: float
    excess: float
    at_least: bool


@dataclass(frozen=True)
class Found:
    """The best cells of a device within limits, by runtime.

    limits: what was asked and the part's own memories; given: which of them were asked, and not
    beyond the part's; truth: which accuracy, measured or ESTIMATED; answers: by runtime and rank;
    maybe: better cells that may keep to the limits, where a runtime's need is a range; misses: the
    more accurate cell that fails by the least, by runtime; differ: the most accurate answer under
    the runtimes whose answer it is not: what it breaks there; notes: what is not known.
    """

    device: str
    dataset: str
    skeleton: str
    truth: str
    estimated: bool
    runtimes: tuple[str, ...]
    limits: Mapping[str, float]
    given: tuple[str, ...]
    answers: tuple[Choice, ...]
    maybe: tuple[Choice, ...]
    misses: tuple[Miss, ...]
    differ: tuple[Miss, ...]
    notes: tuple[str, ...]

    def first(self, runtime: str) -> Choice | None:
        """Return the best cell under a runtime, None where no cell keeps to the limits."""
        return next((one for one in self.answers if one.runtime == runtime), None)


class Search:
    """Choices under one runtime after another; accuracy, int8 [15625, percent]."""

    def __init__(
        self,
        table: Table,
        name: str,
        device: Device,
        dataset: str,
        skeleton: str,
        accuracy: NDArray[np.float64],
        limits: Mapping[str, float],
        top: int,
        int8: NDArray[np.float64],
    ) -> None:
        self.table, self.name, self.device, self.top = table, name, device, top
        self.dataset, self.skeleton = dataset, skeleton
        self.accuracy, self.limits, self.int8 = accuracy, limits, int8
        self._needs: dict[str, Needs] = {}

    def needs(self, runtime: str) -> Needs:
        """Return what the cells need under a runtime."""
        if runtime not in self._needs:
            self._needs[runtime] = needs(
                self.table, self.name, self.device, runtime, self.dataset, self.skeleton
            )
        return self._needs[runtime]

    def under(
        self, runtime: str, chose: Callable[[int], None] = lambda rank: None
    ) -> tuple[list[Choice], Choice | None, Miss | None]:
        """Return the best cells, a better one that may keep to the limits, and the nearest miss.

        chose: called with the rank of every one of the best.
        """
        need = self.needs(runtime)
        most = {name: self.limits.get(name, math.inf) for name in LIMITS}
        known = np.isfinite(self.accuracy) & np.isfinite(need.latency)
        fits = np.where(known, need.within(**most), 0.0)
        order = np.lexsort((np.arange(len(fits)), need.latency, -self.accuracy))
        sure, unsure = order[fits[order] == 1], order[fits[order] == 0.5]
        chosen = sure if len(sure) else unsure
        answers = []
        for rank, i in enumerate(chosen[: self.top], 1):
            answers.append(self._choice(runtime, rank, i))
            chose(rank)
        bar = self.accuracy[chosen[0]] if len(chosen) else -math.inf
        may = len(sure) and len(unsure) and self.accuracy[unsure[0]] > bar
        out = order[(fits[order] == 0) & known[order] & (self.accuracy[order] > bar)]
        maybe = self._choice(runtime, 1, unsure[0]) if may else None
        if not len(out):
            return answers, maybe, None
        excess = np.max([over[out] for over in self._excess(runtime).values()], axis=0)
        return answers, maybe, self._miss(runtime, int(out[excess.argmin()]))

    def differences(self, names: Sequence[str], answers: Sequence[Choice]) -> Iterator[Miss]:
        """Yield what the most accurate answer breaks under runtimes whose answer it is not."""
        if not answers:
            return
        top = max(answers, key=lambda one: one.accuracy)
        for name in names:
            first = next((one for one in answers if one.runtime == name), None)
            if first is None or first.index != top.index:
                yield self._miss(name, top.index)

    def _excess(self, runtime: str) -> dict[str, NDArray[np.float64]]:
        need = self.needs(runtime)
        least = {
            "latency": need.latency,
            "ram": need.ram_least,
            "flash": need.flash,
            "energy": need.energy,
        }
        return {name: least[name] / most - 1 for name, most in self.limits.items()}

    def _miss(self, runtime: str, cell: int) -> Miss:
        over = {name: float(by[cell]) for name, by in self._excess(runtime).items()}
        limit = max(over, key=lambda name: over[name])
        need = (over[limit] + 1) * self.limits[limit]
        return Miss(
            runtime,
            cell,
            float(self.accuracy[cell]),
            limit,
            need,
            over[limit],
            self._may_be_more(runtime, cell, limit),
        )

    def _may_be_more(self, runtime: str, cell: int, limit: str) -> bool:
        need = self.needs(runtime)
        is_range = limit == "ram" and bool(need.ram_least[cell] < need.ram_most[cell])
        return is_range or (limit in ("ram", "flash") and bool(need.unknown))

    def _choice(self, runtime: str, rank: int, cell: int) -> Choice:
        need, chosen = self.needs(runtime), Cell.from_index(int(cell))
        network = deploy(chosen, SKELETONS[self.skeleton][self.dataset])
        marks = estimate(of_network(network, ""), self.name, self.device, runtime)
        most = {name: self.limits.get(name, math.inf) for name in LIMITS}
        return Choice(
            runtime=runtime,
            rank=rank,
            index=chosen.index,
            arch=chosen.arch,
            accuracy=float(self.accuracy[cell]),
            latency=float(need.latency[cell]),
            energy=float(need.energy[cell]),
            ram=float(need.ram[cell]),
            ram_least=float(need.ram_least[cell]),
            ram_most=float(need.ram_most[cell]),
            flash=float(need.flash[cell]),
            unknown=need.unknown,
            fits="yes" if need.within(**most)[cell] == 1 else "maybe",
            known_how=marks.known_how,
            not_priced=marks.not_priced,
            int8=float(self.int8[cell]),
        )
