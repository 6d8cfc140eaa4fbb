"""Correlate proxies with accuracy: Kendall tau-b with intervals, weighted, top-1000, Spearman."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchsuite.cli import json_option, plugins_option, print_json, scores_option
from benchsuite.columns import DATASETS, SPLITS

if TYPE_CHECKING:
    import pandas as pd

    from benchsuite.table import Table


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
@click.option("--resamples", type=click.IntRange(1), default=1000, show_default=True)
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
    scores: Path | None,
    plugin_folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Print rank correlations of proxies with accuracy, each with n, missing and an interval."""
    from benchsuite.assemble import assemble, check_named
    from benchsuite.correlate import correlations
    from benchsuite.show import print_table
    from benchsuite.table import Table

    data = Table.open(table) if table else assemble(plugin_folders, scores)
    check_named(_listed(",".join(proxies)), data, plugin_folders)
    rows = correlations(
        data,
        _listed(",".join(proxies)),
        cells=_listed(cells),
        datasets=_listed(dataset),
        split=split,
        resamples=resamples,
        seed=seed,
    )
    together = (
        _combined(data, _listed(",".join(proxies)), _listed(cells), _listed(dataset), combine, seed)
        if combine
        else None
    )
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
    print_table(rows.drop(columns=["ties_score", "ties_accuracy"]))
    if together is not None:
        print("\nBest by sum of ranks: mean tau on held-out functional classes, and its range:\n")
        print_table(together)
    print(data.provenance_line)


def _combined(
    data: Table, proxies: list[str], cells: list[str], datasets: list[str], size: int, seed: int
) -> pd.DataFrame:
    import sys

    import pandas as pd

    from benchsuite.combine import best_combination

    def progress(done: int, folds: int) -> None:
        print(f"combinations: {done} of {folds} folds", file=sys.stderr, flush=True)

    return pd.concat(
        best_combination(
            data, proxies, size=size, dataset=dataset, cells=rule, seed=seed, finished=progress
        )
        for rule in cells
        for dataset in datasets
    )


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
