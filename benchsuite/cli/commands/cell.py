"""Print everything known of one cell, with a drawing."""

from __future__ import annotations

from pathlib import Path

import click

from benchsuite.cli import json_option, plugins_option, print_json
from benchsuite.errors import UserError
from benchsuite.space.spellings import cell_of


@click.command(
    epilog="Examples: benchsuite cell 6111 | benchsuite cell hpo:333132 | "
    "benchsuite cell '(2, 2, 0, 2, 2, 3)' --json | benchsuite cell 64-41414-1_02_333 | "
    "benchsuite cell '|nor_conv_3x3~0|+...|' | "
    "benchsuite cell 6111 --layers --device stm32f746 --runtime tflm_cmsis_nn"
)
@click.argument("cell")
@click.option("--layers", is_flag=True, help="Its network on a device instead, a row per layer.")
@click.option("--device", help="Of the layers.")
@click.option("--runtime", default="", help="Of the layers. [default: the device's first]")
@click.option("--dataset", default="cifar10", show_default=True, help="Of the layers' network.")
@click.option("--skeleton", default="official", show_default=True, help="The same.")
@plugins_option
@json_option
def command(
    cell: str,
    layers: bool,
    device: str | None,
    runtime: str,
    dataset: str,
    skeleton: str,
    plugin_folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Print everything known of CELL.

    CELL is an index, an architecture string, ENCODING:DIGITS, six digits, a NASLib tuple, a
    TransNAS-Bench string, a genotype, or a matrix as str2matrix makes it.
    """
    from benchsuite.face import facts

    if layers:
        if not device:
            raise UserError("--layers needs a --device; `benchsuite ls devices` lists them.")
        from benchsuite.face.estimates import estimate, plain

        found = estimate(
            cell_of(cell),
            device=device,
            runtime=runtime or (),
            dataset=dataset,
            skeleton=skeleton,
            plugins=plugin_folders,
        )
        if as_json:
            print_json({"layers": [plain(row) for row in found.layer_rows()]})
        else:
            print(found.layers_text())
        return
    known = facts.cell(cell)
    if as_json:
        print_json(known.to_json())
    else:
        print(known.text())
