"""The whole table: cells, classes, costs, accuracies, and the columns of every plug-in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchsuite import cost, equivalence, plugins
from benchsuite.accuracy import accuracies
from benchsuite.columns import Column
from benchsuite.network import OFFICIAL
from benchsuite.record import environment
from benchsuite.shipped import join_shipped
from benchsuite.table import Table, Values

NO_PATH = "no input-output path"


def assemble(plugin_folders: Sequence[Path] = ()) -> Table:
    """Return the table of all 15,625 cells with everything that is known without measuring anew.

    Real accuracies where they have been fetched or dropped, estimates otherwise.
    Raises UserError for a plug-in that cannot be used.
    """
    accuracy = accuracies()
    table = Table(
        accuracy.data, accuracy.columns, {**accuracy.provenance, "made_by": environment()}
    )
    table = table.with_columns([*_classes(), *_costs(), *analytic_proxies(plugin_folders)])
    return join_shipped(table)


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
    for name, plugin in plugins.find("proxies", plugin_folders).items():
        proxy = plugins.load("proxies", name, plugin_folders)
        if proxy.all_cells is None:
            continue
        columns = proxy.columns(name, plugin.description)
        for suffix, values in proxy.all_cells(OFFICIAL["cifar10"]).items():
            yield Values(columns[suffix], np.asarray(values), NO_PATH)
