"""`benchsuite devices check`: predicted against measured latency, board by board."""

from __future__ import annotations

import json

import click


@click.group("devices")
def command() -> None:
    """Examine the device profiles and their latency models."""


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
def check(as_json: bool) -> None:
    """Compare predicted with measured latency for every board and runtime that was measured."""
    from devices._validate import check as run

    found = run()
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=1))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Predicted against measured latency")
    for heading in ("board", "runtime", "n", "families", "MAE ms", "MAPE", "family out"):
        table.add_column(heading)
    for heading in ("Spearman", "tau", "tau family out"):
        table.add_column(heading)
    for row in found.rows:
        table.add_row(
            row.board + ("" if row.clock_stated else " (clock assumed)"),
            row.runtime,
            str(row.n),
            str(row.families),
            f"{row.mae_ms:.2f}",
            *(f"{share:.1%}" for share in (row.mape, row.mape_family_out)),
            *(f"{value:.2f}" for value in (row.spearman, row.tau, row.tau_family_out)),
        )
    Console().print(table)
    for reason, count in found.left_out.items():
        click.echo(f"Left out: {count} figures ({reason}).")
    click.echo(
        "The runtimes own and monas2024 are not compared: nobody measured the former's kernels on "
        "a board, and the latter's figures are no measurements."
    )
