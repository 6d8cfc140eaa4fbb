"""Run a study: many searches named in a TOML file, resumed where they were stopped."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from benchsuite.cli import json_option, plugins_option, print_json
from benchsuite.commands._cluster_option import cluster_option


@click.command(
    epilog="Examples: benchsuite study baselines --seeds 20 | benchsuite study my.toml --workers 2"
)
@click.argument("named", metavar="STUDY")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("out/studies"),
    show_default=True,
)
@click.option("--seeds", type=click.IntRange(1), help="Seeds per search, not the study's own.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True)
@click.option("--table", type=click.Path(path_type=Path), help="A table written earlier.")
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
    plugin_folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Run the searches of STUDY, judge them, and write runs.csv and summary.json.

    STUDY is a TOML file, or the name of a study that ships.
    """
    import pandas as pd

    from benchsuite import outcomes, study
    from benchsuite.assemble import assemble
    from benchsuite.intervals import NO_INTERVAL
    from benchsuite.show import print_table
    from benchsuite.table import Table

    chosen = study.load(study.find(named, plugin_folders))
    data = Table.open(table) if table else assemble(plugin_folders)
    outcome = outcomes.run(
        chosen,
        data,
        out / chosen.name,
        seeds=seeds,
        workers=workers,
        cluster=cluster,
        plugin_folders=plugin_folders,
        progress=_progress,
    )
    written = outcome.write(out / chosen.name, data.provenance_line)
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
    print(f"{', '.join(map(str, written))}\n{data.provenance_line}")


def _progress(done: int, jobs: int) -> None:
    print(f"{done} of {jobs} jobs done", file=sys.stderr, flush=True)
