"""The accuracies there are: the public files that are present, and this project's estimates.

Estimates stand in for a dataset and split only as long as no public file gives that accuracy.
What the public files held is kept in the user's cache, so they are parsed once.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from benchsuite.assembly.notes import say
from benchsuite.assembly.stacked import estimated_test
from benchsuite.digest import code, digest
from benchsuite.errors import UserError
from benchsuite.files import delete_oldest, shipped
from benchsuite.sources._public_files import Places, check_drop, folder_of, passed_over, places
from benchsuite.sources._read import absences, all_sources, read_present
from benchsuite.sources._source import Source
from benchsuite.table.columns import DATASETS, ESTIMATE, STACKED
from benchsuite.table.table import Table, Values

ESTIMATES = shipped("data/estimates.parquet")
KEPT = 8  # imports, of other files or by other code
# What the sentence tells of, and the column of a dataset that it is.
_SAID = {
    "validation": "valid.200ep.mean",
    "test": "test.200ep.mean",
    "validation after 12 epochs": "valid.12ep.mean",
    "test after 12 epochs": "test.12ep.mean",
}
_BOTH_SHORT = "validation after 12 epochs and test after 12 epochs"
_OF = {STACKED: "measured validation and structure", ESTIMATE: "structure"}


def accuracies(where: Places | None = None) -> Table:
    """Return a table of all accuracies and reference measurements that are present.

    Its provenance holds `accuracy`, the sentence every output repeats, `inputs` (file -> SHA-256)
    and `absent` (why a public data set was not read). Raises UserError for a damaged file, and if
    the folder that BENCHSUITE_DATA names holds no public data set or a part of one.
    """
    where = where or places()
    sources = all_sources()
    check_drop(sources, where)
    for what in passed_over(sources, where):
        say(f"Not used: {what}.")
    present = [s for s in sources if not s.sample and folder_of(s, where) is not None]
    for source in sources:
        if source.installed and source not in present:
            say(f"Not used: {next(absences([source], where))}")
    table = _imported(present, where) if present else Table.empty({"inputs": {}})
    gaps = _estimates_for_gaps(table)
    if where.drop:
        _say_what_is_estimated(gaps, where.drop)
    table = table.with_columns(gaps)
    about = {"absent": list(absences(sources, where)), "accuracy": _sentence(table)}
    return table.with_provenance(**about)


def _say_what_is_estimated(gaps: list[Values], drop: Path) -> None:
    tests = [g.column.dataset for g in gaps if (g.column.split, g.column.epochs) == ("test", 200)]
    if tests:
        say(
            f"No file in {drop} gives the test accuracy on {', '.join(filter(None, tests))} after "
            "200 epochs: estimates stand for it."
        )


def _imported(present: list[Source], where: Places) -> Table:
    # In the order in which a kept table gives them back.
    inputs = dict(sorted((f.path, f.sha256 or f.md5_part) for s in present for f in s.files))
    cached = where.cache / f"imported-{_key(inputs)}.parquet"
    with contextlib.suppress(UserError):  # There is none, or it is damaged.
        kept = Table.open(cached)
        with contextlib.suppress(OSError):  # Only the order of deletion suffers.
            os.utime(cached)
        return kept
    read = read_present(
        present, lambda source: print(f"Reading {source} ...", file=sys.stderr), where
    )
    table = Table.empty({"inputs": inputs}).with_columns(
        Values(column, values, reason) for column, values, reason in read.columns.values()
    )
    try:
        table.write(cached)
        with contextlib.suppress(OSError):
            delete_oldest(where.cache.glob("imported-*.parquet"), KEPT)
    except UserError as error:
        say(f"The imported columns are not kept for the next time: {error}")
    return table


def _key(inputs: dict[str, str]) -> str:
    """Return a digest of the files and of the code that reads them."""
    return digest(inputs, code(("benchsuite",)))[:16]


def _estimates_for_gaps(table: Table) -> list[Values]:
    shipped = Table.open(ESTIMATES)
    whole = {
        column.stem
        for name, column in table.columns.items()
        if column.kind == "accuracy" and 2 * table.present(name) > len(table.values(name))
    }
    better = {item.column.stem: item for item in estimated_test(table, shipped)}
    return [
        better.get(column.stem) or Values(column, shipped.values(name))
        for name, column in shipped.columns.items()
        if column.stem not in whole
    ]


def _sentence(table: Table) -> str:
    """Return which accuracies are measured and which are estimates, in one line."""
    said: dict[str, list[str]] = {}
    for what, stem in _SAID.items():
        said.setdefault(_told(table, stem), []).append(what)
    told = "; ".join(f"{' and '.join(what)} {how}" for how, what in said.items())
    told = told.replace(_BOTH_SHORT, "12 epochs")
    return f"{told} (predictions of this project, not measurements)" * ("ESTIMATED" in told) or told


def _told(table: Table, stem: str) -> str:
    """Return how an accuracy is known on the datasets: alike, or of each."""
    told: dict[str, list[str]] = {}
    for dataset in DATASETS:
        column = table.column(f"{dataset}.{stem}")
        how = f"measured ({column.release})"
        if column.estimated:
            how = f"ESTIMATED from {_OF[column.release or '']}"
        told.setdefault(how, []).append(dataset)
    if len(told) == 1:
        return next(iter(told))
    return ", ".join(f"{how} on {', '.join(of)}" for how, of in told.items())
