"""Print what zero-cost proxies say of one cell."""

from __future__ import annotations

from pathlib import Path

import click

from benchsuite.cli import json_option, plugins_option, print_json
from benchsuite.cli.commands._lists import proxy_names
from benchsuite.cli.commands._network_options import network_options
from benchsuite.space.cell import Cell
from benchsuite.space.network import Skeleton


@click.command(
    epilog="Examples: benchsuite score 6111 --proxy naswot,zico "
    "| benchsuite score 6111 --proxy mine --plugins my_folder --json"
)
@click.argument("cell")
@click.option("--proxy", "proxies", multiple=True, help="Names, by commas; or all. [default: all]")
@network_options
@click.option("--repeat", default=0, show_default=True, help="Which weights and batches.")
@plugins_option
@json_option
def command(
    cell: str,
    proxies: tuple[str, ...],
    channels: int,
    cells_per_stage: int,
    resolution: int,
    classes: int,
    batch_size: int,
    seed: int,
    images: str | None,
    repeat: int,
    plugin_folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Score CELL, an index, an architecture string or ENCODING:DIGITS, with zero-cost proxies."""
    from benchsuite.proxies._scoring.passes import representative
    from benchsuite.proxies._tabulation import tabulate

    spec = tabulate.Spec(
        proxies=proxy_names(proxies) or tabulate.scoring_proxies(plugin_folders),
        skeleton=Skeleton(channels, cells_per_stage, resolution, classes),
        batch_size=batch_size,
        seed=seed,
        images=images,
        plugin_folders=tuple(plugin_folders),
    )
    wanted = Cell.parse(cell)
    scored_as = representative(wanted)
    row = tabulate.score_row(spec, scored_as.index, repeat)
    tabulate.report_failures([row], by_name=bool(proxies))
    facts = {
        "cell": wanted.index,
        "arch": wanted.arch,
        "scored_as": scored_as.arch,
        "scores": row["values"],
        "missing": row["reasons"],
        "seconds": row["seconds"],
        "settings": spec.settings(),
    }
    if as_json:
        print_json(facts)
        return
    click.echo(f"cell {wanted.index} {wanted.arch}")
    if scored_as != wanted:
        click.echo(f"scored as {scored_as.arch}, the same function")
    width = max(map(len, row["values"]))
    for name, value in row["values"].items():
        text = f"missing: {row['reasons'][name]}" if value is None else f"{value:.6g}"
        click.echo(f"{name:{width}}  {text}")
    batch = facts["settings"]["batch"]
    click.echo(f"{batch['size']} images ({batch['images']}), seed {seed}, repeat {repeat}")
