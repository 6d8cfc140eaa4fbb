"""One run of each kernel in the emulator, its output checked bit by bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.devices._emulation import reference
from benchsuite.devices._emulation.cores import Core
from benchsuite.devices._emulation.emulate import Execution, call
from benchsuite.devices._latency.operators import OPERATORS, Shape
from benchsuite.errors import UserError


def execute(elf: bytes, core: Core, shape: Shape) -> Execution:
    """Run one operator on random int8 tensors and check its output bit by bit.

    Raises UserError for a shape the kernel does not take or if an output differs from the
    reference (`_emulation.reference`).
    """
    if shape.operator not in _RUN:
        raise UserError(f"There is no kernel {shape.operator!r}; there are {', '.join(OPERATORS)}.")
    whole = shape.in_channels if shape.operator in ("conv1x1", "avg_pool", "linear") else 0
    if whole % 4 or min(shape.size, shape.in_channels, shape.out_channels, shape.kernel) < 1:
        raise UserError(
            f"The kernel {shape.operator} does not take {shape}: sizes are above 0, and conv1x1, "
            "avg_pool and linear read multiples of 4 channels."
        )
    execution, wanted, place = _RUN[shape.operator](elf, core, shape, np.random.default_rng(0))
    got = execution.outputs[place]
    if not np.array_equal(got, wanted):
        raise UserError(
            f"The kernel for {shape} on {core.name} differs from the reference in "
            f"{np.count_nonzero(got != wanted)} of {wanted.size} elements."
        )
    return execution


Checked = tuple[Execution, NDArray[Any], int]


def _int8(rng: np.random.Generator, *shape: int) -> NDArray[np.int8]:
    return rng.integers(-128, 128, shape).astype(np.int8)


def _conv(elf: bytes, core: Core, s: Shape, rng: np.random.Generator) -> Checked:
    image = _int8(rng, s.size, s.size, s.in_channels)
    weights = _int8(rng, s.out_channels, s.kernel, s.kernel, s.in_channels)
    padded = np.pad(weights, ((0, 0), (0, 0), (0, 0), (0, -s.in_channels % 4)))
    bias = rng.integers(-2048, 2048, s.out_channels).astype(np.int32)
    multiplier = rng.integers(1 << 30, (1 << 31) - 1, s.out_channels).astype(np.int32)
    shift = rng.integers(38, 42, s.out_channels).astype(np.int32)
    out = np.zeros((s.out_size, s.out_size, s.out_channels), np.int8)
    columns = np.zeros(2 * padded[0].size, np.int16)
    quantised = {"in_offset": 128, "out_offset": -3, "low": -100, "high": 127}
    execution = call(
        elf,
        core,
        f"{s.operator}_s8",
        [image, padded, bias, multiplier, shift, out, columns],
        [
            s.size,
            s.size,
            s.in_channels,
            s.out_size,
            s.out_size,
            s.out_channels,
            s.kernel,
            s.stride,
            *quantised.values(),
        ],
    )
    wanted = reference.conv(image, weights, bias, multiplier, shift, stride=s.stride, **quantised)
    return execution, wanted, 5


def _avg_pool(elf: bytes, core: Core, s: Shape, rng: np.random.Generator) -> Checked:
    image = _int8(rng, s.size, s.size, s.in_channels)
    out = np.zeros((s.out_size, s.out_size, s.out_channels), np.int8)
    numbers = [s.size, s.size, s.in_channels, s.out_size, s.out_size, s.kernel, s.stride, s.padding]
    execution = call(elf, core, "avg_pool_s8", [image, out], numbers)
    return execution, reference.avg_pool(image, s.kernel, s.stride, s.padding), 1


def _add(elf: bytes, core: Core, s: Shape, rng: np.random.Generator) -> Checked:
    a, b = _int8(rng, s.outputs), _int8(rng, s.outputs)
    numbers = [s.outputs, 3, 700_001, -5, 1_100_007, 20, 7, -128, 127]
    execution = call(elf, core, "add_s8", [a, b, np.zeros_like(a)], numbers)
    wanted = reference.add(a, b, (700_001, 1_100_007), (3, -5, 7), 20, -128)
    return execution, wanted, 2


def _affine(elf: bytes, core: Core, s: Shape, rng: np.random.Generator) -> Checked:
    image = _int8(rng, s.size, s.size, s.in_channels)
    scale = rng.integers(-(1 << 20), 1 << 20, s.in_channels).astype(np.int32)
    bias = rng.integers(-(1 << 24), 1 << 24, s.in_channels).astype(np.int32)
    numbers = [s.size**2, s.in_channels, 9, 20, -11, -128, 127]
    arrays: list[NDArray[Any]] = [image, scale, bias, np.zeros_like(image)]
    execution = call(elf, core, "affine_s8", arrays, numbers)
    return execution, reference.affine(image, scale, bias, (9, -11), 20, -128), 3


def _relu(elf: bytes, core: Core, s: Shape, rng: np.random.Generator) -> Checked:
    image = _int8(rng, s.outputs)
    execution = call(elf, core, "relu_s8", [image, np.zeros_like(image)], [image.size, -5])
    return execution, np.maximum(image, np.int8(-5)), 1


def _linear(elf: bytes, core: Core, s: Shape, rng: np.random.Generator) -> Checked:
    features, weights = _int8(rng, s.in_channels), _int8(rng, s.out_channels, s.in_channels)
    bias = rng.integers(-2048, 2048, s.out_channels).astype(np.int32)
    multiplier, shift = 0x5000_0000, 40
    numbers = [s.in_channels, s.out_channels, 128, multiplier, shift, -1]
    arrays: list[NDArray[Any]] = [features, weights, bias, np.zeros(s.out_channels, np.int8)]
    execution = call(elf, core, "linear_s8", arrays, numbers)
    return execution, reference.linear(features, weights, bias, (128, -1), multiplier, shift), 3


_RUN: dict[str, Callable[[bytes, Core, Shape, np.random.Generator], Checked]] = {
    "conv": _conv,
    "conv1x1": _conv,
    "avg_pool": _avg_pool,
    "add": _add,
    "affine": _affine,
    "relu": _relu,
    "linear": _linear,
}
