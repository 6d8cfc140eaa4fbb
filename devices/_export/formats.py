"""The file of a deployed cell in one of `FORMATS`, with random weights."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchsuite.devices._export.quantise import Quantised, Stride2, quantise
from benchsuite.errors import UserError, did_you_mean
from benchsuite.space.cell import Cell
from benchsuite.space.deploy import deploy
from benchsuite.space.network import Skeleton


@dataclass(frozen=True)
class Format:
    """A file format: what gives its bytes, the packages that needs, how the format pads."""

    write: Callable[[Quantised], bytes]
    packages: tuple[str, ...]
    stride2: Stride2


def _tflite(quantised: Quantised) -> bytes:
    from benchsuite.devices._export.tflite import to_tflite

    return to_tflite(quantised)


def _onnx(quantised: Quantised) -> bytes:
    from benchsuite.devices._export.onnx import to_onnx

    return to_onnx(quantised)


FORMATS = {
    "tflite": Format(_tflite, ("tflite", "flatbuffers"), "after"),
    "onnx": Format(_onnx, ("onnx",), "before"),
}


def export(cell: Cell, skeleton: Skeleton, file_format: str, seed: int) -> bytes:
    """Return the bytes of a file that holds a deployed cell, int8, with random weights.

    file_format: one of `FORMATS`; seed: of the weights. Raises UserError for an unknown format, a
    package that is not installed, or a cell whose deployed network is a constant.
    """
    if file_format not in FORMATS:
        raise UserError(
            f"There is no format {file_format!r}; there are {', '.join(FORMATS)}."
            + did_you_mean(file_format, FORMATS)
        )
    how = FORMATS[file_format]
    for package in how.packages:
        try:
            importlib.import_module(package)
        except ImportError as error:
            raise UserError(
                f"A .{file_format} file needs the package {package}, which cannot be imported "
                f"({error}). Install the extra: pip install 'benchsuite[export]'."
            ) from error
    rng = np.random.default_rng(seed)
    quantised = quantise(deploy(cell, skeleton), rng, how.stride2)
    return how.write(quantised)
