"""Counting the project's own kernels on an emulated core, shape by shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchsuite.devices._emulation.checked import execute
from benchsuite.devices._emulation.cores import Core
from benchsuite.devices._emulation.decode import CLASSES
from benchsuite.devices._emulation.pipeline import profile
from benchsuite.devices._emulation.toolchain import Build, build
from benchsuite.devices._latency.cycles import Row
from benchsuite.devices._latency.operators import Shape


def conditions(core: Core, built: Build) -> dict[str, str]:
    """Return what a table must say about how it was counted."""
    return {
        "runtime": "own",
        "core": core.name,
        "compiler": built.compiler,
        "flags": built.flags,
        "kernels": built.kernels,
        "inputs": "uniformly random int8, numpy default_rng(0)",
        "unit": "instructions by class; cycles by the pipeline model of "
        "devices/_emulation/pipeline.py",
    }


def count(core: Core, shape: Shape, compiler: str = "") -> Row:
    """Return the instructions and model cycles of one shape, its output checked bit by bit."""
    counted = profile(execute(build(core, compiler).elf, core, shape), core)
    classes: dict[str, int] = {kind: int(counted.instructions.get(kind, 0)) for kind in CLASSES}
    return Row(shape, counted.cycles, {"instructions": counted.total, **classes})


def count_all(
    core: Core,
    shapes: Sequence[Shape],
    compiler: str = "",
    report: Callable[[Row], None] = lambda row: None,
) -> list[Row]:
    """Return `count` of several shapes in order; report is called after each."""
    rows = []
    for shape in shapes:
        rows.append(count(core, shape, compiler))
        report(rows[-1])
    return rows
