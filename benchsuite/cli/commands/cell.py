"""Print everything known of one cell, with a drawing."""

from __future__ import annotations

import click

from benchsuite.cli import json_option, print_json


@click.command(
    epilog="Examples: benchsuite cell 6111 | benchsuite cell hpo:333132 | "
    "benchsuite cell '(2, 2, 0, 2, 2, 3)' --json | benchsuite cell 64-41414-1_02_333 | "
    "benchsuite cell '|nor_conv_3x3~0|+...|'"
)
@click.argument("cell")
@json_option
def command(cell: str, as_json: bool) -> None:
    """Print everything known of CELL.

    CELL is an index, an architecture string, ENCODING:DIGITS, six digits, a NASLib tuple, a
    TransNAS-Bench string, a genotype, or a matrix as str2matrix makes it.
    """
    from benchsuite.face import facts

    known = facts.cell(cell)
    if as_json:
        print_json(known.to_json())
    else:
        print(known.text())
