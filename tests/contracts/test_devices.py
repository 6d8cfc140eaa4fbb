"""What every device promises, whoever wrote it, shipped or of a user's folder."""

import dataclasses

import numpy as np
import pytest

from benchsuite import plugins
from benchsuite.deployment.flash import all_total
from benchsuite.devices._footprint.code_size import all_code, all_static_ram, code_size
from benchsuite.devices._footprint.columns import NETWORKS, of_runtime
from benchsuite.devices._footprint.fits import all_fits, ram_of, ram_range
from benchsuite.devices._latency.latency import all_latencies, latency
from benchsuite.devices._latency.runtimes import RUNTIMES
from benchsuite.space.cell import Cell, all_ops, live_edges
from benchsuite.space.network import Skeleton
from benchsuite.table.device_columns import DeviceColumn, parse

MADE_UP = '''"""A part that nobody sells: Cortex-M7 at 123 MHz, 96 KiB SRAM, 300 KiB flash."""

from benchsuite.api import Device

DEVICE = Device(
    core="cortex-m7",
    clock=123e6,
    sram=96 * 1024,
    flash=300 * 1024,
    runtimes=("own", "tflm_cmsis_nn"),
    source="a test",
)
'''
SHIPPED = tuple(plugins.find("devices"))
HAS_PATH = live_edges(all_ops()).any(axis=1)
CIFAR = tuple(pair for pair in NETWORKS if pair[0] == "cifar10")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mine")
    (folder / "devices").mkdir()
    (folder / "devices" / "made_up.py").write_text(MADE_UP)
    return [folder]


@pytest.fixture(scope="module", params=[*SHIPPED, "made_up"])
def name(request):
    return request.param


@pytest.fixture(scope="module")
def device(name, folders):
    return plugins.load("devices", name, folders)


@pytest.fixture(scope="module")
def whole(name, device, table):
    """The table, with the columns of the device that is no shipped one."""
    if name in SHIPPED:
        return table
    return table.with_columns(
        values
        for runtime in device.runtimes
        for dataset, label in CIFAR
        for values in of_runtime(name, device, runtime, dataset, label)
    )


@pytest.fixture(scope="module")
def columns(name, whole):
    """The parts of the names of the device's columns; printed latencies are no device's."""
    parsed = {full: parse(full) for full in whole.columns if whole.columns[full].kind == "device"}
    return [parts for parts in parsed.values() if parts and parts.device == name]


@pytest.fixture(scope="module")
def networks(name):
    return NETWORKS if name in SHIPPED else CIFAR


def test_its_facts_are_plausible_and_have_a_source(name, device, folders):
    described = plugins.find("devices", folders)[name].description
    assert described
    assert device.source
    assert device.core
    assert device.clock % 1e6 == 0
    assert 16e6 <= device.clock <= 3e9
    assert device.memory_factor >= 1, "cycles on the part per counted cycle"
    assert device.memory_factor_source
    assert len(set(device.runtimes)) == len(device.runtimes)
    assert set(device.runtimes) <= set(RUNTIMES)
    assert (device.sram is None) == (device.flash is None)
    if device.sram is not None:
        assert device.sram % 1024 == device.flash % 1024 == 0
        assert device.sram < device.flash


def test_latencies_add_up(device):
    """One more cell per stage costs the same, whether it is the second or the third."""
    for runtime in device.runtimes:
        one, two, three = (all_latencies(Skeleton(16, n, 32), device, runtime) for n in (1, 2, 3))
        np.testing.assert_allclose(three - two, two - one, rtol=1e-9, atol=1e-15)
        for index in (0, 6111, 9930, 15_624):
            alone = latency(Cell.from_index(index), Skeleton(16, 1, 32), device, runtime)
            assert alone == pytest.approx(one[index])


@pytest.mark.parametrize(
    ("small", "large"),
    [
        (Skeleton(8, 1, 32), Skeleton(16, 1, 32)),
        (Skeleton(16, 1, 16), Skeleton(16, 1, 32)),
        (Skeleton(16, 1, 32), Skeleton(16, 2, 32)),
    ],
    ids=["channels", "resolution", "cells"],
)
def test_a_larger_network_takes_longer(device, small, large):
    for runtime in device.runtimes:
        less, more = (all_latencies(skeleton, device, runtime) for skeleton in (small, large))
        assert (less[HAS_PATH] > 0).all()
        assert (less[HAS_PATH] <= more[HAS_PATH]).all()
        assert np.median(more[HAS_PATH] / less[HAS_PATH]) > 1.2


def test_every_network_has_its_columns(name, device, whole, columns, networks):
    whats = ["latency", *["fits"] * (device.sram is not None), *["energy"] * bool(device.power)]
    assert {parts.name for parts in columns} == {
        DeviceColumn(what, name, runtime, *network).name
        for what in whats
        for runtime in device.runtimes
        for network in networks
    }
    for parts in columns:
        ranged = parts.runtime in ("x_cube_ai", "tflm_cmsis_nn", "tflm_cmsis_nn_os")
        ranged = ranged or bool(code_size(parts.runtime, device.core).missing)
        units = {"latency": "s", "energy": "J", "fits": "0, 0.5 or 1" if ranged else "0 or 1"}
        column = whole.columns[parts.name]
        assert column.unit == units[parts.what]
        assert column.direction == ("none" if parts.what == "fits" else "min")
        assert column.dataset == parts.dataset
        assert column.description
        assert column.source


def test_a_latency_is_there_or_says_why_not(whole, columns):
    for parts in columns:
        if parts.what == "latency":
            seconds = whole.values(parts.name)
            np.testing.assert_array_equal(np.isfinite(seconds), HAS_PATH, err_msg=parts.name)
            assert (seconds[HAS_PATH] > 0).all()
            reasons = whole.reasons(parts.name)
            assert all(reasons)
            assert sum(reasons.values()) == (~HAS_PATH).sum()


def test_what_fits_is_within_both_memories(device, whole, columns):
    for parts in columns:
        if parts.what != "fits":
            continue
        needed = DeviceColumn(ram_of(parts.runtime), "", "", parts.dataset, parts.skeleton)
        ram = whole.values(needed.name)
        variables = all_static_ram(parts.runtime, device.core, parts.network)
        code = all_code(parts.runtime, device.core, parts.network)
        stored = all_total(parts.network, code) <= device.flash
        ends = ram_range(parts.runtime, ram, parts.network)
        for verdict, end in zip((0.5, 1), ends, strict=True):
            within = (end + variables <= device.sram) & stored
            if verdict == 1 and code_size(parts.runtime, device.core).missing:
                within[:] = False
            found = whole.values(parts.name) >= verdict
            np.testing.assert_array_equal(found, within, err_msg=parts.name)


def test_a_part_with_more_memory_fits_no_less(device, whole, columns):
    for parts in columns:
        if parts.what == "fits" and (parts.dataset, parts.skeleton) == ("cifar10", "mcu"):
            larger = dataclasses.replace(device, sram=2 * device.sram, flash=2 * device.flash)
            fits = all_fits(larger, parts.runtime, parts.network)
            assert (fits >= whole.values(parts.name)).all()
