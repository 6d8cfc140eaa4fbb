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
from benchsuite.parameters import check_number, check_whole
from benchsuite.simulation.clock import training_clock
from benchsuite.simulation.prices import measured_seconds
from benchsuite.simulation.skeleton import SHORT, skeleton_columns
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


@dataclass(frozen=True)
class Setting:
    """How a problem is cut out of the table; the fields a study file and the command line set.

    epochs: 12 or 200; None for the fewest whose accuracy is measured, or else the fewest. bounds:
    column -> upper bound; `ram.best`, `flash.weights`, `flops` and the like stand for those of the
    search's network and, where `device` and `runtime` are set, so do `latency` and `energy`.
    skeleton: adds the costs of the cells in another skeleton, `skeleton.params`, `.macs` and
    `.bytes` deployed, `.flops` and `.trained_params` as trained, which `flops` and `params` stand
    for then; its resolution and classes are the dataset's.
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
        """The skeleton's name in `network.SKELETONS`, whose device columns there are, or none."""
        return label_of(self.skeleton or OFFICIAL[self.dataset], self.dataset)


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
    _check_numbers(setting)
    _check_skeleton(setting)
    check_device(table, setting)
    if setting.skeleton is not None:
        extra = [*skeleton_columns(setting.skeleton), *extra]
    table = table.with_columns(extra)
    accuracy = _accuracies(table, setting.dataset)
    measured = [e for e, name in accuracy.items() if not table.columns[name].estimated]
    epochs = min(measured or accuracy) if setting.epochs is None else setting.epochs
    if epochs not in accuracy:
        raise UserError(
            f"The table has no validation accuracy of {setting.dataset} after {epochs} epochs; "
            f"it has {', '.join(map(str, accuracy))} epochs."
        )
    clocks = {e: training_clock(table, setting.dataset, e) for e in accuracy}
    columns = {name: table.values(name) for name, c in table.columns.items() if _seen(c, setting)}
    bounds: dict[str, float] = {}
    for name, bound in setting.bounds.items():
        _check_bounded(table, name, setting)
        full = full_name(table, name, setting)
        if full in bounds:
            raise UserError(f"There are two bounds on {full}: {bounds[full]:g} and {bound:g}.")
        bounds[full] = bound
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


def _check_numbers(setting: Setting) -> None:
    if setting.epochs is not None:
        check_whole(setting.epochs, "The number of epochs", low=1)
    for name, bound in setting.bounds.items():
        check_number(bound, f"The bound on {name}")
    for name, seconds in setting.proxy_seconds.items():
        if not 0 <= check_number(seconds, f"The seconds of {name}") < np.inf:
            raise UserError(f"A look at {name} cannot cost {seconds} seconds.")


def _check_bounded(table: Table, name: str, setting: Setting) -> None:
    """Raise UserError for a bound on what fits: it is 1 or 0, and at most 1 is all of it."""
    parts = parse(name)
    if (parts.what if parts else name) == "fits":
        memories = (m for m in short_names(table, setting) if m.startswith(("ram.", "flash.")))
        raise UserError(
            "A bound is the most that is allowed, and fits is 1 where a cell does: bound its RAM "
            f"and flash instead, as {', '.join(sorted(memories)) or 'ram.tflm'}."
        )


def check_device(table: Table, setting: Setting) -> None:
    """Raise UserError where the table has no columns of the setting's device, runtime or network.

    A skeleton without device columns has none of any device, so naming one is a mistake too.
    """
    if setting.device is None:
        if setting.runtime is not None:
            raise UserError(
                f"The runtime {setting.runtime!r} changes nothing without a device: name one."
            )
        return
    known = [parts for parts in map(parse, table.columns) if parts and parts.device]
    _known("device", setting.device, {parts.device for parts in known})
    of_device = [parts for parts in known if parts.device == setting.device]
    if setting.runtime is not None:
        _known("runtime", setting.runtime, {parts.runtime for parts in of_device})
        of_device = [parts for parts in of_device if parts.runtime == setting.runtime]
    networks = sorted({f"{parts.dataset} {parts.skeleton}" for parts in of_device})
    if f"{setting.dataset} {setting.network}" not in networks:
        under = f" under {setting.runtime}" if setting.runtime else ""
        raise UserError(
            f"The table has no columns of {setting.device}{under} for the {setting.dataset} "
            f"network in {setting.skeleton or 'the official skeleton'}; it has those of "
            f"{', '.join(networks)}."
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


def _check_skeleton(setting: Setting) -> None:
    official, own = OFFICIAL[setting.dataset], setting.skeleton
    if own and (own.resolution, own.classes) != (official.resolution, official.classes):
        raise UserError(
            f"The networks of {setting.dataset} read {official.resolution}x{official.resolution} "
            f"pixels and tell {official.classes} classes; the skeleton of this search has "
            f"{own.resolution}x{own.resolution} and {own.classes}. Leave both out of it."
        )


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


def _seen(column: Column, setting: Setting) -> bool:
    """Whether a search may see a column: no accuracy, whoever measured it, and of its network."""
    cheap = column.kind in _CHEAP and column.unit != "%" and column.split is None
    own = column.dataset in (None, setting.dataset)
    named = column.kind != "device" or parse(column.name) is not None
    return cheap and own and named and not elsewhere(column.name, setting.dataset, setting.network)


def _feasible(columns: Mapping[str, Array], bounds: Mapping[str, float]) -> NDArray[np.bool_]:
    keeps = np.ones(len(next(iter(columns.values()))) if columns else 15_625, dtype=bool)
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
