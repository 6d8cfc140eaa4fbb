"""The whole table: cells, classes, costs, accuracies, and the columns of every plug-in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, get_args

import numpy as np

from benchsuite import plugins
from benchsuite.api import Array, Cost, Proxy
from benchsuite.assembly import own_devices, own_scores
from benchsuite.assembly.accuracy import accuracies
from benchsuite.assembly.own_scores import Scores
from benchsuite.assembly.shipped import join_tables
from benchsuite.calling import call, misuse
from benchsuite.errors import UserError
from benchsuite.provenance import environment
from benchsuite.space import cost, equivalence
from benchsuite.space.arrays import of_cells
from benchsuite.space.network import OFFICIAL
from benchsuite.table.columns import (
    Column,
    family,
    of_repeat,
    of_spread,
    seconds_column,
    seconds_name,
    stem,
)
from benchsuite.table.table import Table, Values

NO_PATH = "no input-output path"
_NO_CANDIDATE = "not a candidate: it lacks a needed score"


def assemble(plugin_folders: Sequence[Path] = (), scores: Scores | None = None) -> Table:
    """Return the table of all 15,625 cells with everything that is known without measuring anew.

    Real accuracies where they have been fetched or dropped, estimates otherwise. scores: of one's
    own, in place of shipped ones of the same name (`own_scores.join`).
    Raises UserError for a plug-in or table that cannot be used.
    """
    table = accuracies().with_provenance(made_by=environment())
    table = table.with_columns([*_classes(), *_costs(), *analytic_proxies(plugin_folders)])
    table = own_devices.join(join_tables(table), plugin_folders)
    table = own_scores.join(table, scores)
    if scores:
        combined = of_cost("combined", plugin_folders)
        table = own_scores.tell_mixed(table, {plugin.name: p.needs for plugin, p in combined})
    return with_combined(table, plugin_folders)


def _classes() -> Iterator[Values]:
    for name in equivalence.CLASSES:
        yield Values(
            Column(
                name=f"class.{name}",
                description=f"class under the equivalence `{name}`, numbered by first member",
                unit="class",
                direction="none",
                source="benchsuite.space.equivalence",
                version="1",
                kind="class",
            ),
            equivalence.classes(name),
        )


_COSTS = {
    "params": (cost.all_params, "parameters", "parameters as trained"),
    "flops": (cost.all_flops, "FLOPs", "official FLOPs as trained"),
    "deployed_params": (cost.all_deployed_params, "parameters", "parameters once deployed"),
    "deployed_macs": (cost.all_deployed_macs, "MACs", "multiply-accumulates once deployed"),
}


def _costs() -> Iterator[Values]:
    for dataset, skeleton in OFFICIAL.items():
        for name, (count, unit, what) in _COSTS.items():
            column = Column(
                name=f"{dataset}.{name}",
                description=f"{what}, {dataset} network",
                unit=unit,
                direction="none",
                source="benchsuite.space.cost",
                version="1",
                kind="cost",
                dataset=dataset,
            )
            yield Values(column, count(skeleton))


def analytic_proxies(plugin_folders: Sequence[Path] = ()) -> Iterator[Values]:
    """Yield the columns of every proxy that is a function of the structure alone.

    One of a user's that fails is left out, with a warning that names it.
    """
    for plugin, proxy in of_cost("analytic", plugin_folders):
        try:
            columns = proxy.columns(plugin.name, plugin.description)
            made = proxy_values(plugin.name, proxy, OFFICIAL["cifar10"])
            found = [Values(columns[suffix], v, NO_PATH) for suffix, v in made.items()]
        except UserError as error:
            plugins.leave_out(str(error))
        else:
            yield from found


def proxy_values(name: str, proxy: Proxy, *given: Any) -> dict[str, Array]:
    """Return what `all_cells` or `combine` of a proxy gives, [15625] by suffix, checked.

    Raises PluginError, with file and line, for what it raises and for what is no such values.
    """
    function = proxy.all_cells or proxy.combine
    assert function is not None
    found = call(f"The proxy {name} failed", function, *given)
    if not isinstance(found, Mapping) or set(found) != set(proxy.outputs):
        gave = (
            sorted(map(str, found)) if isinstance(found, Mapping) else f"a {type(found).__name__}"
        )
        raise misuse(
            f"The proxy {name} gave {gave}, but declares outputs {sorted(proxy.outputs)}", function
        )
    values = {}
    for suffix, one in found.items():
        try:
            values[suffix] = of_cells(one, f"output {suffix!r}")
        except Exception as error:
            raise misuse(f"The proxy {name}: {str(error).rstrip('.')}", function) from error
    return values


def check_named(names: Sequence[str], table: Table, plugin_folders: Sequence[Path] = ()) -> None:
    """Raise PluginError for a plug-in that is asked for by name and was left out of the table."""
    there = {column.family for column in table.columns.values()}
    lacking = set(map(family, names)) - there
    for name in lacking & set(plugins.find("proxies", plugin_folders) if lacking else ()):
        proxy: Proxy = plugins.load("proxies", name, plugin_folders)
        if proxy.all_cells is not None:
            proxy_values(name, proxy, OFFICIAL["cifar10"])
        elif _has(table, proxy):
            proxy_values(name, proxy, {need: table.values(need) for need in proxy.needs})


def with_combined(table: Table, plugin_folders: Sequence[Path] = ()) -> Table:
    """Return a table with every combined proxy whose needs are there, also one by another.

    One of a user's that fails is left out, with a warning that names it.
    """
    waiting = of_cost("combined", plugin_folders)
    analytic = {plugin.name for plugin, _ in of_cost("analytic", plugin_folders)}
    while True:
        ready = [plugin.name for plugin, proxy in waiting if _has(table, proxy)]
        if not ready:
            return table
        for plugin, proxy in waiting:
            if plugin.name not in ready:
                continue
            try:
                columns = proxy.columns(plugin.name, plugin.description)
                needed = {name: table.values(name) for name in proxy.needs}
                made = proxy_values(plugin.name, proxy, needed)
                table = table.with_columns(
                    Values(columns[suffix], values, _NO_CANDIDATE)
                    for suffix, values in made.items()
                )
                table = table.with_columns(_repeats(table, plugin.name, proxy, columns, analytic))
            except UserError as error:
                plugins.leave_out(str(error))
            else:
                table = table.with_columns(_seconds_of_all(table, plugin.name, proxy, analytic))
        waiting = [one for one in waiting if one[0].name not in ready]


def _repeats(
    table: Table, name: str, proxy: Proxy, columns: Mapping[str, Column], analytic: Set[str]
) -> Iterator[Values]:
    """Yield the single repeats of a combined proxy and their deviation, if its parts have any.

    A repeat is combined of that repeat of each part; what is a function of structure has none.
    """
    parts = {need: table.columns[table.resolve(need)] for need in proxy.needs}
    scores = {need: part for need, part in parts.items() if part.kind in ("proxy", "detail")}
    drawn = {need: part for need, part in scores.items() if part.family not in analytic}
    number = 0
    while drawn and all(of_repeat(part, number).name in table for part in drawn.values()):
        number += 1
    if number < 2:
        return
    made = [
        proxy_values(
            name,
            proxy,
            {
                need: table.values((of_repeat(part, k) if need in drawn else part).name)
                for need, part in parts.items()
            },
        )
        for k in range(number)
    ]
    for suffix, column in columns.items():
        each = np.array([one[suffix] for one in made])
        yield Values(of_spread(column, number), each.std(axis=0, ddof=1), _NO_CANDIDATE)
        for k, values in enumerate(each):
            yield Values(of_repeat(column, k), values, _NO_CANDIDATE)


def _seconds_of_all(table: Table, name: str, proxy: Proxy, analytic: Set[str]) -> Iterator[Values]:
    """Yield the seconds of a combined proxy, the sum of those it needs, if each was timed."""
    heads = sorted({need.partition(".")[0] for need in proxy.needs} - analytic)
    timed = [seconds_name(f"alone.{head}") for head in heads]
    if set(timed) <= set(table.columns):
        column = seconds_column(f"alone.{name}", f"{name} alone: {' + '.join(heads)}")
        yield Values(column, sum(table.values(part) for part in timed), "not run")


def of_cost(cost: str, plugin_folders: Sequence[Path]) -> list[tuple[plugins.Plugin, Proxy]]:
    """Return the proxies of one cost class; of this project's own, only those are imported."""
    others = set(get_args(Cost)) - {cost}
    found = plugins.usable("proxies", plugin_folders, lambda p: p.facts.get("cost") not in others)
    return [(plugin, proxy) for plugin, proxy in found if proxy.cost == cost]


def _has(table: Table, proxy: Proxy) -> bool:
    names = set(table.columns) | set(map(stem, table.columns))
    return proxy.combine is not None and set(proxy.needs) <= names
