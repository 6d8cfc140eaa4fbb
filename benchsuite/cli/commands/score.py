"""Print what zero-cost proxies say of one cell."""

from __future__ import annotations

from pathlib import Path

import click

from benchsuite.cli import examples, json_option, plugins_option, print_json
from benchsuite.cli.commands._lists import proxy_names
from benchsuite.cli.commands._network_options import network_options


@click.command(
    epilog=examples(
        "benchsuite score 6111 --proxy naswot,zico",
        "benchsuite score 6111 --proxy mine --plugins my_folder --json",
        "benchsuite score 6111 --device cuda",
    )
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
    dtype: str,
    unpruned: bool,
    device: str,
    repeat: int,
    plugin_folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Score CELL, an index, an architecture string or ENCODING:DIGITS, with zero-cost proxies."""
    from benchsuite.face import scoring

    scores = scoring.score(
        cell,
        proxy_names(proxies),
        channels=channels,
        cells_per_stage=cells_per_stage,
        resolution=resolution,
        classes=classes,
        batch_size=batch_size,
        seed=seed,
        repeat=repeat,
        images=images,
        dtype=dtype,
        unpruned=unpruned,
        device=device,
        plugins=plugin_folders,
    )
    if as_json:
        print_json(scores.to_json())
    else:
        print(scores)
