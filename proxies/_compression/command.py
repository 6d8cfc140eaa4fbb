"""The command line that the experiments of this folder share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch

from benchsuite.errors import UserError
from benchsuite.proxies._scoring.images import Images, open_images


def run(
    about: str, measure: Callable[[Path, Images], None], ship: Callable[[Path, Path], None]
) -> None:
    """Parse the command line; measure into a folder, or ship what is finished in one to a file.

    about: the module's text, whose first line is the help.
    """
    parser = argparse.ArgumentParser(description=about.partition("\n")[0])
    parser.add_argument("--images", help="a folder or file of CIFAR-10; or set BENCHSUITE_IMAGES")
    parser.add_argument("--out", type=Path, required=True, help="folder of the rows")
    parser.add_argument("--ship", type=Path, help="write the finished table to this CSV file")
    given = parser.parse_args()
    torch.set_num_threads(1)
    try:
        if given.ship:
            ship(given.out, given.ship)
        else:
            measure(given.out, open_images(given.images))
    except UserError as error:
        raise SystemExit(str(error)) from None
