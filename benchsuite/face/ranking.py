"""Rank correlations of proxies with accuracy."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchsuite import plugins as plug_ins
from benchsuite.arguments import checked
from benchsuite.assembly.assemble import check_named
from benchsuite.errors import UserError
from benchsuite.face.tables import folders_of, given_or_loaded
from benchsuite.ranking.correlations import correlation_rows
from benchsuite.ranking.truths import BEST, datasets_with
from benchsuite.table.columns import family
from benchsuite.table.table import Table

if TYPE_CHECKING:
    import pandas as pd


@checked
def correlate(
    table: Table | None = None,
    proxies: str | Sequence[str] = (),
    *,
    dataset: str | Sequence[str] = (),
    cells: str | Sequence[str] = "all",
    truth: str | Sequence[str] = BEST,
    common: bool = False,
    resamples: int = 1000,
    seed: int = 0,
    plugins: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
) -> pd.DataFrame:
    """Return how well proxies rank the cells, a row per rule for cells, proxy and dataset.

    Each row has Kendall's tau-b with its 95 % bootstrap intervals, over cells and over functional
    classes, weighted tau, Spearman's rho, tau of the best 1,000 cells and partial tau given FLOPs;
    see `ranking.correlations` for all columns. table: None for `load()`; proxies: names, all by
    default; dataset: default, all that have the truth; cells: `all`, `connected` or `pruned`;
    common: compare all on the cells alone that every one of them has a score of; truth: one or
    several of `best` (measured test, else measured validation, else an estimate), `test`,
    `validation`, `12ep`, `int8.ptq`, ...: see `ranking.truths`. The column `accuracy` says which it
    was.
    Raises UserError for names that are not there, and for a proxy that nobody scored yet.

    >>> import benchsuite as bs
    >>> rows = bs.correlate(proxies="flops", dataset="cifar10", resamples=200)
    >>> rows[["proxy", "dataset"]].iloc[0].tolist()
    ['flops@1', 'cifar10']
    """
    import pandas as pd

    return pd.DataFrame(
        correlate_rows(
            given_or_loaded(table, plugins),
            _names(proxies),
            datasets=_names(dataset),
            cells=_names(cells),
            truths=_names(truth),
            common=common,
            resamples=resamples,
            seed=seed,
            plugins=folders_of(plugins),
        )
    )


def correlate_rows(
    table: Table,
    proxies: Sequence[str],
    *,
    datasets: Sequence[str],
    cells: Sequence[str],
    truths: Sequence[str],
    common: bool = False,
    resamples: int,
    seed: int,
    plugins: Sequence[Path] = (),
) -> list[dict[str, Any]]:
    """Return the rows of `correlate` as records, which need no pandas."""
    if not (cells and truths):
        raise UserError("A correlation needs at least one rule for cells and one truth.")
    check_named(proxies, table, plugins)
    _check_scored(table, proxies, plugins)
    return [
        {**row, "truth": truth}
        for truth in truths
        for row in correlation_rows(
            table,
            proxies,
            cells=cells,
            datasets=datasets or datasets_with(table, truth),
            truth=truth,
            common=common,
            resamples=resamples,
            seed=seed,
        )
    ]


def _names(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(dict.fromkeys(given))


def _check_scored(table: Table, names: Sequence[str], folders: Sequence[Path]) -> None:
    """Raise UserError for a proxy that there is, but whose scores are not in the table."""
    there = {column.family for column in table.columns.values()}
    lacking = [head for head in map(family, map(str, names)) if head not in there]
    known = plug_ins.find("proxies", folders) if lacking else {}
    for head in lacking:
        if head in known:
            mine = "".join(f" --plugins {shlex.quote(str(folder))}" for folder in folders)
            raise UserError(
                f"The proxy {head} has no scores yet: `benchsuite tabulate --proxy {head}{mine}` "
                "makes them; `benchsuite correlate` finds them then, in Python "
                '`bs.load(scores="out/proxies")` does.'
            )
