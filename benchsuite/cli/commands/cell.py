"""Print everything known of one cell, with a drawing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchsuite.cli import (
    examples,
    json_option,
    plugins_option,
    print_json,
    scores_option,
    table_option,
)
from benchsuite.cli.commands._combinations import refuse
from benchsuite.cli.commands._lists import listed_or_all
from benchsuite.errors import UserError
from benchsuite.space.spellings import cell_of

if TYPE_CHECKING:
    from benchsuite.assembly.own_scores import Scores


@click.command(
    epilog=examples(
        "benchsuite cell 6111",
        "benchsuite cell hpo:333132 --device stm32l432,stm32f746 --skeleton mcu",
        "benchsuite cell '(2, 2, 0, 2, 2, 3)' --json",
        "benchsuite cell 64-41414-1_02_333 --all",
        "benchsuite cell 6111 --layers --device stm32f746 --runtime tflm_cmsis_nn",
    )
)
@click.argument("cell")
@click.option("--all", "whole", is_flag=True, help="Every accuracy and every column of the table.")
@click.option("--layers", is_flag=True, help="Its network on a device instead, a row per layer.")
@click.option("--device", "devices", multiple=True, help="Names, by commas. [default: all]")
@click.option("--runtime", "runtimes", multiple=True, help="Names, by commas. [default: all]")
@click.option("--dataset", default="cifar10", show_default=True, help="Of the network on parts.")
@click.option("--skeleton", default="official", show_default=True, help="The same; or mcu.")
@table_option
@scores_option
@plugins_option
@json_option
def command(
    cell: str,
    whole: bool,
    layers: bool,
    devices: tuple[str, ...],
    runtimes: tuple[str, ...],
    dataset: str,
    skeleton: str,
    table: Path | None,
    scores: Scores | None,
    plugin_folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Print everything known of CELL: costs, accuracies and proxies with ranks, needs on parts.

    CELL is an index, an architecture string, ENCODING:DIGITS, six digits, a NASLib tuple, a
    TransNAS-Bench string, a genotype, or a matrix as str2matrix makes it.
    """
    from benchsuite.face import facts
    from benchsuite.face.tables import load

    device, runtime = listed_or_all("--device", devices), listed_or_all("--runtime", runtimes)
    if layers:
        refuse("--layers shows the network alone", "whole", "table", "scores")
        _layers(cell, device, runtime, dataset, skeleton, plugin_folders, as_json)
        return
    chosen = cell_of(cell)
    known = facts.cell(
        chosen,
        load(table, scores=scores, plugins=() if table else plugin_folders)
        if table or scores
        else None,
        device=device,
        runtime=runtime,
        dataset=dataset,
        skeleton=skeleton,
        plugins=plugin_folders,
    )
    if as_json:
        print_json(known.to_json())
    else:
        print(known.text(whole=whole))


def _layers(
    cell: str,
    device: tuple[str, ...],
    runtime: tuple[str, ...],
    dataset: str,
    skeleton: str,
    folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    from benchsuite.face.estimates import estimate, plain

    if len(device) != 1 or len(runtime) > 1:
        raise UserError(
            "--layers needs one --device and at most one --runtime; `benchsuite ls devices` lists "
            "the devices."
        )
    found = estimate(
        cell_of(cell),
        device=device,
        runtime=runtime,
        dataset=dataset,
        skeleton=skeleton,
        plugins=folders,
    )
    if as_json:
        print_json({"layers": [plain(row) for row in found.layer_rows()]})
    else:
        print(found.layers_text())
