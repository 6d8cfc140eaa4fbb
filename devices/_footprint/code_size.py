"""What a runtime puts into flash and RAM besides a network's constants and tensors.

    flash = code + w * operators with weights + u * other operators + c * channels
    RAM = r * operators

| runtime         | known how                                                                    |
|-----------------|------------------------------------------------------------------------------|
| `own`           | sections of the compiled kernels, without the calls of them                  |
| `tflm_cmsis_nn` | code: published flash of whole binaries less weights and container; w, u, c: |
|                 | what our .tflite files hold besides `flash.weights`; RAM is in `ram.tflm`    |
| `tinyengine`    | published flash of whole binaries less weights; RAM not published            |
| `x_cube_ai`     | published flash and RAM less weights and tensors, fitted over the operators  |

The binaries of TFLM and TinyEngine hold a small benchmark application too. X-CUBE-AI's figures are
of 15 to 71 operators; the official cells have up to 181, so theirs are extrapolated. What is not
known counts as 0 bytes, and the description of the column says so.

`tables/code_size.csv`: the published figures with their sources; weighted: operators with weights;
channels: with a bias and a scale; weights: counted from the model's layers. TinyEngine's "kB" are
1,024 bytes: only then do its three models leave the same code.
"""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.deployment.flash import all_constants
from benchsuite.devices._emulation.emulate import _import
from benchsuite.devices._latency.counts import all_counts
from benchsuite.devices._latency.cycles import TABLES
from benchsuite.space.network import Skeleton

Bytes = NDArray[np.int64]
Numbers = Any  # A number, or an array of one per cell.

# Sections of `Build.elf`, zig 0.17.0 -O3: code and constants; variables there are none.
OWN = {"cortex-m4": 4418, "cortex-m7": 4584, "rv32imc": 3512, "cortex-a53": 8496}
_WITH_WEIGHTS = ("conv", "conv1x1", "linear", "affine", "depthwise")
_STORED = 8  # bytes per channel that `flash.weights` counts already: bias and scale
_KIB = 1024


@dataclass(frozen=True)
class CodeSize:
    """Bytes that a runtime needs besides constants and tensors; missing: what is not known."""

    code: float
    source: str
    with_weights: float = 0.0
    without_weights: float = 0.0
    channel: float = 0.0
    ram_per_operator: float = 0.0
    missing: str = ""

    def flash(self, weighted: Numbers, other: Numbers, channels: Numbers) -> Numbers:
        """Return the bytes for so many operators with weights, and others, and channels."""
        per_operator = self.with_weights * weighted + self.without_weights * other
        return self.code + per_operator + self.channel * channels


@dataclass(frozen=True)
class Published:
    """Flash and RAM of one binary [bytes]; ram: besides the tensors, NaN where not published."""

    runtime: str
    weighted: int
    operators: int
    channels: int
    besides_weights: float
    ram: float


# Of a .tflite file: 452 B per operator with weights, 171 B per other, 20 B per channel (zero
# points of weights and biases, scales of biases); right to 0.4 KiB over cells and skeletons.
_TFLITE = CodeSize(40, "devices/_export/tflite.py", 452, 171, 20)


@functools.cache
def published() -> tuple[Published, ...]:
    """Return the rows of `tables/code_size.csv`."""
    with (TABLES / "code_size.csv").open(encoding="utf-8", newline="") as file:
        return tuple(_published(row) for row in csv.DictReader(file))


def _published(row: Mapping[str, str]) -> Published:
    channels = int(row["channels"])
    constants = int(row["weights"]) + _STORED * channels
    ram = float(row["ram_kib"]) - float(row["tensors_kib"]) if row["ram_kib"] else np.nan
    return Published(
        row["runtime"],
        int(row["weighted"]),
        int(row["operators"]),
        channels,
        float(row["flash_kib"]) * _KIB - constants,
        ram * _KIB,
    )


@functools.cache
def code_size(runtime: str, core: str) -> CodeSize:
    """Return what a runtime needs on a core besides constants and tensors."""
    rows = [row for row in published() if row.runtime == runtime.removesuffix("_os")]
    if runtime == "own":
        missing = "" if core in OWN else f"code not measured on {core}"
        return CodeSize(OWN.get(core, 0), "sections of the compiled kernels", missing=missing)
    if runtime in ("tflm_cmsis_nn", "tflm_cmsis_nn_os"):
        code = np.mean([row.besides_weights - _besides(_TFLITE, row) for row in rows])
        return CodeSize(
            float(code) + _TFLITE.code,
            "devices/tables/code_size.csv; container: devices/_export/tflite.py",
            _TFLITE.with_weights,
            _TFLITE.without_weights,
            _TFLITE.channel,
        )
    if runtime == "tinyengine":
        code = np.mean([row.besides_weights for row in rows])
        return CodeSize(
            float(code), "devices/tables/code_size.csv", missing="variables in RAM not known"
        )
    if runtime == "x_cube_ai":
        return _fit_x_cube_ai(rows)
    return CodeSize(0, "", missing="code and variables not known")


def all_code(runtime: str, core: str, skeleton: Skeleton) -> Bytes:
    """Return the flash [15625, bytes] of a runtime's code and of what it keeps per operator."""
    size = code_size(runtime, core)
    weighted, other = _operators(skeleton)
    return _whole(size.flash(weighted, other, all_constants(skeleton)[1]))


def all_static_ram(runtime: str, core: str, skeleton: Skeleton) -> Bytes:
    """Return the RAM [15625, bytes] that a runtime needs besides its convention `ram.*`."""
    operators = np.sum(_operators(skeleton), axis=0)
    return _whole(code_size(runtime, core).ram_per_operator * operators)


def _whole(size: NDArray[np.float64]) -> Bytes:
    return np.ceil(size).astype(np.int64)


def sections(elf: bytes) -> tuple[int, int]:
    """Return code and constants, and variables [bytes], of a compiled program (extra `mcu`).

    Variables with initial values count as both: they are copied from flash.
    """
    reader = _import("elftools.elf.elffile").ELFFile(io.BytesIO(elf))
    allocated, writable = 2, 1
    flash = ram = 0
    for section in reader.iter_sections():
        if not section["sh_flags"] & allocated:
            continue
        flash += section["sh_size"] if section["sh_type"] == "SHT_PROGBITS" else 0
        ram += section["sh_size"] if section["sh_flags"] & writable else 0
    return flash, ram


def _besides(size: CodeSize, row: Published) -> float:
    return float(size.flash(row.weighted, row.operators - row.weighted, row.channels))


def _fit_x_cube_ai(rows: list[Published]) -> CodeSize:
    operators = np.array([row.operators for row in rows], dtype=np.float64)
    flash = np.array([row.besides_weights for row in rows])
    ram = np.array([row.ram for row in rows])
    slope, code = np.polyfit(operators, flash, 1)
    return CodeSize(
        float(code),
        "devices/tables/code_size.csv (X-CUBE-AI 10.0.0)",
        float(slope),
        float(slope),
        ram_per_operator=float(operators @ ram / (operators @ operators)),
    )


def _operators(skeleton: Skeleton) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how many operators with weights, and without, every cell has [15625] each."""
    shapes, counts = all_counts(skeleton)
    weighted = np.array([shape.operator in _WITH_WEIGHTS for shape in shapes])
    return counts[:, weighted].sum(axis=1), counts[:, ~weighted].sum(axis=1)
