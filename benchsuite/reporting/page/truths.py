"""The truths of a table that the explorer offers as the axis of accuracy, in words."""

from __future__ import annotations

from collections.abc import Collection

from benchsuite.ranking.truths import about, column_of, truths_of
from benchsuite.table.columns import DATASETS
from benchsuite.table.table import Table

_ATTACK = "robust."


def listed(table: Table, held: Collection[str]) -> list[dict[str, str]]:
    """Return dataset, words and column of every truth that the page holds.

    Those under attack, which are many, are left to the list of all columns.
    """
    return [
        {"dataset": dataset, "text": f"{name}: {about(table, name, (dataset,))}", "column": column}
        for dataset in DATASETS
        for name in truths_of(table, dataset)
        if (column := column_of(table, name, dataset)) in held and not name.startswith(_ATTACK)
    ]
