"""Correlate proxies with accuracy: Kendall tau-b with intervals, weighted, top-1000, Spearman."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchsuite.cli import json_option, plugins_option, print_json, scores_option
from benchsuite.cli.commands._combinations import refuse
from benchsuite.cli.commands._lists import listed, proxy_names
from benchsuite.table.columns import SPLITS

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
@click.option("--dataset", help="One or several; default: all that have the truth.")
@click.option(
    "--combine",
    type=click.IntRange(1, 3),
    help="Also find the pair (2) or triple (3) that ranks best together, cross-validated.",
)
@click.option(
    "--truth",
    default="best",
    show_default=True,
    help="The accuracy to judge by: test, validation, 12ep, int8.ptq, int8.qat, float, analog, "
    "robust.ATTACK.EPS, ...; best: measured test, else measured validation, else an estimate.",
)
@click.option(
    "--split", type=click.Choice(SPLITS), help="test, validation or both, whatever is measured."
)
@click.option("--resamples", type=int, default=1000, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--table", type=click.Path(path_type=Path), help="A table written earlier.")
@scores_option
@plugins_option
@json_option
def command(
    proxies: tuple[str, ...],
    cells: str,
    dataset: str | None,
    combine: int | None,
    truth: str,
    split: str | None,
    resamples: int,
    seed: int,
    table: Path | None,
    scores: Scores | None,
    plugin_folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Print rank correlations of proxies with accuracy, each with n, missing and an interval."""
    from benchsuite.face.ranking import correlate_rows
    from benchsuite.face.tables import load
    from benchsuite.ranking.truths import about_columns, datasets_with
    from benchsuite.reporting.text import print_table, records_text

    names = proxy_names(proxies)
    rules, datasets = (
        listed("--cells", [cells]),
        listed("--dataset", [] if dataset is None else [dataset]),
    )
    if table:
        refuse("--table has its columns already", "plugin_folders")
    if split:
        refuse("--split is a truth", "truth")
        truth = "validation" if split == "valid" else split
    data = load(table, scores=scores, plugins=() if table else plugin_folders)
    datasets = datasets or datasets_with(data, truth)
    rows = correlate_rows(
        data,
        names,
        datasets=datasets,
        cells=rules,
        truth=truth,
        resamples=resamples,
        seed=seed,
        plugins=plugin_folders,
    )
    together = _combined(data, names, rules, datasets, combine, truth, seed) if combine else None
    judged = about_columns(data, [row["accuracy"] for row in rows])
    about = {
        "table": data.checksum,
        "truth": judged,
        "resamples": resamples,
        "seed": seed,
        **data.provenance,
    }
    if as_json:
        found = {} if together is None else {"combinations": together.to_dict("records")}
        print_json({"rows": rows, **found, "provenance": about})
        return
    said = any(row["reason"] for row in rows)
    unsaid = {"ties_score", "ties_accuracy", *([] if said else ["reason"])}
    print(records_text([{k: v for k, v in row.items() if k not in unsaid} for row in rows]))
    if together is not None:
        print("\nBest by sum of ranks: mean tau on held-out functional classes, and its range:\n")
        print_table(together)
    print(f"Judged by {judged}.")
    print(data.provenance_line)


def _combined(
    data: Table,
    proxies: Sequence[str],
    cells: Sequence[str],
    datasets: Sequence[str],
    size: int,
    truth: str,
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
            truth=truth,
            seed=seed,
            finished=progress,
        )
        for rule in cells
        for dataset in datasets
    )
