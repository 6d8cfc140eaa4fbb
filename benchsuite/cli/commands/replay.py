"""Replay a search strategy on the table under a simulated budget, over many seeds."""

from __future__ import annotations

from pathlib import Path

import click

from benchsuite.assembly.own_scores import Scores
from benchsuite.cli import (
    examples,
    json_option,
    plugins_option,
    print_json,
    scores_option,
    table_option,
)
from benchsuite.cli.commands._cluster_option import cluster_option
from benchsuite.cli.commands._combinations import refuse
from benchsuite.table.columns import DATASETS


@click.command(
    epilog=examples(
        "benchsuite replay rea --epochs 12 --budget-seconds 12000 --seeds 200",
        "benchsuite replay random --dataset cifar100 --bound flops=1e8 --json",
        "benchsuite replay oracle --device stm32l432 --runtime own --bound latency=1",
        "benchsuite replay munas --budget-queries 2000 --param population=50",
    )
)
@click.argument("strategy")
@click.option("--dataset", default=DATASETS[0], show_default=True)
@click.option("--budget-seconds", type=float, help="Simulated seconds.")
@click.option(
    "--budget-queries",
    type=int,
    help="Trainings, instead of or besides seconds. [default: 100, where no seconds are given]",
)
@click.option(
    "--epochs",
    type=int,
    help="Of a query. [default: the fewest measured: 200, with fetched files 12]",
)
@click.option("--seeds", type=click.IntRange(1), default=100, show_default=True)
@click.option("--first-seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="May be repeated.")
@click.option("--bound", "bounds", multiple=True, metavar="COLUMN=MAX", help="May be repeated.")
@click.option("--device", help="Completes names of device columns and adds them to the result.")
@click.option("--runtime", help="Of the device.")
@click.option(
    "--cells-per-stage",
    type=click.IntRange(1),
    help="Of another network: adds skeleton.params and skeleton.macs; flops and params are its.",
)
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True)
@table_option
@scores_option
@cluster_option
@plugins_option
@json_option
def command(
    strategy: str,
    dataset: str,
    budget_seconds: float | None,
    budget_queries: int | None,
    epochs: int | None,
    seeds: int,
    first_seed: int,
    params: tuple[str, ...],
    bounds: tuple[str, ...],
    device: str | None,
    runtime: str | None,
    cells_per_stage: int | None,
    workers: int,
    cluster: str | None,
    table: Path | None,
    scores: Scores | None,
    plugin_folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Replay STRATEGY and judge what it finds: accuracy, costs, regret, with intervals.

    Runs that fail are counted with their reason. Where no run answers anything, for example
    because the budget is below the cheapest training, this ends with exit code 2.
    """
    from benchsuite.face import searches
    from benchsuite.face.tables import load

    if device is None:
        refuse("it is the runtime of a --device", "runtime")
    given = _pairs("--param", params)
    limits = {name: _number(name, value) for name, value in _pairs("--bound", bounds).items()}
    replayed = searches.replay(
        strategy,
        load(table, scores=scores, plugins=() if table else plugin_folders),
        dataset=dataset,
        seconds=budget_seconds,
        queries=budget_queries,
        epochs=epochs,
        seeds=seeds,
        first_seed=first_seed,
        parameters=given,
        bounds=limits,
        device=device,
        runtime=runtime,
        cells_per_stage=cells_per_stage,
        workers=workers,
        cluster=cluster,
        plugins=plugin_folders,
    )
    if as_json:
        print_json(replayed.to_json())
    else:
        print(replayed)


def _pairs(option: str, texts: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name:
            raise click.UsageError(f"{text!r} is not of the form NAME=VALUE.")
        if name in found:
            raise click.UsageError(f"{option} sets {name} twice, to {found[name]} and {value}.")
        found[name] = value
    return found


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise click.UsageError(f"The bound on {name} is a number, not {text!r}.") from None
