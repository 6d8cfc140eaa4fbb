"""What several reports say or read alike: published figures, sources, columns of devices."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchsuite.errors import UserError
from benchsuite.files import shipped
from benchsuite.ranking.truths import column_of
from benchsuite.space.cell import OPS, all_ops, connected
from benchsuite.table.columns import ON_LOG_SCALE, stem
from benchsuite.table.device_columns import DeviceColumn
from benchsuite.table.table import Table

DEAD = (
    "Dead cells: the 341 without an input-output path have no latency and no score and are left out"
)
# The column of `alike` beside the accuracy of a best cell, and what it is for.
ALIKE = "mean of its function"
FEWER = (
    "* scores fewer of the cells with a path than others do, so that its row cannot be held "
    "against others': which cells it scores tells of their accuracy."
)
ABOUT_ALIKE = (
    f"A best accuracy is the highest of many trainings, luck included; {ALIKE}: over all cells "
    "that compute the same function, which differ by their trainings alone."
)


def published(name: str) -> pd.DataFrame:
    """Return the figures that a paper printed, from the file `published_<name>.csv`."""
    return pd.read_csv(shipped(f"published_{name}.csv", "benchsuite.reports"))


def kind(table: Table) -> str:
    """Return how the accuracies are called: estimates are never shown as if measured."""
    return "ESTIMATED accuracy" if table.estimated else "accuracy"


def derived(table: Table, name: str) -> str:
    """Return what a column that rests on test accuracy is called: an estimate where that is one."""
    return f"{name}, ESTIMATED" if table.estimated else name


def error(table: Table) -> str:
    """Return how errors in % are called on an axis."""
    return f"{'ESTIMATED ' * table.estimated}test error [%]"


def about_accuracy(table: Table) -> str:
    """Return the sentence that says where the accuracies come from."""
    source = table.provenance.get("accuracy", "unknown source")
    end = " Absolute accuracies and the order of good cells are not results." * table.estimated
    return f"Accuracies after 200 epochs, test, mean over seeds: {source}.{end}"


def counts(op: str) -> NDArray[np.int64]:
    """Return how many of the six edges [15625] hold an operator."""
    return np.asarray((all_ops() == OPS.index(op)).sum(axis=1))


def milliseconds(
    table: Table, device: str, runtime: str, dataset: str, skeleton: str
) -> NDArray[np.float64]:
    """Return the latencies [15625] of a device in ms; of a dataset's network, of one skeleton."""
    return table.values(DeviceColumn("latency", device, runtime, dataset, skeleton).name) * 1e3


def accuracy(table: Table, dataset: str, truth: str = "test") -> NDArray[np.float64]:
    """Return the accuracies [15625] in % that a short name stands for; truth: see `truths`."""
    return table.values(column_of(table, truth, dataset))


def alike(table: Table, values: NDArray[np.float64], cell: int) -> float:
    """Return the mean of values [15625] over all cells that compute the function of a cell."""
    of = table.values("class.functional")
    return float(np.nanmean(values[of == of[cell]]))


def headline_proxies(table: Table) -> list[str]:
    """Return the full names of the proxies that figures show: of large families the usual ones.

    Raises UserError where there is none.
    """
    shown = []
    for name, column in table.columns.items():
        if column.kind != "proxy" or column.direction == "none":
            continue
        usual = _OUTPUTS.get(column.family, (column.output,))
        if column.output in usual and table.resolve(column.stem) == name:
            shown.append(name)
    if not shown:
        raise UserError("The table holds no proxy; `benchsuite tabulate` scores cells.")
    return shown


def not_shared(table: Table, names: Iterable[str]) -> str:
    """Return, as an aside, by which scores cells of one function differ; empty where by none.

    Those that count dead operators do.
    """
    of = table.values("class.functional")[connected()]
    differ = []
    for name in names:
        by_class = pd.Series(table.values(name)[connected()]).groupby(of)
        if not np.isclose(by_class.max(), by_class.min(), 1e-9, 0.0, equal_nan=True).all():
            differ.append(stem(name))
    return f" (but for {_listed(differ)})" if differ else ""


def repeats_of(table: Table) -> dict[str, list[str]]:
    """Return, by the name of a directed proxy column, the columns of its repeats, two or more."""
    repeats: dict[str, list[str]] = {}
    for name in table.columns:
        if match := _REPEAT.fullmatch(name):
            repeats.setdefault(match[1] + match[3], []).append(name)
    known = {n for n, c in table.columns.items() if c.kind == "proxy" and c.direction != "none"}
    return {name: of for name, of in repeats.items() if name in known and len(of) > 1}


def other_precision(table: Table, other: Table) -> set[str]:
    """Return the proxies that the table has in another precision than a table of a setting."""
    precision = other.provenance["settings"]["dtype"]
    joined = table.provenance.get("joined", {}).values()
    made = [one["settings"] for one in joined if "dtype" in one.get("settings", {})]
    return {name for one in made if one["dtype"] != precision for name in one["proxies"]}


def about_repeats(table: Table) -> str:
    """Return the sentence that says how many repeats the scores are means of."""
    of = {m[1]: 1 for m in map(_SCORED.fullmatch, table.columns) if m}
    of |= {table.columns[name].family: len(each) for name, each in repeats_of(table).items()}
    if set(of.values()) <= {1}:
        return "Every score is that of one repeat (one set of weights and images)."
    log = {c.family for c in table.columns.values() if c.description.endswith(ON_LOG_SCALE)}
    how = f", those of {_listed(log)} on a logarithmic scale" * bool(log)
    if len(set(of.values())) == 1:
        return f"Scores are means of {max(of.values())} repeats (weights and images){how}."
    said = (
        f"{number} of {_listed(name for name, n in of.items() if n == number)}"
        for number in sorted(set(of.values()), reverse=True)
    )
    return f"Scores are means of repeats (weights and images){how}: {'; '.join(said)}."


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


_SCORED = re.compile(r"seconds\.score\.(\w+)@\d+")
_REPEAT = re.compile(r"(.+)\.r(\d+)(@\d+)")
_OUTPUTS = {
    "ntk_cond": ("k0", "k2"),
    "ntk_frozen": ("k0", "k2", "trace"),
    "linear_regions": ("n3000",),
}


def upward(table: Table, name: str) -> NDArray[np.float64]:
    """Return a proxy's scores [15625], turned so that more is better."""
    values = table.values(name)
    return -values if table.columns[name].direction == "min" else values


def partial(n: pd.Series) -> set[str]:
    """Return the proxies that score fewer cells than others do by a twentieth or more.

    n: cells that have a score, by proxy.
    """
    return set(n.index[n < 0.95 * n.max()])
