"""Search strategies replayed on the table, one by one or as a study names them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchsuite.arguments import checked
from benchsuite.errors import UserError
from benchsuite.face.tables import folders_of, given_or_loaded
from benchsuite.notations import plain
from benchsuite.parallel.pool import map_jobs
from benchsuite.parameters import check_seeds, check_whole
from benchsuite.provenance import environment, optional_versions
from benchsuite.replays import jobs
from benchsuite.replays.judgement import attainable, estimated, failures, judge, sources, summarise
from benchsuite.simulation.problem import prepare
from benchsuite.simulation.search import Budget
from benchsuite.simulation.setting import Setting
from benchsuite.space.network import OFFICIAL, Skeleton
from benchsuite.table.table import Table

if TYPE_CHECKING:
    import pandas as pd

    from benchsuite.replays.outcome import Outcome

TRAININGS = 100  # About what the 12,000 s of NAS-Bench-201 (section 5) buy of its 12-epoch queries.


@dataclass(frozen=True, eq=False)
class Replay:
    """What a strategy found over many seeds; its `repr` is what `benchsuite replay` prints.

    runs: a row per seed (`replays.judgement.judge`); summary: by column, statistics over the seeds;
    failed: sentences about the runs that failed; about: strategy, parameters, budget, bounds,
    provenance; line: the provenance in one line.
    """

    runs: pd.DataFrame
    summary: Mapping[str, Mapping[str, float]]
    failed: tuple[str, ...]
    about: Mapping[str, Any]
    line: str

    def to_json(self) -> dict[str, Any]:
        """Return summary, runs and provenance as plain values; what is not known is None."""
        runs = self.runs.to_dict("records")
        found: dict[str, Any] = plain(
            {"summary": self.summary, "runs": runs, "provenance": self.about}
        )
        return found

    def __repr__(self) -> str:
        from benchsuite.face.searches_text import text

        return text(self.runs, self.summary, self.failed, self.about, self.line)


@checked
def replay(
    strategy: str,
    table: Table | None = None,
    *,
    dataset: str = "cifar10",
    seconds: float | None = None,
    queries: int | None = None,
    epochs: int | None = None,
    seeds: int = 100,
    first_seed: int = 0,
    parameters: Mapping[str, Any] | None = None,
    bounds: Mapping[str, float] | None = None,
    device: str | None = None,
    runtime: str | None = None,
    cells_per_stage: int | None = None,
    workers: int = 1,
    cluster: str | None = None,
    plugins: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
) -> Replay:
    """Replay a search strategy on a table under a simulated budget, once per seed, and judge it.

    seconds, queries: the budget, simulated seconds, trainings, or both (100 trainings if neither is
    given); epochs: of a query, by default the fewest whose accuracy is measured; parameters: of the
    strategy, the paper's by default; bounds: column -> most that is allowed; device, runtime:
    complete the names of device columns and add them to the result; cells_per_stage: of
    another network than the official one, whose `flops`, `params`, `skeleton.params` and
    `skeleton.macs` the result has; workers: processes; cluster: where to run instead. Raises
    UserError for what does not fit the table, and where no run answers anything.

    >>> import benchsuite as bs
    >>> found = bs.replay("random", seconds=12_000, seeds=2)
    >>> list(found.runs["feasible"])
    [True, True]
    """
    folders = folders_of(plugins)
    check_seeds(first_seed, seeds)
    check_whole(workers, "The number of workers", low=1)
    plugin_files = jobs.read_anew(folders)
    record = jobs.strategy_of(strategy, folders)
    filled = jobs.checked_parameters(strategy, record, parameters or {})
    by_default = ["epochs"] if epochs is None else []
    if seconds is None and queries is None:
        queries = TRAININGS
        by_default.append("budget")
    budget = Budget(seconds, queries)
    skeleton = None
    if cells_per_stage is not None:
        whole = OFFICIAL.get(dataset, Skeleton())
        skeleton = dataclasses.replace(whole, cells_per_stage=cells_per_stage)
    setting = Setting(dataset, epochs, dict(bounds or {}), device, runtime, skeleton)
    data = given_or_loaded(table, plugins)
    problem = prepare(data, setting)
    job = jobs.Job(strategy, filled, "it", budget, first_seed, seeds)
    parts = jobs.shards(job, -(-seeds // workers))
    places = tuple(folder.resolve() for folder in folders)  # Workers of a cluster run elsewhere.
    shared = jobs.Shared({"it": problem}, places, plugin_files=plugin_files)
    by_part = dict(map_jobs(jobs.answers, parts, shared, workers=workers, cluster=cluster))
    answers = [answer for at in sorted(by_part) for answer in by_part[at]]
    rows = judge(data, setting, answers)
    failed = tuple(failures(rows))
    if not any(answer.cells for answer in answers):
        raise UserError(f"{strategy} found nothing. {' '.join(failed)}")
    judged_by = sources(data, problem.dataset)
    about = {
        "strategy": strategy,
        "parameters": filled,
        "source": record.source,
        "strategy_version": record.version,
        "charged": record.charged,
        "budget": dataclasses.asdict(budget),
        "by_default": by_default,
        **problem.notes,
        "dataset": problem.dataset,
        "epochs": problem.epochs,
        "bounds": dict(problem.bounds),
        "feasible_cells": int(problem.feasible.sum()),
        "judged_by": judged_by,
        "estimated": estimated(data, problem.dataset),
        "table": data.checksum,
        "optimiser_seconds": sum(answer.optimiser_seconds for answer in answers),
        **data.provenance,
        "made_by": {**environment(), "extras": optional_versions()},
    }
    return Replay(
        rows, summarise(rows, attainable(data, setting)), failed, about, data.provenance_line
    )


@checked
def study(
    named: str | PathLike[str],
    table: Table | None = None,
    *,
    seeds: int | None = None,
    out: str | PathLike[str] = "out/studies",
    workers: int = 1,
    cluster: str | None = None,
    plugins: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
    progress: Callable[[int, int], None] = lambda done, jobs: None,
) -> Outcome:
    """Run the searches of a study, or go on where it was stopped, judge them and write the result.

    named: a study that ships (`benchsuite ls studies`) or a TOML file; seeds: per search, not the
    study's own; out: below it the folder of the study gets `runs.csv`, `summary.json` and `jobs/`,
    where finished jobs are kept; workers, cluster: as for `replay`; progress: called with the jobs
    done and the jobs there are. Raises UserError for a study that does not fit the table, and
    where no search finds anything.

    >>> import benchsuite as bs
    >>> found = bs.study("baselines", seeds=1)
    >>> "rea" in found.summary
    True
    """
    from benchsuite.replays import outcome as outcomes
    from benchsuite.replays import study as studies

    folders = folders_of(plugins)
    chosen = studies.load(studies.find(named if isinstance(named, str) else Path(named), folders))
    data = given_or_loaded(table, plugins)
    folder = Path(out) / chosen.name
    found = outcomes.run(
        chosen,
        data,
        folder,
        seeds=seeds,
        workers=workers,
        cluster=cluster,
        plugin_folders=folders,
        progress=progress,
    )
    found.write(folder, data.provenance_line)
    if not any(cells for fronts in found.fronts.values() for cells in fronts):
        raise UserError(f"No search found anything. {' '.join(found.failures())}")
    return found
