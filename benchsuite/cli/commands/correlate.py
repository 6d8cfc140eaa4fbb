"""Correlate proxies with accuracy: Kendall tau-b with intervals, weighted, top-1000, Spearman."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchsuite.cli import json_option, plugins_option, print_json, scores_option
from benchsuite.cli.commands._combinations import refuse
from benchsuite.cli.commands._lists import listed, proxy_names
from benchsuite.cli.commands._the_table import the_table
from benchsuite.table.columns import DATASETS, SPLITS

if TYPE_CHECKING:
    import pandas as pd

    from benchsuite.assembly.own_scores import Scores
    from benchsuite.table.table import Table


@click.command(
    epilog="Examples: benchsuite correlate --proxy flops | "
    "benchsuite correlate --cells all,connected,pruned --dataset cifar100 --json | "
    "benchsuite correlate --combine 2 --dataset cifar10 | "
    "benchsuite correlate --proxy mine --plugins ./my-plugins"
)
@click.option("--proxy", "proxies", multiple=True, help="Names, also separated by commas; or all.")
@click.option(
    "--cells", default="all", show_default=True, help="all, connected, pruned; or several."
)
@click.option("--dataset", default=",".join(DATASETS), show_default=True, help="One or several.")
@click.option(
    "--combine",
    type=click.IntRange(1, 3),
    help="Also find the pair (2) or triple (3) that ranks best together, cross-validated.",
)
@click.option("--split", type=click.Choice(SPLITS), default="test", show_default=True)
@click.option("--resamples", type=int, default=1000, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--table", type=click.Path(path_type=Path), help="A table written earlier.")
@scores_option
@plugins_option
@json_option
def command(
    proxies: tuple[str, ...],
    cells: str,
    dataset: str,
    combine: int | None,
    split: str,
    resamples: int,
    seed: int,
    table: Path | None,
    scores: Scores | None,
    plugin_folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Print rank correlations of proxies with accuracy, each with n, missing and an interval."""
    from benchsuite.face.ranking import correlate
    from benchsuite.reporting.text import print_table

    names = proxy_names(proxies)
    rules, datasets = listed("--cells", [cells]), listed("--dataset", [dataset])
    if table:
        refuse("--table has its columns already", "plugin_folders")
    data = the_table(table, scores, plugin_folders)
    rows = correlate(
        data,
        names,
        dataset=datasets,
        cells=rules,
        split=split,
        resamples=resamples,
        seed=seed,
        plugins=plugin_folders,
    )
    together = _combined(data, names, rules, datasets, combine, split, seed) if combine else None
    about = {
        "table": data.checksum,
        "resamples": resamples,
        "seed": seed,
        **data.provenance,
    }
    if as_json:
        found = {} if together is None else {"combinations": together.to_dict("records")}
        print_json({"rows": rows.to_dict("records"), **found, "provenance": about})
        return
    unsaid = [] if rows["reason"].any() else ["reason"]
    print_table(rows.drop(columns=["ties_score", "ties_accuracy", *unsaid]))
    if together is not None:
        print("\nBest by sum of ranks: mean tau on held-out functional classes, and its range:\n")
        print_table(together)
    print(data.provenance_line)


def _combined(
    data: Table,
    proxies: Sequence[str],
    cells: Sequence[str],
    datasets: Sequence[str],
    size: int,
    split: str,
    seed: int,
) -> pd.DataFrame:
    import sys

    import pandas as pd

    from benchsuite.ranking.combinations import best_combination

    def progress(done: int, folds: int) -> None:
        print(f"combinations: {done} of {folds} folds", file=sys.stderr, flush=True)

    return pd.concat(
        best_combination(
            data,
            proxies,
            size=size,
            dataset=dataset,
            cells=rule,
            split=split,
            seed=seed,
            finished=progress,
        )
        for rule in cells
        for dataset in datasets
    )
