"""Run a study: many searches named in a TOML file, resumed where they were stopped."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from benchsuite.assembly.own_scores import Scores
from benchsuite.cli import json_option, plugins_option, print_json, scores_option
from benchsuite.cli.commands._cluster_option import cluster_option
from benchsuite.cli.commands._out_option import out_folder

RESUMES = True  # Stopped, the same command goes on.


@click.command(
    epilog="Examples: benchsuite study baselines --seeds 20 | benchsuite study my.toml --workers 2"
)
@click.argument("named", metavar="STUDY")
@out_folder("out", default=Path("out/studies"))
@click.option("--seeds", type=click.IntRange(1), help="Seeds per search, not the study's own.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True)
@click.option("--table", type=click.Path(path_type=Path), help="A table written earlier.")
@scores_option
@cluster_option
@plugins_option
@json_option
def command(
    named: str,
    out: Path,
    seeds: int | None,
    workers: int,
    cluster: str | None,
    table: Path | None,
    scores: Scores | None,
    plugin_folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Run the searches of STUDY, judge them, and write runs.csv and summary.json.

    STUDY is a TOML file, or the name of a study that ships. Runs that fail are counted with their
    reason; where no run of any search answers anything, this ends with exit code 2.
    """
    import pandas as pd

    from benchsuite import plugins
    from benchsuite.face import searches
    from benchsuite.face.tables import load
    from benchsuite.reporting.text import print_table
    from benchsuite.stats.intervals import NO_INTERVAL

    data = load(table, scores=scores, plugins=() if table else plugin_folders)
    outcome = searches.study(
        named,
        data,
        seeds=seeds,
        out=out,
        workers=workers,
        cluster=cluster,
        plugins=plugin_folders,
        progress=_progress,
    )
    written = [out / outcome.study.name / name for name in ("runs.csv", "summary.json")]
    for label, why in outcome.failed.items():
        plugins.leave_out(f"Search {label} failed: {why}")
    if as_json:
        print_json({**outcome.to_json(), "files": [str(path) for path in written]})
        return
    rows = [
        {"search": label, "what": what, **{k: s[k] for k in ("mean", "std", "iqm", "lo", "hi")}}
        for label, summary in outcome.summary.items()
        for what, s in summary.items()
    ]
    print_table(frame := pd.DataFrame(rows))
    if len(frame) and frame["lo"].isna().any():
        print(NO_INTERVAL)
    print("\n".join([*outcome.failures(), ", ".join(map(str, written)), data.provenance_line]))


def _progress(done: int, jobs: int) -> None:
    print(f"{done} of {jobs} jobs done", file=sys.stderr, flush=True)
