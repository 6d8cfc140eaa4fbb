"""Which reader a file of a network needs, and the networks that ship as lists of layers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from benchsuite.devices._models import layer_list, onnx, tflite
from benchsuite.devices._models.model import Model
from benchsuite.errors import UserError, did_you_mean, either
from benchsuite.files import shipped

READERS: dict[str, Callable[[Path], Model]] = {
    ".tflite": tflite.read,
    ".onnx": onnx.read,
    ".csv": layer_list.read,
}

_NAME = re.compile(r"[^\W\d][\w.-]*|[^|]*[/\\][^|]*")  # No cell is written so.


def examples() -> dict[str, Path]:
    """Return the lists of layers that ship, by name: the four networks of MLPerf Tiny."""
    folder = shipped("_models/examples", "benchsuite.devices")
    return {path.stem: path for path in sorted(Path(str(folder)).glob("*.csv"))}


def is_file(given: str) -> bool:
    """Tell whether a text names a file of a network, or one that ships, rather than a cell."""
    return Path(given).suffix.lower() in READERS or _NAME.fullmatch(given) is not None


def read(given: str) -> Model:
    """Return the model in a file, or one that ships. Raises UserError for what cannot be read."""
    if given in examples():
        return layer_list.read(examples()[given])
    path = Path(given)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UserError(
            f"{given!r} is no network: give a file that ends in {either(list(READERS))}, one of "
            f"{', '.join(examples())}, or a cell, as 6111." + did_you_mean(given, examples())
        )
    return reader(path)
