"""What a search may look at: validation accuracies, a clock, cheap columns, bounds; no test.

A `Problem` is cut out of the table before a strategy starts and holds copies of the permitted
columns only. Test accuracies are not hidden in it: they are not there. What a strategy gets to see
has values that differ by rounding alone made equal (`benchsuite.ties`), so it cannot order by them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchsuite import cost
from benchsuite.clock import training_clock
from benchsuite.columns import DATASETS, Column, resolve
from benchsuite.compressed import all_bytes
from benchsuite.errors import UserError, did_you_mean
from benchsuite.network import OFFICIAL, Skeleton
from benchsuite.table import Table, Values
from benchsuite.ties import at_most, merged

Array = NDArray[np.float64]

_CHEAP = ("cost", "class", "proxy", "detail", "device", "reference")


@dataclass(frozen=True, eq=False)
class Problem:
    """The permitted data of one search.

    accuracy, seconds: epochs -> validation accuracy in % and training seconds, each [15625];
    epochs: the training that a plain query stands for; columns: cheap columns [15625] by full name;
    column_seconds: what measuring one of them costs per cell; bounds: column -> its upper bound;
    feasible: bool [15625], which cells keep all bounds; notes: where all of it is from; aliases:
    short names of the chosen device's columns; skeleton: the network around the cells.
    """

    dataset: str
    epochs: int
    accuracy: Mapping[int, Array]
    seconds: Mapping[int, Array]
    columns: Mapping[str, Array]
    directions: Mapping[str, str]
    column_seconds: Mapping[str, Array]
    bounds: Mapping[str, float]
    feasible: NDArray[np.bool_]
    notes: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    skeleton: Skeleton = field(default_factory=Skeleton)

    def column(self, full: str) -> Array:
        """Return a cheap column [15625] by its full name, as a strategy sees it."""
        if full not in self._seen:
            self._seen[full] = merged(self.columns[full])
        return self._seen[full]

    def validation(self, epochs: int) -> Array:
        """Return the validation accuracies [15625, %] after some epochs, seen likewise."""
        name = f"valid.{epochs}ep"
        if name not in self._seen:
            self._seen[name] = merged(self.accuracy[epochs])
        return self._seen[name]

    @functools.cached_property
    def _seen(self) -> dict[str, Array]:
        return {}

    def resolve(self, name: str) -> str:
        """Return the full name of a cheap column; UserError for one that a search cannot see."""
        try:
            return resolve(self.aliases.get(name, name), self.columns)
        except UserError as error:
            raise UserError(
                f"A search on {self.dataset} cannot look at {name!r}: it sees proxies, costs, "
                "classes and device columns, and accuracies through its queries alone."
                + did_you_mean(name, self.columns)
            ) from error


@dataclass(frozen=True)
class Setting:
    """How a problem is cut out of the table; the fields a study file and the command line set.

    epochs: 12 or 200; None for the fewest the table has. bounds: column -> upper bound; where
    `device` and `runtime` are set, `latency` stands for `latency.<device>.<runtime>.<network>`.
    skeleton: adds `skeleton.params`, `.macs` and `.bytes` of the cells in another skeleton.
    proxy_seconds: seconds per cell of proxies, instead of those that the table holds.
    """

    dataset: str = "cifar10"
    epochs: int | None = None
    bounds: Mapping[str, float] = field(default_factory=dict)
    device: str | None = None
    runtime: str | None = None
    skeleton: Skeleton | None = None
    proxy_seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def network(self) -> str | None:
        """The network of the device columns: `official`, `mcu` (one cell per stage), or none."""
        if self.skeleton is None or self.skeleton == Skeleton():
            return "official"
        return "mcu" if self.skeleton == Skeleton(cells_per_stage=1) else None


def skeleton_columns(skeleton: Skeleton) -> list[Values]:
    """Return the deployed parameters, MACs and 8-bit bytes of all cells in a skeleton."""
    counts = {
        "skeleton.params": ("parameters", cost.all_deployed_params(skeleton)),
        "skeleton.macs": ("MACs", cost.all_deployed_macs(skeleton)),
        "skeleton.bytes": ("bytes", all_bytes(skeleton)),
    }
    return [
        Values(
            Column(name, f"deployed, {skeleton}", unit, "none", "benchsuite.cost", "1", "cost"),
            values,
        )
        for name, (unit, values) in counts.items()
    ]


def prepare(table: Table, setting: Setting, extra: Iterable[Values] = ()) -> Problem:
    """Cut a problem out of the table.

    extra: further columns, for example of a device at another skeleton. Raises UserError for an
    unknown dataset, device or column, missing accuracies, and bounds that no cell keeps.
    """
    if setting.dataset not in DATASETS:
        raise UserError(
            f"There is no dataset {setting.dataset!r}; there are {', '.join(DATASETS)}."
            + did_you_mean(setting.dataset, DATASETS)
        )
    check_device(table, setting)
    if setting.skeleton is not None:
        extra = [*skeleton_columns(setting.skeleton), *extra]
    table = table.with_columns(extra)
    accuracy = _accuracies(table, setting.dataset)
    epochs = setting.epochs or min(accuracy)
    if epochs not in accuracy:
        raise UserError(
            f"The table has no validation accuracy of {setting.dataset} after {epochs} epochs; "
            f"it has {', '.join(map(str, accuracy))} epochs."
        )
    clocks = {e: training_clock(table, setting.dataset, e) for e in accuracy}
    columns = {name: table.values(name) for name, c in table.columns.items() if _cheap(c)}
    bounds = {full_name(table, name, setting): b for name, b in setting.bounds.items()}
    spent = _measured_seconds(table)
    for name, seconds in setting.proxy_seconds.items():
        spent[resolve(name, columns)] = np.full(table.data.num_rows, seconds)
    return Problem(
        dataset=setting.dataset,
        epochs=epochs,
        accuracy={e: table.values(name) for e, name in accuracy.items()},
        seconds={e: clock.seconds for e, clock in clocks.items()},
        columns=columns,
        directions={name: table.columns[name].direction for name in columns},
        column_seconds=spent,
        bounds=bounds,
        feasible=_feasible(columns, bounds),
        notes={
            "queries": accuracy[epochs],
            "clock": clocks[epochs].source,
            "proxies": f"{len(spent)} proxy columns are charged what computing them took here, one "
            "thread, or what was given; looking at all others costs nothing",
        },
        aliases=_aliases(table, setting),
        skeleton=setting.skeleton or OFFICIAL[setting.dataset],
    )


def _measured_seconds(table: Table) -> dict[str, Array]:
    """Return, by proxy column, the seconds per cell [15625] that computing it alone took.

    Read from `seconds.alone.<proxy>`, which holds for all outputs of the proxy; 0 where nothing was
    run. A proxy of which the table holds no time is left out.
    """
    known = {name.rpartition("@")[0]: name for name in table.columns if name[:8] == "seconds."}
    found = {}
    for name, column in table.columns.items():
        stem = name.rpartition("@")[0]
        while stem and column.kind == "proxy":
            if (seconds := f"seconds.alone.{stem}") in known:
                found[name] = np.nan_to_num(table.values(known[seconds]))
                break
            stem = stem.rpartition(".")[0]
    return found


def check_device(table: Table, setting: Setting) -> None:
    """Raise UserError where the table has no columns of the setting's device or runtime."""
    if setting.device is None:
        return
    runtimes: dict[str, set[str]] = {}
    for name, column in table.columns.items():
        parts = name.split(".")
        if column.kind == "device" and len(parts) == 4:
            runtimes.setdefault(parts[1], set()).add(parts[2])
    _known("device", setting.device, runtimes)
    if setting.runtime is not None:
        _known("runtime", setting.runtime, runtimes[setting.device])


def device_columns(table: Table, setting: Setting) -> list[str]:
    """Return the columns of the setting's device and network: latency, fits, and all memories."""
    if setting.device is None or setting.network is None:
        return []
    found = []
    for name, column in table.columns.items():
        parts = name.split(".")
        if column.kind != "device" or parts[-1] != setting.network:
            continue
        of_device = parts[1] == setting.device and setting.runtime in (None, parts[2])
        if of_device or parts[0] in ("ram", "flash"):
            found.append(name)
    return found


def full_name(table: Table, name: str, setting: Setting) -> str:
    """Return the full name of a column, completed by the device, runtime and network."""
    return _aliases(table, setting).get(name) or table.resolve(name)


def _aliases(table: Table, setting: Setting) -> dict[str, str]:
    """Return full names by first part, `latency`, of a device under one runtime."""
    if setting.device is None or setting.runtime is None or setting.network is None:
        return {}
    end = f".{setting.device}.{setting.runtime}.{setting.network}"
    return {name.removesuffix(end): name for name in table.columns if name.endswith(end)}


def _known(what: str, wanted: str, known: Iterable[str]) -> None:
    names = sorted(known)
    if wanted not in names:
        raise UserError(
            f"The table has no columns of a {what} {wanted!r}; it has "
            f"{', '.join(names) or 'none at all'}." + did_you_mean(wanted, names)
        )


def _accuracies(table: Table, dataset: str) -> dict[int, str]:
    """Return, by epochs, the column of the mean validation accuracy; UserError if there is none."""
    epochs = {
        c.epochs
        for c in table.columns.values()
        if c.kind == "accuracy" and c.dataset == dataset and c.split == "valid" and c.epochs
    }
    names = {e: table.resolve(f"{dataset}.valid.{e}ep.mean") for e in sorted(epochs)}
    whole = {e: name for e, name in names.items() if not np.isnan(table.values(name)).any()}
    if not whole:
        raise UserError(
            f"The table has no validation accuracy of {dataset} for all cells, which is what a "
            "search queries. `benchsuite ls columns` lists what there is."
        )
    return whole


def _cheap(column: Column) -> bool:
    """Whether a search may see a column: no accuracy, whoever measured it."""
    return column.kind in _CHEAP and column.unit != "%" and column.split is None


def _feasible(columns: Mapping[str, Array], bounds: Mapping[str, float]) -> NDArray[np.bool_]:
    keeps = np.ones(len(next(iter(columns.values()))) if columns else 15_625, dtype=bool)
    for name, bound in bounds.items():
        if name not in columns:
            raise UserError(f"{name!r} cannot be bounded: a search may not look at it.")
        if not np.isfinite(bound):
            raise UserError(f"The bound {bound} on {name} is no number.")
        keeps &= at_most(columns[name], bound)
        if not keeps.any():
            raise UserError(
                f"No cell keeps the bounds: {name} <= {bound:g} is the one that leaves none; "
                f"the least {name} of any cell is {np.nanmin(columns[name]):g}."
            )
    return keeps
