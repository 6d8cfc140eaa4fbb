"""What a search may look at: validation accuracies, a clock, cheap columns, bounds; no test.

A `Problem` is cut out of the table before a strategy starts and holds copies of the permitted
columns only. Test accuracies are not hidden in it: they are not there. What a strategy gets to see
has values that differ by rounding alone made equal (`benchsuite.numerics.ties`), so it cannot order
by them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchsuite.errors import UserError, did_you_mean
from benchsuite.numerics.ties import at_most, merged
from benchsuite.simulation.clock import training_clock
from benchsuite.simulation.prices import measured_seconds
from benchsuite.simulation.setting import Setting, check_device, check_numbers, check_skeleton
from benchsuite.simulation.skeleton import SHORT, skeleton_columns
from benchsuite.space.cell import N_CELLS
from benchsuite.space.network import OFFICIAL, Skeleton
from benchsuite.table.columns import DATASETS, Column, resolve, stem
from benchsuite.table.device_columns import DeviceColumn, elsewhere, find, label_of, parse
from benchsuite.table.table import Table, Values

Array = NDArray[np.float64]

_OF_A_RUNTIME = ("latency", "energy")
_CHEAP = ("cost", "class", "proxy", "detail", "device", "reference")


@dataclass(frozen=True, eq=False)
class Problem:
    """The permitted data of one search.

    accuracy, seconds: epochs -> validation accuracy in % and training seconds, each [15625];
    epochs: the training that a plain query stands for; columns: cheap columns [15625] by full name;
    column_seconds: what measuring one of them costs per cell; bounds: column -> its upper bound;
    feasible: bool [15625], which cells keep all bounds; notes: where all of it is from; aliases:
    short names of the columns of the search's network; skeleton: the network around the cells.
    Costs and device columns of another dataset's network, or another skeleton, are not in it.
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

    def direction(self, name: str) -> str:
        """Return which end of a cheap column is better, `max`, `min` or `none`.

        A short name of a cost has the direction of the proxy of that name: `flops`, `params`.
        """
        direction = self.directions[self.resolve(name)]
        if direction == "none" and name in self.aliases:
            proxies = [full for full in self.columns if stem(full) == name]
            return self.directions[resolve(name, proxies)] if proxies else direction
        return direction

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
        if other := elsewhere(name, self.dataset, label_of(self.skeleton, self.dataset)):
            raise UserError(other)
        try:
            return resolve(self.aliases.get(name, name), self.columns)
        except UserError as error:
            raise UserError(
                f"A search on {self.dataset} cannot look at {name!r}: it sees proxies, costs, "
                "classes and device columns, and accuracies through its queries alone."
                + did_you_mean(name, self.columns)
            ) from error


def prepare(table: Table, setting: Setting, extra: Iterable[Values] = ()) -> Problem:
    """Cut a problem out of the table.

    extra: further columns, for example of a device at another skeleton. Raises UserError for an
    unknown dataset, device or column, missing accuracies, and bounds that no cell keeps.
    """
    table = _checked(table, setting, extra)
    accuracy = _accuracies(table, setting.dataset)
    measured = [e for e, name in accuracy.items() if not table.columns[name].estimated]
    epochs = min(measured or accuracy) if setting.epochs is None else setting.epochs
    if epochs not in accuracy:
        raise UserError(
            f"The table has no validation accuracy of {setting.dataset} after {epochs} epochs; "
            f"it has {', '.join(map(str, accuracy))} epochs."
        )
    clocks = {e: training_clock(table, setting.dataset, e) for e in accuracy}
    columns = {name: table.values(name) for name in _permitted(table, setting)}
    bounds = _bounds(table, setting)
    aliases = _looked_up(short_names(table, setting), columns, setting)
    spent = measured_seconds(table)
    for full, price in _prices(setting, aliases, columns).items():
        spent[full] = np.full(table.data.num_rows, price)
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
            "queries": _queried(table, accuracy, epochs),
            "clock": clocks[epochs].source,
            "proxies": f"{len(spent)} proxy columns are charged what computing them took here, one "
            "thread, or what was given; looking at all others costs nothing",
        },
        aliases=aliases,
        skeleton=setting.skeleton or OFFICIAL[setting.dataset],
    )


def keeping(table: Table, setting: Setting) -> NDArray[np.bool_]:
    """Return which cells keep all bounds of a setting [15625], as `Problem.feasible`.

    No other column is read. Raises UserError as `prepare` does, but for missing accuracies.
    """
    table = _checked(table, setting)
    permitted, bounds = set(_permitted(table, setting)), _bounds(table, setting)
    return _feasible({name: table.values(name) for name in bounds if name in permitted}, bounds)


def _checked(table: Table, setting: Setting, extra: Iterable[Values] = ()) -> Table:
    """Return the table with the columns of the setting's skeleton; UserError if they do not fit."""
    if setting.dataset not in DATASETS:
        raise UserError(
            f"There is no dataset {setting.dataset!r}; there are {', '.join(DATASETS)}."
            + did_you_mean(setting.dataset, DATASETS)
        )
    check_numbers(setting)
    check_skeleton(setting)
    check_device(table, setting)
    if setting.skeleton is not None:
        extra = [*skeleton_columns(setting.skeleton), *extra]
    return table.with_columns(extra)


def _permitted(table: Table, setting: Setting) -> Iterator[str]:
    """Yield the full names of the columns that a search may see."""
    return (name for name, column in table.columns.items() if _seen(column, setting))


def _bounds(table: Table, setting: Setting) -> dict[str, float]:
    """Return the setting's bounds by full name; UserError for two of a column."""
    bounds: dict[str, float] = {}
    for name, bound in setting.bounds.items():
        _check_bounded(table, name, setting)
        full = full_name(table, name, setting)
        if full in bounds:
            raise UserError(f"There are two bounds on {full}: {bounds[full]:g} and {bound:g}.")
        bounds[full] = bound
    return bounds


def _prices(
    setting: Setting, aliases: Mapping[str, str], columns: Iterable[str]
) -> dict[str, float]:
    """Return the seconds that a setting gives for columns, by full name; UserError for two."""
    found: dict[str, float] = {}
    for name, seconds in setting.proxy_seconds.items():
        full = resolve(aliases.get(name, name), columns)
        if full in found:
            raise UserError(f"There are two prices of {full}: {found[full]:g} and {seconds:g} s.")
        found[full] = seconds
    return found


def _queried(table: Table, accuracy: Mapping[int, str], epochs: int) -> str:
    """Return which column a query looks at, and what a strategy sees that trains less or longer."""
    said = {e: n + ", ESTIMATED" * table.columns[n].estimated for e, n in accuracy.items()}
    others = [f"{said[e]} where it asks for {e} epochs" for e in said if e != epochs]
    return "; ".join([said[epochs], *others])


def _check_bounded(table: Table, name: str, setting: Setting) -> None:
    """Raise UserError for a bound on what fits: it is 1 or 0, and at most 1 is all of it."""
    parts = parse(name)
    if (parts.what if parts else name) == "fits":
        memories = (m for m in short_names(table, setting) if m.startswith(("ram.", "flash.")))
        raise UserError(
            "A bound is the most that is allowed, and fits is 1 where a cell does: bound its RAM "
            f"and flash instead, as {', '.join(sorted(memories)) or 'ram.tflm'}."
        )


def device_columns(table: Table, setting: Setting) -> list[str]:
    """Return the columns of the setting's device and network: latency, fits, and all memories."""
    if setting.device is None:
        return []
    return [
        parts.name
        for parts in _of_network(table, setting)
        if parts.device in ("", setting.device)
        and (not parts.device or setting.runtime in (None, parts.runtime))
    ]


def full_name(table: Table, name: str, setting: Setting) -> str:
    """Return the full name of a column, completed by dataset, device, runtime and network.

    Raises UserError for a column that is not there or is of another network than the search's.
    """
    if other := elsewhere(name, setting.dataset, setting.network):
        raise UserError(other)
    full = short_names(table, setting).get(name)
    if full is None and name == "energy" and setting.device and setting.runtime:
        wanted = (setting.device, setting.runtime, setting.dataset, setting.network or "")
        name = DeviceColumn(name, *wanted).name
    if full is None and name in _OF_A_RUNTIME and setting.device and not setting.runtime:
        runtimes = {of.runtime for of in find(table.columns, name) if of.device == setting.device}
        raise UserError(
            f"{name} of {setting.device} is that under one runtime: name it, {_or(runtimes)}."
        )
    full = table.resolve(full or name)
    if table.columns[full].kind == "device" and parse(full) is None:
        raise UserError(
            f"{full} does not say of which dataset's network it is; the table is of an earlier "
            "version. `benchsuite table` makes it again."
        )
    dataset = table.columns[full].dataset
    if table.columns[full].kind != "accuracy" and dataset not in (None, setting.dataset):
        raise UserError(f"{full} is of {dataset}: a search on {setting.dataset} cannot look at it.")
    return full


def _or(names: Iterable[str]) -> str:
    *first, last = sorted(names)
    return f"{', '.join(first)} or {last}" if first else last


def short_names(table: Table, setting: Setting) -> dict[str, str]:
    """Return full names by short ones: costs, memories and, of a device and runtime, the rest."""
    if setting.network == "official":
        own = f"{setting.dataset}."
        costs = [n for n, c in table.columns.items() if c.kind == "cost" and c.release is None]
        found = {name.removeprefix(own): name for name in costs if name.startswith(own)}
    else:
        found = dict(SHORT)
    chosen = ("", ""), (setting.device, setting.runtime)
    for parts in _of_network(table, setting):
        if (parts.device, parts.runtime) in chosen:
            found[parts.what] = parts.name
    return found


def _looked_up(
    aliases: Mapping[str, str], columns: Iterable[str], setting: Setting
) -> dict[str, str]:
    """Return the short names that a search looks up.

    The proxies `flops` and `params`, with their price, are those of the CIFAR-10 network: there
    they go before the costs of that name, elsewhere the costs of the search's own network do.
    """
    of_proxies = (setting.dataset, setting.network) == (DATASETS[0], "official")
    proxies = set(map(stem, columns)) if of_proxies else set()
    return {short: full for short, full in aliases.items() if short not in proxies}


def _of_network(table: Table, setting: Setting) -> Iterator[DeviceColumn]:
    """Yield the device columns of the setting's network."""
    for parts in map(parse, table.columns):
        if parts and (parts.dataset, parts.skeleton) == (setting.dataset, setting.network):
            yield parts


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


def _seen(column: Column, setting: Setting) -> bool:
    """Whether a search may see a column: no accuracy, whoever measured it, and of its network."""
    cheap = column.kind in _CHEAP and column.unit != "%" and column.split is None
    own = column.dataset in (None, setting.dataset)
    named = column.kind != "device" or parse(column.name) is not None
    return cheap and own and named and not elsewhere(column.name, setting.dataset, setting.network)


def _feasible(columns: Mapping[str, Array], bounds: Mapping[str, float]) -> NDArray[np.bool_]:
    keeps = np.ones(N_CELLS, dtype=bool)
    for name, bound in bounds.items():
        if name not in columns:
            raise UserError(f"{name!r} cannot be bounded: a search may not look at it.")
        if not np.isfinite(bound):
            raise UserError(f"The bound {bound} on {name} is no number.")
        left = columns[name][keeps]
        keeps &= at_most(columns[name], bound)
        if not keeps.any():
            known = left[~np.isnan(left)]
            least = f"the least of those left is {known.min():g}" if len(known) else "none has one"
            raise UserError(
                f"No cell keeps the bounds: {name} <= {bound:g} is the one that leaves none; "
                f"{least}."
            )
    return keeps
