"""Replay a search strategy on the table under a simulated budget, over many seeds."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

from benchsuite.assembly.own_scores import Scores
from benchsuite.cli import json_option, plugins_option, print_json, scores_option
from benchsuite.cli.commands._cluster_option import cluster_option
from benchsuite.cli.commands._combinations import refuse
from benchsuite.cli.commands._the_table import the_table
from benchsuite.errors import UserError
from benchsuite.table.columns import DATASETS


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
@click.option(
    "--cells-per-stage", type=click.IntRange(1), help="Adds skeleton.params and skeleton.macs."
)
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True)
@click.option("--table", type=click.Path(path_type=Path), help="A table written earlier.")
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
    from benchsuite.parallel.pool import map_jobs
    from benchsuite.replays import jobs
    from benchsuite.replays.judgement import failures, judge, sources, summarise
    from benchsuite.simulation.problem import Setting, prepare
    from benchsuite.simulation.search import Budget
    from benchsuite.space.network import OFFICIAL, Skeleton

    if device is None:
        refuse("it is the runtime of a --device", "runtime")
    record = jobs.strategy_of(strategy, plugin_folders)
    parameters = jobs.checked_parameters(strategy, record, _pairs("--param", params))
    if budget_seconds is None and budget_queries is None:
        budget_seconds = 12_000.0
    budget = Budget(budget_seconds, budget_queries)
    setting = Setting(
        dataset=dataset,
        epochs=epochs,
        bounds={name: _number(name, value) for name, value in _pairs("--bound", bounds).items()},
        device=device,
        runtime=runtime,
        skeleton=(
            None
            if cells_per_stage is None
            else dataclasses.replace(
                OFFICIAL.get(dataset, Skeleton()), cells_per_stage=cells_per_stage
            )
        ),
    )
    data = the_table(table, scores, plugin_folders)
    problem = prepare(data, setting)
    job = jobs.Job(strategy, parameters, "it", budget, first_seed, seeds)
    parts = jobs.shards(job, -(-seeds // workers))
    shared = jobs.Shared({"it": problem}, plugin_folders)
    found = dict(map_jobs(jobs.answers, parts, shared, workers=workers, cluster=cluster))
    answers = [answer for at in sorted(found) for answer in found[at]]
    rows = judge(data, setting, answers)
    failed = failures(rows)
    if not any(answer.cells for answer in answers):
        raise UserError(f"{strategy} found nothing. {' '.join(failed)}")
    summary = summarise(rows)
    about: dict[str, Any] = {
        "strategy": strategy,
        "parameters": parameters,
        "source": record.source,
        "strategy_version": record.version,
        "charged": record.charged,
        "budget": dataclasses.asdict(budget),
        **problem.notes,
        "dataset": problem.dataset,
        "epochs": problem.epochs,
        "bounds": dict(problem.bounds),
        "feasible_cells": int(problem.feasible.sum()),
        "judged_by": sources(data),
        "table": data.checksum,
        "optimiser_seconds": sum(answer.optimiser_seconds for answer in answers),
        **data.provenance,
    }
    if as_json:
        runs = rows.to_dict("records")
        print_json({"summary": summary, "runs": runs, "provenance": about})
        return
    _print(summary, failed, about, data.provenance_line)


def _print(summary: dict[str, Any], failed: list[str], about: dict[str, Any], line: str) -> None:
    import pandas as pd

    from benchsuite.reporting.text import print_table
    from benchsuite.stats.intervals import NO_INTERVAL

    frame = pd.DataFrame.from_dict(summary, orient="index").rename_axis("what").reset_index()
    print_table(frame[["what", "mean", "std", "iqm", "lo", "hi", "n", "failed"]])
    if frame["lo"].isna().any():
        print(NO_INTERVAL)
    print("\n" + "\n".join([*failed, f"{about['strategy']}: {about['source']}."]))
    print(f"Queries: {about['queries']}. Clock: {about['clock']}.")
    if not about["charged"]:
        print("Nothing it looked at was charged: a bound, not a search.")
    print(line)


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
