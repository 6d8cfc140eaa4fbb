"""Cycles as Vela, Arm's compiler for the Ethos-U55, estimates them (extra `vela`).

Vela compiles a .tflite file for the NPU and adds up, over its operators, the largest of the cycles
of the processing elements and of each memory's traffic. That is an estimate by Arm's own model of
the NPU, not a measurement and not a simulation.

A shape is compiled as a network of one operator. In a whole network Vela fuses a ReLU into what is
before it, keeps some tensors in NPU buffers and reads weights while other operators run, so the sum
over layers is not Vela's figure for the network: `_vela_networks` says how far it is off.

Source: PyPI `ethos-u-vela`; `Arm/vela.ini` in it for the system and its clock.
"""

from __future__ import annotations

import csv
import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

import numpy as np

from benchsuite.devices._export.quantise import Quantised, quantise
from benchsuite.devices._latency.cycles import Row
from benchsuite.devices._latency.operators import OPERATORS, Shape
from benchsuite.errors import UserError, did_you_mean
from benchsuite.space.cell import Cell
from benchsuite.space.network import OFFICIAL, Layer, Network

CORE = "ethosu55-128"
CORES = tuple(f"ethosu55-{macs}" for macs in (32, 64, 128, 256))
_DISTRIBUTION = "ethos-u-vela"
_SYSTEM = {
    "system-config": "Ethos_U55_High_End_Embedded",
    "memory-mode": "Shared_Sram",
}
_COUNTS = {
    "npu": "cycles_npu",
    "sram": "cycles_sram_access",
    "flash": "cycles_off_chip_flash_access",
}


@dataclass(frozen=True)
class Estimate:
    """Vela's figures for one file; clock: Hz; counts: cycles of the NPU and of each memory."""

    cycles: int
    clock: float
    counts: Mapping[str, int]


def version() -> str:
    """Return the version of Vela, as the table records it. Raises UserError without Vela."""
    if importlib.util.find_spec("ethosu") is None:
        raise UserError(
            "The table of the Ethos-U55 is made by Arm's compiler Vela, which is not installed: "
            "pip install 'benchsuite[vela,export]'."
        )
    return f"vela {metadata.version(_DISTRIBUTION)}"


def _settings(core: str) -> dict[str, str]:
    if core not in CORES:
        raise UserError(
            f"Vela compiles for {', '.join(CORES)} here, not for {core}."
            + did_you_mean(core, CORES)
        )
    return {"accelerator-config": core.replace("ethosu", "ethos-u"), **_SYSTEM}


def conditions(core: str = CORE) -> dict[str, str]:
    """Return what the table must say about how it was made. Raises UserError for another core."""
    settings = _settings(core)
    return {
        "runtime": "vela",
        "core": core,
        "compiler": version(),
        "flags": " ".join(f"--{key} {value}" for key, value in settings.items()),
        "kernels": "one operator per file, written by devices/_export/tflite.py",
        "inputs": "random int8 weights, numpy default_rng(0)",
        "clock": "500 MHz (core_clock of the system in Arm/vela.ini)",
        "unit": "clock cycles that Vela estimates: all, of the NPU, of SRAM and of flash traffic",
    }


def compile_network(data: bytes, core: str = CORE) -> Estimate:
    """Return Vela's estimate for the bytes of a .tflite file on one of `CORES`.

    Raises UserError if Vela is not installed or refuses the file.
    """
    version()
    settings = [word for key, value in _settings(core).items() for word in (f"--{key}", value)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.tflite"
        path.write_bytes(data)
        command = [sys.executable, "-m", "ethosu.vela", str(path), *settings]
        command += ["--config", "Arm/vela.ini", "--output-dir", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        summaries = list(Path(folder).glob("*summary*.csv"))
        if done.returncode or not summaries:
            last = (done.stderr + done.stdout).strip().splitlines()[-3:]
            raise UserError(f"Vela did not compile the network: {' '.join(last)}")
        with summaries[0].open(encoding="utf-8", newline="") as file:
            found = next(csv.DictReader(file))
    counts = {name: round(float(found[key])) for name, key in _COUNTS.items()}
    return Estimate(round(float(found["cycles_total"])), float(found["core_clock"]), counts)


def count(shape: Shape, core: str = CORE) -> Row:
    """Return Vela's cycles for one operator. Raises UserError if it does not take the shape."""
    from benchsuite.devices._export.tflite import to_tflite

    estimate = compile_network(to_tflite(single(shape)), core)
    return Row(shape, estimate.cycles, dict(estimate.counts))


def count_all(
    shapes: Sequence[Shape],
    report: Callable[[Row], None] = lambda row: None,
    core: str = CORE,
) -> list[Row]:
    """Return `count` of several shapes in order; report is called after each."""
    rows = []
    for shape in shapes:
        rows.append(count(shape, core))
        report(rows[-1])
    return rows


def single(shape: Shape) -> Quantised:
    """Return the quantised network of one operator, with random weights.

    An addition has two inputs of different scales, as almost everywhere in a network. Raises
    UserError for an operator that no layer of a network is.
    """
    read = Layer("input", "input", (), (shape.in_channels, shape.size, shape.size), 0)
    reads = [read] * (2 if shape.operator == "add" else 1)
    inputs = tuple(range(len(reads)))
    network = Network(Cell((0,) * 6), OFFICIAL["cifar10"], (*reads, _layer(shape, inputs)))
    made = quantise(network, np.random.default_rng(0), "after")
    if len(reads) == 1:
        return made
    first, second, out = made.ranges
    return replace(made, ranges=(first, replace(second, scale=second.scale / 2), out))


def _layer(shape: Shape, inputs: tuple[int, ...]) -> Layer:
    out = (shape.out_channels, shape.out_size, shape.out_size)
    given = (shape.in_channels, shape.kernel, shape.stride)
    if shape.operator == "conv" or shape.operator == "conv1x1":
        return Layer("conv", "conv", inputs, out, *given, bias=True)
    if shape.operator == "linear":
        return Layer("linear", "linear", inputs, out, shape.in_channels, bias=True)
    if shape.operator == "avg_pool" and shape.kernel == shape.size:
        return Layer("pool", "global_pool", inputs, (*out[:1], 1, 1), shape.in_channels)
    operator = shape.operator
    if operator == "depthwise":
        raise UserError(f"No layer is a {operator!r}; there are {', '.join(OPERATORS)}.")
    return Layer(operator, operator, inputs, out, *given)
