"""Find the most accurate cells for a device within your limits, under each runtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path

import click

from benchsuite.cli import examples, json_option, plugins_option, print_json, table_option
from benchsuite.cli.commands._lists import listed_or_all
from benchsuite.cli.commands._progress import progress
from benchsuite.reporting.quantities import ENERGY, SIZE, TIME, parse
from benchsuite.table.columns import DATASETS

FEW = 20  # Cells per runtime that are priced within two seconds.
_Parsed = Callable[[click.Context, click.Parameter, str | None], float | None]


def _amount(units: Mapping[str, float], example: str) -> _Parsed:
    return lambda _, __, text: None if text is None else parse(text, units, example)


@click.command(
    epilog=examples(
        "benchsuite best --device stm32l432 --latency 200ms --ram 48k",
        "benchsuite best --device stm32l432 --skeleton mcu --runtime own --top 10",
        "benchsuite best --device stm32l4r5 --energy 5mJ --accuracy int8 --json",
    )
)
@click.option("--device", required=True, help="A part; 'benchsuite ls devices' lists them.")
@click.option("--latency", callback=_amount(TIME, "200ms"), metavar="TIME", help="As in 200ms.")
@click.option("--ram", callback=_amount(SIZE, "48k"), metavar="SIZE", help="As in 48k: 48 KiB.")
@click.option("--flash", callback=_amount(SIZE, "256k"), metavar="SIZE", help="As in 256k.")
@click.option("--energy", callback=_amount(ENERGY, "5mJ"), metavar="ENERGY", help="As in 5mJ.")
@click.option("--runtime", "runtimes", multiple=True, help="Names, by commas; or all.")
@click.option(
    "--accuracy",
    "--truth",
    "accuracy",
    default="best",
    show_default=True,
    help="Which one: measured, int8, int8.qat, test, validation, ...; best: measured test, else "
    "measured validation, else an estimate.",
)
@click.option("--dataset", default=DATASETS[0], show_default=True, help="Of the network.")
@click.option("--skeleton", default="official", show_default=True, help="official or mcu.")
@click.option(
    "--top", type=click.IntRange(1), default=1, show_default=True, help="Cells per runtime."
)
@table_option
@plugins_option
@json_option
def command(
    device: str,
    latency: float | None,
    ram: float | None,
    flash: float | None,
    energy: float | None,
    runtimes: tuple[str, ...],
    accuracy: str,
    dataset: str,
    skeleton: str,
    top: int,
    table: Path | None,
    plugin_folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Print the best cell for a device under each of its runtimes, within your limits.

    Limits are never above the part's own memories. A row says index, operators, accuracy, latency,
    RAM, flash, energy, and whether it fits for sure: under X-CUBE-AI RAM is a range. Below stand
    how the runtimes disagree, and the more accurate cell that fails by the least.
    """
    from benchsuite.face import choices
    from benchsuite.face.tables import load

    few = nullcontext(lambda done, cells: None)
    with progress("priced") if top > FEW else few as show:
        found = choices.best(
            load(table) if table else None,
            device=device,
            runtime=listed_or_all("--runtime", runtimes),
            latency=latency,
            ram=ram,
            flash=flash,
            energy=energy,
            accuracy=accuracy,
            dataset=dataset,
            skeleton=skeleton,
            top=top,
            plugins=plugin_folders,
            progress=show,
        )
    if as_json:
        print_json(found.to_json())
    else:
        print(found)
