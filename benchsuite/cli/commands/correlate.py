"""Correlate proxies with accuracy: Kendall tau-b with intervals, weighted, top-1000, Spearman."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchsuite.cli import (
    Names,
    examples,
    json_option,
    plugins_option,
    print_json,
    print_wrapped,
    scores_option,
    short,
    table_option,
)
from benchsuite.cli.commands._combinations import refuse
from benchsuite.cli.commands._lists import listed, listed_or_all, proxy_names
from benchsuite.errors import UserError
from benchsuite.reporting.text import print_table
from benchsuite.table.columns import SPLITS

if TYPE_CHECKING:
    import pandas as pd

    from benchsuite.assembly.own_scores import Scores
    from benchsuite.table.table import Table


@click.command(
    epilog=examples(
        "benchsuite correlate --proxy flops,naswot --common",
        "benchsuite correlate --scores mine.csv --dataset cifar10",
        "benchsuite correlate --scores px32 --proxy naswot,dextr  # at 32x32",
        "benchsuite correlate --proxy all --dataset cifar100 --cells connected,pruned",
        "benchsuite correlate --proxy zico --truth int8.ptq,analog",
        "benchsuite correlate --proxy zico --truth robust.pgd.1  # after fetch",
        "benchsuite correlate --combine 2 --dataset cifar10 --json",
        "benchsuite correlate --proxy mine --plugins my-plugins",
    )
)
@click.option(
    "--proxy",
    "proxies",
    multiple=True,
    help="Names, by commas; or all. [default: the --scores beside flops, else all]",
)
@click.option(
    "--cells", default="all", show_default=True, help="all, connected, pruned; or several."
)
@click.option("--dataset", help="One or several. [default: all that have the truth]")
@click.option("--common", is_flag=True, help="Only the cells that all compared have a score of.")
@click.option(
    "--combine",
    type=click.IntRange(1, 3),
    help="Also find the pair (2) or triple (3) that ranks best together, cross-validated.",
)
@click.option(
    "--truth",
    default="best",
    show_default=True,
    help="The accuracy to judge by, one or several: test, validation, measured, 12ep, int8.ptq, "
    "int8.qat, float, analog, robust.ATTACK.EPS, ...; best: measured test, else measured "
    "validation, else an estimate.",
)
@click.option("--split", type=Names(SPLITS), help="test, validation or both, whatever is measured.")
@click.option("--resamples", type=int, default=1000, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@table_option
@scores_option
@plugins_option
@json_option
def command(
    proxies: tuple[str, ...],
    cells: str,
    dataset: str | None,
    common: bool,
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
    from benchsuite.cli.commands import _ranked
    from benchsuite.face.ranking import correlate_rows
    from benchsuite.face.tables import load
    from benchsuite.ranking.correlations import proxies_in, same_cells
    from benchsuite.ranking.truths import about_columns, datasets_with

    names, rules = proxy_names(proxies), listed("--cells", [cells])
    datasets = listed_or_all("--dataset", [] if dataset is None else [dataset])
    if table:
        refuse("--table has its columns already", "plugin_folders")
    if split:
        refuse("--split is a truth", "truth")
        truth = "validation" if split == "valid" else split
    truths = listed("--truth", [truth])
    if combine and len(truths) > 1:
        raise UserError(
            f"--combine chooses by one accuracy, not by {len(truths)}: give it one --truth."
        )
    data = load(table, scores=scores, plugins=() if table else plugin_folders)
    if scores and scores.named and not proxies:
        own = data.provenance.get("own_scores", {}).get("cells", {})
        names = tuple(dict.fromkeys((*own, *(n for n in ("flops@1",) if n in data))))
    rows = correlate_rows(
        data,
        names,
        datasets=datasets,
        cells=rules,
        truths=truths,
        common=common,
        resamples=resamples,
        seed=seed,
        plugins=plugin_folders,
    )
    judged = {
        by: about_columns(data, [row["accuracy"] for row in rows if row["truth"] == by])
        for by in truths
    }
    said = "; ".join(f"{by}: {it}" if len(truths) > 1 else it for by, it in judged.items())
    alike = common or same_cells(data, proxies_in(data, names), rules)
    together = None
    if combine:
        for_pairs = datasets or datasets_with(data, truths[0])
        together = _combined(data, names, rules, for_pairs, combine, truths[0], seed, common)
    if as_json:
        found = {} if together is None else {"combinations": together.to_dict("records")}
        about = {"truth": said, "resamples": resamples, "seed": seed, **short(data)}
        print_json({"rows": rows, **found, "same_cells": alike, "provenance": about})
        return
    _ranked.show(rows, alike)
    if together is not None:
        print("\nBest by sum of ranks: mean tau on held-out functional classes, and its range:\n")
        print_table(together)
        print()
        for sentence in _ranked.rests_on(together.to_dict("records")):
            print_wrapped(sentence)
    print_wrapped(f"Judged by {said}.")
    print_wrapped(data.provenance_line)


def _combined(
    data: Table,
    proxies: Sequence[str],
    cells: Sequence[str],
    datasets: Sequence[str],
    size: int,
    truth: str,
    seed: int,
    common: bool,
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
            common=common,
            finished=progress,
        )
        for rule in cells
        for dataset in datasets
    )
