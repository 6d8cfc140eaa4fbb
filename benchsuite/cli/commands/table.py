"""Write the table of all 15,625 cells as one Parquet file."""

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
)
from benchsuite.cli.commands._out_option import out_file


@click.command(
    epilog=examples(
        "benchsuite table",
        "benchsuite table --out cells.parquet",
        "python -c \"import benchsuite; print(benchsuite.load('out/table.parquet'))\"",
    )
)
@out_file(".parquet", default=Path("out/table.parquet"), show_default=True)
@out_file(
    ".json",
    ".jsonld",
    option="--card",
    help="Also write a dataset card of the table: Croissant, as JSON-LD.",
)
@scores_option
@plugins_option
@json_option
def command(
    out: Path,
    card: Path | None,
    scores: Scores | None,
    plugin_folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Write the table of all cells: classes, costs, accuracies and proxies, with provenance."""
    from benchsuite.assembly.whole import whole_table
    from benchsuite.table import card as dataset_card

    table = whole_table(plugin_folders, scores)
    table.write(out)
    if card is not None:
        dataset_card.write(table, out, card)
    if as_json:
        print_json(
            {
                "path": str(out),
                "columns": [column.to_json() for column in table.columns.values()],
                "checksum": table.checksum,
                "provenance": dict(table.provenance),
            }
        )
        return
    print_wrapped(f"{out}: {len(table.columns)} columns of 15,625 cells")
    print_wrapped(table.provenance_line)
