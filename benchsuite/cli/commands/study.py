"""Run a study: many searches named in a TOML file, resumed where they were stopped."""

from __future__ import annotations

from pathlib import Path

import click

from benchsuite.assembly.own_scores import Scores
from benchsuite.cli import (
    examples,
    json_option,
    plugins_option,
    print_json,
    print_wrapped,
    scores_option,
    table_option,
)
from benchsuite.cli.commands._cluster_option import cluster_option
from benchsuite.cli.commands._out_option import out_folder
from benchsuite.terminal import say

RESUMES = True  # Stopped, the same command goes on.


@click.command(
    epilog=examples(
        "benchsuite study baselines --seeds 20",
        "benchsuite study my.toml --workers 2",
    )
)
@click.argument("named", metavar="STUDY")
@out_folder("out", default=Path("out/studies"))
@click.option("--seeds", type=click.IntRange(1), help="Seeds per search, not the study's own.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True)
@table_option
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
    from benchsuite import plugins
    from benchsuite.face import searches, searches_text
    from benchsuite.face.tables import load
    from benchsuite.replays.judgement import estimated
    from benchsuite.reporting.text import aligned_within

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
    estimates = {
        entry.label: estimated(data, entry.setting.dataset) for entry in outcome.study.searches
    }
    rows = [
        {"search": label, **row}
        for label, summary in outcome.summary.items()
        for row in searches_text.rows(summary, estimates[label])
    ]
    text, left_out = aligned_within(rows, ("search", "what"))
    print(f"{text}\n")
    for note in searches_text.notes(rows, left_out):
        print_wrapped(note)
    for said in (*outcome.failures(), ", ".join(map(str, written)), data.provenance_line):
        print_wrapped(said)


def _progress(done: int, jobs: int) -> None:
    say(f"{done} of {jobs} jobs done")
