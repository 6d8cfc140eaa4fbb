"""The whole table: cells, classes, costs, accuracies, and the columns of every plug-in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from pathlib import Path

from benchsuite import cost, equivalence, own_scores, plugins
from benchsuite.accuracy import accuracies
from benchsuite.api import Proxy
from benchsuite.columns import Column, seconds_column, seconds_name
from benchsuite.network import OFFICIAL
from benchsuite.own_scores import Scores
from benchsuite.record import environment
from benchsuite.shipped import join_tables
from benchsuite.table import Table, Values

NO_PATH = "no input-output path"


def assemble(plugin_folders: Sequence[Path] = (), scores: Scores | None = None) -> Table:
    """Return the table of all 15,625 cells with everything that is known without measuring anew.

    Real accuracies where they have been fetched or dropped, estimates otherwise. scores: of one's
    own, in place of shipped ones of the same name (`own_scores.join`).
    Raises UserError for a plug-in or table that cannot be used.
    """
    accuracy = accuracies()
    table = Table(
        accuracy.data, accuracy.columns, {**accuracy.provenance, "made_by": environment()}
    )
    table = table.with_columns([*_classes(), *_costs(), *analytic_proxies(plugin_folders)])
    table = own_scores.join(join_tables(table), scores)
    return with_combined(table, plugin_folders)


def _classes() -> Iterator[Values]:
    for name in equivalence.CLASSES:
        yield Values(
            Column(
                name=f"class.{name}",
                description=f"class under the equivalence `{name}`, numbered by first member",
                unit="class",
                direction="none",
                source="benchsuite.equivalence",
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
                source="benchsuite.cost",
                version="1",
                kind="cost",
                dataset=dataset,
            )
            yield Values(column, count(skeleton))


def analytic_proxies(plugin_folders: Sequence[Path] = ()) -> Iterator[Values]:
    """Yield the columns of every proxy that is a function of the structure alone."""
    for plugin in _of_cost("analytic", plugin_folders):
        proxy = plugins.load("proxies", plugin.name, plugin_folders)
        if proxy.all_cells is not None:
            columns = proxy.columns(plugin.name, plugin.description)
            for suffix, values in proxy.all_cells(OFFICIAL["cifar10"]).items():
                yield Values(columns[suffix], values, NO_PATH)


def with_combined(table: Table, plugin_folders: Sequence[Path] = ()) -> Table:
    """Return a table with every combined proxy whose needs are there, also one by another."""
    waiting = _of_cost("combined", plugin_folders)
    analytic = {plugin.name for plugin in _of_cost("analytic", plugin_folders)}
    while True:
        ready = [p for p in waiting if _has(table, plugins.load("proxies", p.name, plugin_folders))]
        if not ready:
            return table
        waiting = [plugin for plugin in waiting if plugin not in ready]
        for plugin in ready:
            proxy = plugins.load("proxies", plugin.name, plugin_folders)
            columns = proxy.columns(plugin.name, plugin.description)
            combined = proxy.combine({name: table.values(name) for name in proxy.needs})
            table = table.with_columns(
                Values(columns[suffix], values, "not a candidate: it lacks a needed score")
                for suffix, values in combined.items()
            )
            table = table.with_columns(_seconds_of_all(table, plugin.name, proxy, analytic))


def _seconds_of_all(table: Table, name: str, proxy: Proxy, analytic: Set[str]) -> Iterator[Values]:
    """Yield the seconds of a combined proxy, the sum of those it needs, if each was timed."""
    heads = sorted({need.partition(".")[0] for need in proxy.needs} - analytic)
    timed = [seconds_name(f"alone.{head}") for head in heads]
    if set(timed) <= set(table.columns):
        column = seconds_column(f"alone.{name}", f"{name} alone: {' + '.join(heads)}")
        yield Values(column, sum(table.values(part) for part in timed), "not run")


def _of_cost(cost: str, plugin_folders: Sequence[Path]) -> list[plugins.Plugin]:
    """Return the proxies of one cost class, importing none; those that do not say it included."""
    found = plugins.find("proxies", plugin_folders).values()
    return [plugin for plugin in found if plugin.facts.get("cost", cost) == cost]


def _has(table: Table, proxy: Proxy) -> bool:
    names = set(table.columns) | {name.rpartition("@")[0] for name in table.columns}
    return proxy.combine is not None and set(proxy.needs) <= names
