"""The int8 kernels: compiled, emulated, compared bit by bit, and counted as the tables say."""

import numpy as np
import pytest

from benchsuite.devices._emulation import toolchain
from benchsuite.devices._emulation.checked import execute
from benchsuite.devices._emulation.cores import CORES, core
from benchsuite.devices._emulation.emulate import call
from benchsuite.devices._emulation.pipeline import profile
from benchsuite.devices._emulation.profile import conditions, count
from benchsuite.devices._emulation.reference import avg_pool, conv
from benchsuite.devices._latency.cycles import load
from benchsuite.devices._latency.operators import Shape
from benchsuite.errors import UserError

for package in ("unicorn", "capstone", "elftools"):
    pytest.importorskip(package)
if not toolchain.available():
    pytest.skip("no cross-compiler: neither ziglang nor gcc-arm-none-eabi", allow_module_level=True)

AWKWARD = (
    Shape("conv", 5, 3, 7, 3, 1, 1),
    Shape("conv", 6, 6, 5, 3, 2, 1),
    Shape("conv", 5, 9, 1, 5, 1, 2),
    Shape("conv", 4, 4, 6, 1, 2),
    Shape("conv", 1, 1, 1, 3, 1, 1),
    Shape("conv1x1", 3, 8, 5),
    Shape("conv1x1", 1, 4, 1),
    Shape("avg_pool", 5, 8, 8, 3, 1, 1),
    Shape("avg_pool", 6, 4, 4, 2, 2),
    Shape("avg_pool", 11, 4, 4, 11, 11),
    Shape("avg_pool", 12, 4, 4, 12, 12),
    Shape("add", 3, 5, 5),
    Shape("affine", 3, 7, 7),
    Shape("relu", 3, 7, 7),
    Shape("linear", 1, 12, 3),
)
BUILDS = [
    (name, compiler)
    for name, one in CORES.items()
    for compiler in toolchain.available()
    if (one.zig if compiler == "zig" else one.gcc)
]


@pytest.mark.parametrize(("name", "compiler"), BUILDS)
@pytest.mark.parametrize("shape", AWKWARD, ids=str)
def test_kernels_equal_the_reference_bit_by_bit(name: str, compiler: str, shape: Shape) -> None:
    execute(toolchain.build(core(name), compiler).elf, core(name), shape)


def test_a_wrong_output_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchsuite.devices._emulation import reference

    true_pool = reference.avg_pool
    monkeypatch.setattr(reference, "avg_pool", lambda *args: true_pool(*args) ^ 1)
    name, compiler = BUILDS[0]
    with pytest.raises(UserError, match="differs from the reference in 64 of 64"):
        execute(
            toolchain.build(core(name), compiler).elf,
            core(name),
            Shape("avg_pool", 4, 4, 4, 3, 1, 1),
        )


@pytest.mark.parametrize("name", CORES)
def test_tables_are_regenerated_exactly(name: str) -> None:
    table = load(f"own-{name}")
    compiler = table.conditions["compiler"].partition(" ")[0]
    if compiler not in toolchain.available():
        pytest.skip(f"the table was compiled with {compiler}; here is {toolchain.available()}")
    built = toolchain.build(core(name), compiler)
    if built.compiler != table.conditions["compiler"]:
        pytest.skip(
            f"the table was compiled with {table.conditions['compiler']}, not {built.compiler}"
        )
    assert dict(table.conditions) == conditions(core(name), built)
    for shape in (
        Shape("conv", 8, 32, 64, 3, 2, 1),
        Shape("conv1x1", 4, 64, 64),
        Shape("avg_pool", 4, 64, 64, 3, 1, 1),
        Shape("avg_pool", 8, 64, 64, 8, 8),
        Shape("add", 4, 64, 64),
        Shape("affine", 4, 64, 64),
        Shape("relu", 4, 64, 64),
        Shape("linear", 1, 64, 10),
    ):
        assert count(core(name), shape, compiler) == table.rows[shape]


def test_counts_do_not_depend_on_where_the_emulator_cuts_blocks() -> None:
    """Every instruction is counted once per run, whatever the blocks were."""
    name, compiler = BUILDS[0]
    execution = execute(
        toolchain.build(core(name), compiler).elf, core(name), Shape("relu", 4, 4, 4)
    )
    first = profile(execution, core(name))
    split_code, split_runs, split_jumps = {}, {}, {}
    from benchsuite.devices._emulation.decode import decode

    for start, block in execution.code.items():
        instructions = decode(block, start, core(name).isa)
        for i in instructions:
            at = i.address_of - start
            split_code[i.address_of] = block[at : at + i.size]
            split_runs[i.address_of] = split_runs.get(i.address_of, 0) + execution.runs[start]
        last = instructions[-1].address_of
        split_jumps[last] = split_jumps.get(last, 0) + execution.jumps.get(start, 0)
    again = type(execution)(split_code, split_runs, split_jumps, execution.outputs)
    assert profile(again, core(name)) == first


def test_larger_layers_run_more_instructions() -> None:
    name, compiler = BUILDS[0]
    totals = [
        count(core(name), Shape("conv", 4, channels, channels, 3, 1, 1), compiler).cycles
        for channels in (4, 8, 12, 16)
    ]
    assert totals == sorted(totals)
    assert totals[-1] > 4 * totals[0]


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        (Shape("conv1x1", 4, 6, 4), "multiples of 4 channels"),
        (Shape("avg_pool", 4, 6, 6, 3, 1, 1), "multiples of 4 channels"),
        (Shape("conv", 0, 4, 4, 3, 1, 1), "sizes are above 0"),
        (Shape("depthwise", 4, 4, 4, 3, 1, 1), "There is no kernel 'depthwise'"),
        (Shape("add", 2048, 4, 4), "exceed 32 MiB"),
    ],
)
def test_shapes_no_kernel_takes(shape: Shape, sentence: str) -> None:
    name, compiler = BUILDS[0]
    with pytest.raises(UserError, match=sentence):
        execute(toolchain.build(core(name), compiler).elf, core(name), shape)


def test_calls_that_cannot_work() -> None:
    name, compiler = BUILDS[0]
    elf = toolchain.build(core(name), compiler).elf
    with pytest.raises(UserError, match="no function 'softmax_s8'"):
        call(elf, core(name), "softmax_s8", [], [])
    with pytest.raises(UserError, match="went astray"):  # 0x7000_0000 is no memory
        call(elf, core(name), "relu_s8", [], [0x7000_0000, 0x7000_0000, 4, 0])


def test_no_compiler_and_no_core(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="Did you mean cortex-m4"):
        core("cortex-m44")
    with pytest.raises(UserError, match="no compiler 'clang'"):
        toolchain.build(core("cortex-m4"), "clang")
    with pytest.raises(UserError, match="gcc does not compile for rv32imc; zig does"):
        toolchain.build(core("rv32imc"), "gcc")
    monkeypatch.setattr(toolchain, "available", lambda: ())
    with pytest.raises(UserError, match=r"no cross-compiler .* Install the extra 'mcu'"):
        toolchain._choose(core("cortex-m4"), "")


def test_the_references_agree_with_the_definition_by_hand() -> None:
    image = np.arange(9, dtype=np.int8).reshape(3, 3, 1)
    assert avg_pool(image, 3, 1, 1)[0, 0, 0] == 2  # (0 + 1 + 3 + 4) / 4
    assert avg_pool(-image, 3, 3, 0)[0, 0, 0] == -4
    assert avg_pool(np.array([[[-1], [-2]], [[-1], [-2]]], np.int8), 2, 2, 0)[0, 0, 0] == -1
    one = np.ones(1, np.int32)
    ones = np.ones((1, 3, 3, 1), np.int8)
    got = conv(
        image, ones, 0 * one, one, one, stride=1, in_offset=0, out_offset=0, low=-128, high=127
    )
    assert got[1, 1, 0] == 18  # (36 * 1 + 1) >> 1
    assert got[0, 0, 0] == 4  # (8 + 1) >> 1
