"""Tabulate all cells and make every report: the main job."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from benchsuite.cli import json_option, plugins_option, print_json, scores_option
from benchsuite.columns import DATASETS


@click.command(epilog="Examples: benchsuite run | benchsuite run --out results --json")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("out"),
    show_default=True,
    help="The folder for the table, the tables and figures.",
)
@scores_option
@plugins_option
@json_option
def command(
    out: Path, scores: Path | None, plugin_folders: tuple[Path, ...], as_json: bool
) -> None:
    """Tabulate all 15,625 cells, correlate the proxies with accuracy, and make every report."""
    from benchsuite import artefacts, plugins
    from benchsuite.assemble import assemble

    _say("Tabulating 15,625 cells ...")
    table = assemble(plugin_folders, scores)
    table.write(out / "table.parquet")
    written = [out / "table.parquet"]
    results: dict[str, Any] = {}
    for name, plugin in plugins.find("reports", plugin_folders).items():
        _say(f"{plugin.description.rstrip('.')} ...")
        results[name] = plugins.load("reports", name, plugin_folders).make(table)
        written += artefacts.write(results[name], out / "reports", table.provenance_line)
    if as_json:
        print_json(
            {
                "files": [str(path) for path in written],
                "reports": {
                    name: {
                        "notes": result.notes,
                        "tables": {
                            stem: rows.to_dict("records") for stem, rows in result.tables.items()
                        },
                    }
                    for name, result in results.items()
                },
                "provenance": {**table.provenance, "table": table.checksum},
            }
        )
        return
    _summary(results["correlations"].tables["correlations"], table.estimated)
    print("\n" + results["correlations"].notes[-1])
    _fits(results["device_fit"].tables["device_fit"], table.estimated)
    print(f"\n{table.provenance_line}")
    print(f"\n{len(written)} files, the first of them:")
    print("\n".join(f"  {path}" for path in written[:6]))


def _summary(rows: Any, estimated: bool) -> None:
    from benchsuite.show import print_table

    kind = "ESTIMATED test accuracy" if estimated else "test accuracy"
    print(f"Kendall tau-b of each proxy with {kind} (200 epochs), 95 % interval:\n")
    rows = rows[rows["cells"] == "all"]
    rows = rows.assign(
        tau=[f"{r.tau:.3f} [{r.lo:.3f}, {r.hi:.3f}]" for r in rows.itertuples()],
        cells=[f"{r.cells} ({r.n:,} used, {r.missing} missing)" for r in rows.itertuples()],
    )
    wide = rows.pivot_table(
        index=["cells", "proxy"], columns="dataset", values="tau", aggfunc="first", sort=False
    )
    print_table(wide.reset_index())


def _fits(rows: Any, estimated: bool) -> None:
    from benchsuite.show import print_table

    kind = "ESTIMATED test accuracy" if estimated else "test accuracy"
    print(f"\nCells that fit each device, and the best {kind} among them (index):\n")
    rows = rows[rows["skeleton"] == "official"]
    for dataset in DATASETS:
        rows = rows.assign(
            **{
                dataset: [
                    f"{row[f'best {dataset}']:.2f} ({row[f'index {dataset}']})"
                    for row in rows.to_dict("records")
                ]
            }
        )
    print_table(rows[["device", "runtime", "cells", *DATASETS]])


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
