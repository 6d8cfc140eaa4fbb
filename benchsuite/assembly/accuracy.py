"""The accuracies there are: the public files that are present, and this project's estimates.

Estimates stand in for a dataset and split only as long as no public file gives that accuracy.
What the public files held is kept in the user's cache, so they are parsed once.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchsuite.digest import code, digest
from benchsuite.errors import UserError
from benchsuite.sources._public_files import Places, check_drop, folder_of, places
from benchsuite.sources._read import absences, all_sources, read_present
from benchsuite.sources._source import Source
from benchsuite.table.columns import ESTIMATE
from benchsuite.table.table import Table, Values

ESTIMATES = Path(__file__).parents[1] / "data" / "estimates.parquet"


def accuracies(where: Places | None = None) -> Table:
    """Return a table of all accuracies and reference measurements that are present.

    Its provenance holds `accuracy`, the sentence every output repeats, `inputs` (file -> SHA-256)
    and `absent` (why a public data set was not read). Raises UserError for a damaged file, and if
    the folder that BENCHSUITE_DATA names holds no public data set or a part of one.
    """
    where = where or places()
    sources = all_sources()
    check_drop(sources, where)
    present = [s for s in sources if not s.sample and folder_of(s, where) is not None]
    table = _imported(present, where) if present else Table.empty({"inputs": {}})
    gaps = _estimates_for_gaps(table)
    if where.drop:
        _say_what_is_estimated(gaps, where.drop)
    table = table.with_columns(gaps)
    about = {"absent": list(absences(sources, where)), "accuracy": _sentence(table)}
    return Table(table.data, table.columns, {**table.provenance, **about})


def _say_what_is_estimated(gaps: list[Values], drop: Path) -> None:
    tests = [g.column.dataset for g in gaps if (g.column.split, g.column.epochs) == ("test", 200)]
    if tests:
        print(
            f"No file in {drop} gives the test accuracy on {', '.join(filter(None, tests))} after "
            "200 epochs: estimates stand for it.",
            file=sys.stderr,
        )


def _imported(present: list[Source], where: Places) -> Table:
    inputs = {file.path: file.sha256 or file.md5_part for s in present for file in s.files}
    cached = where.cache / f"imported-{_key(inputs)}.parquet"
    if cached.exists():
        return Table.open(cached)
    read = read_present(
        present, lambda source: print(f"Reading {source} ...", file=sys.stderr), where
    )
    table = Table.empty({"inputs": inputs}).with_columns(
        Values(column, values, reason) for column, values, reason in read.columns.values()
    )
    try:
        table.write(cached)
    except UserError as error:
        print(f"The imported columns are not kept for the next time: {error}", file=sys.stderr)
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
    return [
        Values(column, shipped.values(name))
        for name, column in shipped.columns.items()
        if column.stem not in whole
    ]


def _sentence(table: Table) -> str:
    releases = sorted(
        {
            table.column(column.stem).release or ""
            for name, column in table.columns.items()
            if column.kind == "accuracy" and column.split == "test" and column.epochs == 200
        }
    )
    measured = ", ".join(release for release in releases if release != ESTIMATE)
    if ESTIMATE not in releases:
        return f"measured ({measured})"
    estimated = "ESTIMATED accuracy (out-of-fold predictions of this project, not measurements)"
    return f"{estimated}; measured where there is any ({measured})" if measured else estimated
