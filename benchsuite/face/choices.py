"""The best cells for a device within limits, under each of its runtimes."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from benchsuite import plugins as plug_ins
from benchsuite.api import Device
from benchsuite.arguments import checked
from benchsuite.devices._models.choosing import LIMITS, Choice, Found, Search
from benchsuite.errors import UserError, did_you_mean
from benchsuite.face.tables import folders_of, given_or_loaded
from benchsuite.notations import plain
from benchsuite.parameters import check_number, check_whole
from benchsuite.ranking.truths import BEST, about_columns, column_of, truths_of
from benchsuite.space.cell import N_CELLS
from benchsuite.space.network import skeleton_of
from benchsuite.table.device_columns import DeviceColumn, find, no_energy
from benchsuite.table.table import Table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Choices(Found):
    """The best cells of a device by runtime: `choices[0].index`; its `repr` says all."""

    def __getitem__(self, place: int) -> Choice:
        return self.answers[place]

    def __len__(self) -> int:
        return len(self.answers)

    def pandas(self) -> pd.DataFrame:
        """Return a row per runtime and rank: seconds, bytes, joules."""
        import pandas as pd

        return pd.DataFrame([dataclasses.asdict(one) for one in self.answers])

    def to_json(self) -> dict[str, Any]:
        """Return all as plain values, the answers first; a number that is not known is None."""
        known: dict[str, Any] = plain(dataclasses.asdict(self))
        first = ("answers", "maybe", "misses", "differ")
        return {name: known[name] for name in (*first, *(n for n in known if n not in first))}

    def __repr__(self) -> str:
        from benchsuite.face.choices_text import text

        return text(self)


@checked
def best(
    table: Table | None = None,
    *,
    device: str,
    runtime: str | Sequence[str] = (),
    latency: float | None = None,
    ram: float | None = None,
    flash: float | None = None,
    energy: float | None = None,
    accuracy: str = BEST,
    dataset: str = "cifar10",
    skeleton: str = "official",
    top: int = 1,
    plugins: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
    progress: Callable[[int, int], None] = lambda done, cells: None,
) -> Choices:
    """Return the most accurate cells for a device within limits, under each of its runtimes.

    latency [s], ram, flash [bytes], energy [J of one image]: the most that is allowed, and never
    more than the part's own memories; runtime: names, all of the device by default, and never a
    published table; accuracy: which one, as `correlate` takes a truth, `int8` and `measured` too;
    dataset, skeleton (`official` or `mcu`): of the network; top: how many cells per runtime.
    progress: called with the cells priced and the most that there may be.
    A need that is a range (RAM under `x_cube_ai`) keeps to a limit for sure only with its upper
    end. Raises UserError for what is not there, and for limits that are no amounts.

    >>> import benchsuite as bs
    >>> found = bs.best(device="stm32l432", runtime="x_cube_ai", latency=0.2, ram=48 * 1024)
    >>> found[0].latency <= 0.2, found[0].ram_least <= 48 * 1024 < found[0].ram_most
    (True, True)
    >>> found[0].fits  # in between: 29 to 74 KiB of RAM
    'maybe'
    """
    check_whole(top, "The number of cells", low=1)
    folders = folders_of(plugins)
    part: Device = plug_ins.load("devices", device, folders)
    skeleton_of(skeleton, dataset)
    data = given_or_loaded(table, plugins)
    asked = {"latency": latency, "ram": ram, "flash": flash, "energy": energy}
    given = {name: most for name, most in asked.items() if most is not None}
    limits = _limits(given, part)
    names = _runtimes((runtime,) if isinstance(runtime, str) else runtime, device, part, data)
    if energy is not None and part.power is None:
        of = DeviceColumn("energy", device, names[0], dataset, skeleton).name
        raise UserError(no_energy(of, data) or f"There is no energy of {device}.")
    column = column_of(data, accuracy, dataset)
    has_int8 = "int8.ptq" in truths_of(data, dataset)
    int8 = data.values(column_of(data, "int8", dataset)) if has_int8 else np.full(N_CELLS, np.nan)
    values = data.values(column)
    search = Search(data, device, part, dataset, skeleton, values, limits, top, int8)
    most = min(top, N_CELLS)
    found = {}
    for i, name in enumerate(names):
        priced = functools.partial(_priced, progress, i * most, len(names) * most)
        found[name] = search.under(name, priced)
    answers = tuple(one for each, _, _ in found.values() for one in each)
    return Choices(
        device,
        dataset,
        skeleton,
        about_columns(data, [column]),
        data.columns[column].estimated,
        names,
        limits,
        tuple(name for name, amount in given.items() if limits[name] == amount),
        answers,
        tuple(one for _, one, _ in found.values() if one),
        tuple(one for _, _, one in found.values() if one),
        tuple(search.differences(names, answers)),
        tuple(f"{name}: {why}" for name in names if (why := search.needs(name).unknown)),
    )


def _priced(progress: Callable[[int, int], None], before: int, cells: int, rank: int) -> None:
    progress(before + rank, cells)


def _limits(given: Mapping[str, float], part: Device) -> dict[str, float]:
    for name, most in given.items():
        if not 0 < check_number(most, f"The limit of {name}") < math.inf:
            raise UserError(f"The limit of {name} is above 0 and finite, not {most}.")
    own = {"ram": part.sram, "flash": part.flash}
    limits = {name: float(most) for name, most in own.items() if most is not None}
    limits |= {name: min(float(most), limits.get(name, math.inf)) for name, most in given.items()}
    return {name: limits[name] for name in LIMITS if name in limits}


def _runtimes(wanted: Sequence[str], name: str, device: Device, table: Table) -> tuple[str, ...]:
    """Return the runtimes to answer for; UserError for what is none of the device."""
    names = tuple(dict.fromkeys(wanted)) or device.runtimes
    for one in names:
        if one not in device.runtimes:
            published = any(
                (of.device, of.runtime) == (name, one) for of in find(table.columns, "latency")
            )
            why = " is a published table and no runtime" if published else " is no runtime"
            raise UserError(
                f"{one!r}{why} of {name}; it has {', '.join(device.runtimes)}."
                + did_you_mean(one, device.runtimes)
            )
    return names
