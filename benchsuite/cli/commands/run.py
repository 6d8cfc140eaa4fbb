"""Tabulate all cells, run the studies, make every report and the page: the main job."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchsuite.cli import json_option, plugins_option, print_json, scores_option
from benchsuite.cli.commands._cluster_option import cluster_option
from benchsuite.cli.commands._combinations import refuse
from benchsuite.cli.commands._out_option import out_folder
from benchsuite.files import made_folder
from benchsuite.locks import held
from benchsuite.table.columns import DATASETS

if TYPE_CHECKING:
    from benchsuite.assembly.own_scores import Scores
    from benchsuite.replays.outcome import Outcome
    from benchsuite.reporting.page import MadeReport
    from benchsuite.table.table import Table

RESUMES = True  # Stopped, the same command goes on.
QUICK = (
    "A quick run: one seed per search, so searches have no intervals; searches by gradient descent "
    "whose study states their steps (UDC) take a quarter of them; figures are PNG alone."
)


@click.command(
    epilog="Examples: benchsuite run | benchsuite run --quick | benchsuite run --out results --json"
    " | benchsuite run --cluster dask://10.0.0.1:8786 --out shared/out"
)
@out_folder("out", default=Path("out"), help="For the table, the tables and figures, and the page.")
@click.option(
    "--quick",
    is_flag=True,
    help="One seed per search, UDC in a quarter of its steps, figures as PNG alone: to look at, "
    "not to report.",
)
@click.option("--seeds", type=click.IntRange(1), help="Seeds per search, not the studies' own.")
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="How many studies and reports at a time (default: one per core, if memory has room; per "
    "worker of a Dask cluster).",
)
@cluster_option
@scores_option
@plugins_option
@json_option
def command(
    out: Path,
    quick: bool,
    seeds: int | None,
    workers: int | None,
    cluster: str | None,
    scores: Scores | None,
    plugin_folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Tabulate all 15,625 cells, run the studies that reports need, make reports and the page."""
    if quick:
        refuse("--quick takes one seed per search", "seeds")
    lock = held(out / ".run.lock", f"The folder {out}", "Wait for it, or give another --out.")
    with made_folder(out), lock:
        _run(out, quick, seeds, workers, cluster, scores, plugin_folders, as_json)


def _run(
    out: Path,
    quick: bool,
    seeds: int | None,
    workers: int | None,
    cluster: str | None,
    scores: Scores | None,
    plugin_folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    from benchsuite import plugins
    from benchsuite.assembly.whole import whole_table
    from benchsuite.parallel import schedule
    from benchsuite.reporting import page, pipeline

    with pipeline.workers(workers, cluster or "") as (pool, number):
        asked = schedule.InThisProcess() if cluster else pool
        needs = asked.submit(pipeline.needs, plugin_folders)
        _say("Tabulating 15,625 cells ...")
        table = whole_table(plugin_folders, scores)
        table.write(out / pipeline.TABLE)
        work = pipeline.Making(out, plugin_folders, seeds, quick, cluster or "")
        found: dict[str, Outcome] = {}
        entries: list[MadeReport] = []
        for name, made in pipeline.run(work, pool, number, needs.result()):
            if isinstance(made, page.MadeReport):
                entries.append(made)
                if made.failed:
                    plugins.leave_out(f"No report {name}: {made.reason}")
                _say(made.title + (f": left out, {made.reason}" if made.result is None else ""))
            else:
                _say(f"Study {name}" + (f": left out, {made}" if isinstance(made, str) else ""))
                if isinstance(made, pipeline.Failed):
                    plugins.leave_out(f"No study {name}: {made}")
                if isinstance(made, str):
                    continue
                found[name] = made
                for label, why in made.failed.items():
                    plugins.leave_out(f"Study {name}, search {label} failed: {why}")
    outcomes = dict(sorted(found.items()))
    entries.sort(key=lambda entry: entry.name)
    notes = [f"This run took {seeds} seeds per search."] if seeds else []
    notes += [QUICK] if quick else []
    _say("The page ...")
    at = page.write(out / "index.html", table, entries, outcomes, notes)
    written = [path for name in outcomes for path in sorted((out / "studies" / name).glob("*.*"))]
    files = [at, out / pipeline.TABLE, *written, *(path for e in entries for path in e.files)]
    if as_json:
        print_json(_json(table, entries, files))
        return
    _print(table, entries)
    print(f"{len(files)} files below {out}. Open {at.resolve()} in a browser.")


def _json(table: Table, entries: Sequence[MadeReport], files: Sequence[Path]) -> dict[str, Any]:
    return {
        "files": [str(path) for path in files],
        "reports": {
            entry.name: {
                "title": entry.title,
                "answers": entry.answers,
                "group": entry.group,
                "notes": entry.result.notes,
                "files": [str(path) for path in entry.files],
                "tables": {
                    stem: rows.to_dict("records") for stem, rows in entry.result.tables.items()
                },
            }
            for entry in entries
            if entry.result is not None
        },
        "left_out": {entry.name: entry.reason for entry in entries if entry.result is None},
        "provenance": {**table.provenance, "table": table.checksum},
    }


def _print(table: Table, entries: Sequence[MadeReport]) -> None:
    from benchsuite.reporting.page import summary
    from benchsuite.reporting.text import print_table

    found = summary.summarise(table, entries)
    if found.proxies:
        print(
            f"Kendall tau-b with {found.ranked_by}, and its 95 % interval, all cells with a "
            f"score; the {len(found.proxies)} best of {found.proxies_in_all} proxies:\n"
        )
        print_table(_tau_rows(found.proxies))
    if found.fits:
        print(
            f"\nCells that fit each part under each runtime, and the best cell by "
            f"CIFAR-10 {found.best_by}:\n"
        )
        print_table(_fit_rows(found))
    for entry in found.missing:
        print(f"\nNot made: {entry.title}. {entry.reason}")
    print(f"\n{table.provenance_line}\n")


def _tau_rows(proxies: Sequence[Any]) -> Any:
    import pandas as pd

    rows = [
        {
            "proxy": proxy.name,
            **{
                dataset: f"{tau:.3f} " + (f"[{lo:.3f}, {hi:.3f}]" if lo == lo else "(no interval)")
                for dataset, (tau, lo, hi) in zip(DATASETS, proxy.taus, strict=True)
            },
        }
        for proxy in proxies
    ]
    return pd.DataFrame(rows)


def _fit_rows(found: Any) -> Any:
    import pandas as pd

    rows = [
        {
            "part": fit.device,
            "runtime": fit.runtime,
            **{s: _cells(fit, s) for s in found.skeletons},
            "best (official)": _best(fit),
            "int8": f"{fit.int8[0]:.2f}" if fit.int8 else "not measured",
            "float (same training)": f"{fit.int8[1]:.2f}" if fit.int8 else "not measured",
        }
        for fit in found.fits
    ]
    return pd.DataFrame(rows)


def _cells(fit: Any, skeleton: str) -> str:
    if skeleton not in fit.cells:
        return "-"
    more = fit.maybe.get(skeleton, 0)
    return f"{fit.cells[skeleton]:,}" + (f" to {fit.cells[skeleton] + more:,}" if more else "")


def _best(fit: Any) -> str:
    if not fit.best:
        return "-"
    return f"{fit.best[0]:.2f} (cell {fit.best[1]}{'' if fit.sure else ', may fit'})"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
