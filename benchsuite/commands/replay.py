"""Replay a search strategy on the table under a simulated budget, over many seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from benchsuite.cli import json_option, plugins_option, print_json
from benchsuite.columns import DATASETS
from benchsuite.commands._cluster_option import cluster_option


@click.command(
    epilog="Examples: benchsuite replay rea --budget-seconds 12000 --seeds 200 | "
    "benchsuite replay random --dataset cifar100 --bound cifar100.flops=1e8 --json | "
    "benchsuite replay munas --budget-queries 2000 --param population=50"
)
@click.argument("strategy")
@click.option("--dataset", default=DATASETS[0], show_default=True)
@click.option("--budget-seconds", type=float, help="Simulated seconds. [default: 12000]")
@click.option("--budget-queries", type=int, help="Trainings, instead of or besides seconds.")
@click.option("--epochs", type=int, help="Of a query. [default: the fewest the table has]")
@click.option("--seeds", type=click.IntRange(1), default=100, show_default=True)
@click.option("--first-seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="May be repeated.")
@click.option("--bound", "bounds", multiple=True, metavar="COLUMN=MAX", help="May be repeated.")
@click.option("--device", help="Completes names of device columns and adds them to the result.")
@click.option("--runtime", help="Of the device.")
@click.option("--cells-per-stage", type=int, help="Adds skeleton.params and skeleton.macs.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True)
@click.option("--table", type=click.Path(path_type=Path), help="A table written earlier.")
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
    plugin_folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Replay STRATEGY and judge what it finds: accuracy, costs, regret, with intervals."""
    from benchsuite import jobs
    from benchsuite.assemble import assemble
    from benchsuite.judge import judge, sources, summarise
    from benchsuite.network import Skeleton
    from benchsuite.pool import map_jobs
    from benchsuite.problem import Setting, prepare
    from benchsuite.replay import Budget, provenance
    from benchsuite.table import Table

    record = jobs.strategy_of(strategy, plugin_folders)
    parameters = jobs.checked_parameters(strategy, record, dict(map(_pair, params)))
    if budget_seconds is None and budget_queries is None:
        budget_seconds = 12_000.0
    budget = Budget(budget_seconds, budget_queries)
    setting = Setting(
        dataset=dataset,
        epochs=epochs,
        bounds={name: _number(name, value) for name, value in map(_pair, bounds)},
        device=device,
        runtime=runtime,
        skeleton=Skeleton(cells_per_stage=cells_per_stage) if cells_per_stage else None,
    )
    data = Table.open(table) if table else assemble(plugin_folders)
    problem = prepare(data, setting)
    job = jobs.Job(strategy, parameters, "it", budget, first_seed, seeds)
    parts = jobs.shards(job, -(-seeds // workers))
    shared = jobs.Shared({"it": problem}, plugin_folders)
    found = dict(map_jobs(jobs.answers, parts, shared, workers=workers, cluster=cluster))
    answers = [answer for at in sorted(found) for answer in found[at]]
    rows = judge(data, setting, answers)
    summary = summarise(rows)
    about: dict[str, Any] = {
        "strategy": strategy,
        "parameters": parameters,
        "source": record.source,
        **provenance(record, problem, budget),
        "judged_by": sources(data),
        "table": data.checksum,
        "optimiser_seconds": sum(answer.optimiser_seconds for answer in answers),
        **data.provenance,
    }
    if as_json:
        runs = rows.to_dict("records")
        print_json({"summary": summary, "runs": runs, "provenance": about})
        return
    _print(summary, about, data.provenance_line)


def _print(summary: dict[str, Any], about: dict[str, Any], line: str) -> None:
    import pandas as pd

    from benchsuite.intervals import NO_INTERVAL
    from benchsuite.show import print_table

    frame = pd.DataFrame.from_dict(summary, orient="index").rename_axis("what").reset_index()
    print_table(frame[["what", "mean", "std", "iqm", "lo", "hi", "n", "failed"]])
    if frame["lo"].isna().any():
        print(NO_INTERVAL)
    print(f"\n{about['strategy']}: {about['source']}.")
    print(f"Queries: {about['queries']}. Clock: {about['clock']}.")
    if not about["charged"]:
        print("Nothing it looked at was charged: a bound, not a search.")
    print(line)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"{text!r} is not of the form NAME=VALUE.")
    return name.strip(), value.strip()


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise click.UsageError(f"The bound on {name} is a number, not {text!r}.") from None
