"""Rank correlations of proxies with accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING

from benchsuite import plugins as plug_ins
from benchsuite.assembly.assemble import check_named
from benchsuite.errors import UserError
from benchsuite.face.tables import folders_of, given_or_loaded
from benchsuite.ranking.correlations import correlations
from benchsuite.table.columns import DATASETS, family
from benchsuite.table.table import Table

if TYPE_CHECKING:
    import pandas as pd


def correlate(
    table: Table | None = None,
    proxies: str | Sequence[str] = (),
    *,
    dataset: str | Sequence[str] = DATASETS,
    cells: str | Sequence[str] = "all",
    split: str = "test",
    resamples: int = 1000,
    seed: int = 0,
    plugins: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
) -> pd.DataFrame:
    """Return how well proxies rank the cells, a row per rule for cells, proxy and dataset.

    Each row has Kendall's tau-b with its 95 % bootstrap interval, weighted tau, Spearman's rho, tau
    of the best 1,000 cells and partial tau given FLOPs; see `ranking.correlations` for all columns.
    table: None for `load()`; proxies: names, all by default; cells: `all`, `connected` or `pruned`.
    Raises UserError for names that are not there, and for a proxy that nobody scored yet.

    >>> import benchsuite as bs
    >>> rows = bs.correlate(proxies="flops", dataset="cifar10", resamples=200)
    >>> rows[["proxy", "dataset"]].iloc[0].tolist()
    ['flops@1', 'cifar10']
    """
    names, folders = _names(proxies), folders_of(plugins)
    data = given_or_loaded(table, plugins)
    check_named(names, data, folders)
    _check_scored(data, names, folders)
    return correlations(
        data,
        names,
        cells=_names(cells),
        datasets=_names(dataset),
        split=split,
        resamples=resamples,
        seed=seed,
    )


def _names(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _check_scored(table: Table, names: Sequence[str], folders: Sequence[PathLike[str]]) -> None:
    """Raise UserError for a proxy that there is, but whose scores are not in the table."""
    there = {column.family for column in table.columns.values()}
    known = plug_ins.find("proxies", folders)
    for name in names:
        head = family(str(name))
        if head in known and head not in there:
            mine = "".join(f" --plugins {folder}" for folder in folders)
            raise UserError(
                f"The proxy {head} has no scores yet: `benchsuite tabulate --proxy {head}{mine}` "
                "makes them, and `benchsuite correlate` finds them then."
            )
