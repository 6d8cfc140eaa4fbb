"""Options of the commands that score networks: skeleton, batch, seed, images, proxies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec

import click

from benchsuite.cli import Names
from benchsuite.passes import RUNS_ON
from benchsuite.space.network import Skeleton

P = ParamSpec("P")


def network_options(function: Callable[P, Any]) -> Callable[P, Any]:
    """Add --channels, --cells-per-stage, --resolution, --classes, --batch-size, --seed, --images,
    --dtype, --unpruned, --device.

    The command gets `skeleton_of(...)` arguments of those names; --images stays None if not given.
    """
    official = Skeleton()
    options = [
        click.option("--channels", default=official.channels, show_default=True),
        click.option("--cells-per-stage", default=official.cells_per_stage, show_default=True),
        click.option("--resolution", default=official.resolution, show_default=True),
        click.option("--classes", default=official.classes, show_default=True),
        click.option("--batch-size", default=32, show_default=True, help="Images per batch."),
        click.option(
            "--seed",
            type=click.IntRange(0),
            default=0,
            show_default=True,
            help="Of weights and images.",
        ),
        click.option(
            "--images",
            metavar="WHERE",
            help="A CIFAR folder, an .npz file, synthetic or gaussian "
            "[default: BENCHSUITE_IMAGES, else synthetic].",
        ),
        click.option(
            "--dtype",
            type=Names(["float32", "float64"]),
            default="float32",
            show_default=True,
            help="Of all arithmetic; grasp, plain, epe_nas and zico need float64.",
        ),
        click.option(
            "--unpruned", is_flag=True, help="With dead operators, cell by cell, not by class."
        ),
        click.option(
            "--device",
            type=Names(RUNS_ON),
            default="cpu",
            show_default=True,
            help="What computes; no GPU has run the others yet.",
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return function
