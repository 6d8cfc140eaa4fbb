"""Run a study: many searches named in a TOML file, resumed where they were stopped."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from benchsuite.cli import json_option, plugins_option, print_json
from benchsuite.commands._cluster_option import cluster_option


@click.command(
    epilog="Examples: benchsuite study my.toml | benchsuite study my.toml --workers 2 --out results"
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("out/studies"),
    show_default=True,
)
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True)
@click.option("--table", type=click.Path(path_type=Path), help="A table written earlier.")
@cluster_option
@plugins_option
@json_option
def command(
    file: Path,
    out: Path,
    workers: int,
    cluster: str | None,
    table: Path | None,
    plugin_folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Run the searches of FILE, judge them, and write runs.csv and summary.json."""
    import json

    import pandas as pd

    from benchsuite import study
    from benchsuite.assemble import assemble
    from benchsuite.judge import judge, sources, summarise
    from benchsuite.record import environment
    from benchsuite.show import print_table
    from benchsuite.table import Table, write_atomically

    plan = study.load(file)
    data = Table.open(table) if table else assemble(plugin_folders)
    planned = study.plan(plan, data, plugin_folders)
    about = {
        "study": plan.name,
        "study_digest": plan.digest,
        "table": data.checksum,
        "made_by": environment(),
        "judged_by": sources(data),
        **{k: v for k, v in data.provenance.items() if k != "made_by"},
    }
    folder = out / plan.name
    found = study.run(
        planned,
        folder / "jobs",
        traces=plan.traces,
        workers=workers,
        cluster=cluster,
        plugin_folders=plugin_folders,
        provenance={"study": plan.name, "table": data.checksum},
        progress=_progress,
    )
    judged = {
        entry.label: judge(data, entry.setting, answers)
        for entry, answers in zip(plan.searches, found, strict=True)
    }
    summaries = {label: summarise(rows) for label, rows in judged.items()}
    runs = pd.concat([rows.assign(search=label) for label, rows in judged.items()])
    result = {
        "summary": summaries,
        "searches": {entry.label: study.described(entry) for entry in plan.searches},
        "provenance": about,
    }
    csv = f"# {data.provenance_line}\n" + runs.to_csv(index=False, lineterminator="\n")
    text = json.dumps(result, indent=2, sort_keys=True)
    write_atomically(folder / "runs.csv", lambda part: Path(part).write_text(csv, "utf-8"))
    write_atomically(folder / "summary.json", lambda part: Path(part).write_text(text, "utf-8"))
    if as_json:
        print_json({**result, "files": [str(folder / "runs.csv"), str(folder / "summary.json")]})
        return
    rows = [
        {"search": label, "what": what, **{k: s[k] for k in ("mean", "std", "iqm", "lo", "hi")}}
        for label, summary in summaries.items()
        for what, s in summary.items()
    ]
    print_table(pd.DataFrame(rows))
    print(f"{folder}/runs.csv, summary.json\n{data.provenance_line}")


def _progress(done: int, jobs: int) -> None:
    print(f"{done} of {jobs} jobs done", file=sys.stderr, flush=True)
