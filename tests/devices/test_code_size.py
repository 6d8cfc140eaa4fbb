"""Code and variables of the runtimes: compiled kernels, written files, published binaries."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchsuite import plugins
from benchsuite.deployment.flash import all_weights, constants
from benchsuite.deployment.ram import ram
from benchsuite.devices._emulation import toolchain
from benchsuite.devices._emulation.cores import CORES
from benchsuite.devices._export.quantise import quantise
from benchsuite.devices._footprint.code_size import (
    OWN,
    all_code,
    all_static_ram,
    code_size,
    published,
    sections,
)
from benchsuite.devices._footprint.columns import NETWORKS
from benchsuite.devices._footprint.fits import all_fits, counts, ram_of
from benchsuite.devices._latency.counts import shapes_of
from benchsuite.devices._latency.cycles import load
from benchsuite.devices._latency.runtimes import RUNTIMES
from benchsuite.errors import UserError
from benchsuite.space.cell import Cell
from benchsuite.space.deploy import deploy
from benchsuite.space.network import OFFICIAL, SKELETONS, Skeleton

CIFAR = OFFICIAL["cifar10"]
cells = st.integers(0, 15_624).map(Cell.from_index)


@pytest.mark.parametrize("name", CORES)
def test_own_kernels_are_as_large_as_compiled(name: str) -> None:
    pytest.importorskip("elftools")
    compiler = load(f"own-{name}").conditions["compiler"]
    if compiler.split()[0] not in toolchain.available():
        pytest.skip(f"{compiler} is not installed")
    built = toolchain.build(CORES[name], compiler.split()[0])
    if built.compiler != compiler:
        pytest.skip(f"here is {built.compiler}, not {compiler}")
    assert sections(built.elf) == (OWN[name], 0)


def test_variables_in_a_program_count_as_ram(tmp_path: object) -> None:
    pytest.importorskip("elftools")
    if "gcc" not in toolchain.available():
        pytest.skip("gcc-arm-none-eabi is not installed")
    source = "int a[5] = {1}; int b[7]; const int c[3] = {2}; int f(int i) { return c[i] + a[i]; }"
    (tmp_path / "x.c").write_text(source)  # type: ignore[operator]
    command = ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-nostdlib", "-Wl,-ef", f"{tmp_path}/x.c"]
    toolchain._run([*command, "-o", f"{tmp_path}/x.elf"])
    flash, in_ram = sections((tmp_path / "x.elf").read_bytes())  # type: ignore[operator]
    assert in_ram >= 20 + 28
    assert 20 + 12 < flash < 300


@settings(max_examples=12, deadline=None)
@given(cells, st.sampled_from([CIFAR, Skeleton(8, 1, 16), Skeleton(24, 2, 32, 100)]))
def test_the_container_is_what_an_exported_file_holds_besides_weights(
    cell: Cell, skeleton: Skeleton
) -> None:
    pytest.importorskip("tflite")
    from benchsuite.devices._export.tflite import to_tflite

    network = deploy(cell, skeleton)
    if len(network.layers) < 3:  # a constant
        return
    size = len(to_tflite(quantise(network, np.random.default_rng(0), "after")))
    code = code_size("tflm_cmsis_nn", "cortex-m4")
    binary = all_weights(skeleton)[cell.index] + all_code("tflm_cmsis_nn", "", skeleton)[cell.index]
    assert binary - code.code + 40 == pytest.approx(size, abs=700)


@settings(max_examples=20, deadline=None)
@given(cells, st.sampled_from(sorted(RUNTIMES)))
def test_all_cells_are_the_sum_over_one_cells_operators(cell: Cell, runtime: str) -> None:
    size, network = code_size(runtime, "cortex-m7"), deploy(cell, CIFAR)
    shapes = shapes_of(network)
    weighted = sum(s.operator in ("conv", "conv1x1", "linear", "affine") for s in shapes)
    expected = size.code + size.with_weights * weighted
    expected += size.without_weights * (len(shapes) - weighted)
    if shapes:
        expected += size.channel * constants(network).channels
    assert all_code(runtime, "cortex-m7", CIFAR)[cell.index] == pytest.approx(expected, abs=1)
    variables = all_static_ram(runtime, "cortex-m7", CIFAR)[cell.index]
    assert variables == pytest.approx(size.ram_per_operator * len(shapes), abs=1)


def test_published_binaries_agree_with_one_another() -> None:
    """One code per runtime explains the binaries of several models."""
    for runtime, share in (("tinyengine", 0.01), ("tflm_cmsis_nn", 0.03), ("x_cube_ai", 0.2)):
        size = code_size(runtime, "cortex-m7")
        rows = [row for row in published() if row.runtime == runtime]
        assert len(rows) >= 2
        for row in rows:
            other = row.operators - row.weighted
            expected = size.code + size.with_weights * row.weighted + size.channel * row.channels
            expected += size.without_weights * other
            assert row.besides_weights == pytest.approx(expected, rel=share)
            if not np.isnan(row.ram):
                assert row.ram == pytest.approx(size.ram_per_operator * row.operators, abs=4600)


def test_every_runtime_says_what_it_does_not_know() -> None:
    for runtime in RUNTIMES:
        size = code_size(runtime, "cortex-m4")
        assert size.source or size.missing
    assert code_size("unheard of", "cortex-m7").missing
    assert "not measured on cortex-m0" in code_size("own", "cortex-m0").missing


def test_fits_is_ram_and_flash_cell_by_cell() -> None:
    device, mcu = plugins.load("devices", "stm32l432"), SKELETONS["mcu"]["cifar10"]
    for runtime in ("own", "tflm_cmsis_nn", "x_cube_ai"):
        fits = all_fits(device, runtime, mcu)
        code = all_code(runtime, device.core, mcu)
        variables = all_static_ram(runtime, device.core, mcu)
        for index in np.random.default_rng(0).integers(15_625, size=40).tolist():
            cell = Cell.from_index(index)
            needed = ram(ram_of(runtime), cell, mcu) + variables[index]
            flash = all_weights(mcu)[index] + code[index]
            yes, no = 1.0, 0.0
            if runtime == "x_cube_ai" and flash <= device.flash:
                tensors = ram(ram_of(runtime), cell, mcu)
                most = 1.87 * tensors + variables[index] <= device.sram
                least = 0.62 * tensors + variables[index] <= device.sram
                yes = 1.0 if most else 0.5
                needed = 0 if least else np.inf
            assert fits[index] == (yes if needed <= device.sram and flash <= device.flash else no)


def test_code_only_takes_away_and_matters_on_the_small_part() -> None:
    devices = {name: plugins.load("devices", name) for name in ("stm32l432", "ethosu55")}
    every = list(counts(devices))
    assert {(row.dataset, row.skeleton) for row in every} == set(NETWORKS)
    rows = {r.runtime: r for r in every if (r.dataset, r.skeleton) == ("cifar10", "mcu")}
    assert {row.device for row in rows.values()} == {"stm32l432"}
    for row in rows.values():
        assert 0 < row.cells <= row.without_code <= 15_625
    assert rows["tflm_cmsis_nn"].cells < 0.6 * rows["tflm_cmsis_nn"].without_code


def test_a_device_without_memories_fits_nothing_that_can_be_said() -> None:
    device = replace(plugins.load("devices", "stm32l432"), flash=None)
    with pytest.raises(UserError, match="SRAM or flash is not known"):
        all_fits(device, "own", CIFAR)
