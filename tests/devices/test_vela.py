"""The Ethos-U55: its table made anew by Vela, and its sums beside whole networks."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from benchsuite import plugins
from benchsuite.cli.commands import profile as profile_command
from benchsuite.devices._emulation import grid as _grid
from benchsuite.devices._latency import vela as _vela
from benchsuite.devices._latency.cycles import load, parse
from benchsuite.devices._latency.latency import all_latencies, latency
from benchsuite.devices._latency.operators import Shape
from benchsuite.devices._validation import vela_networks
from benchsuite.errors import UserError
from benchsuite.space.cell import CONV1, CONV3, POOL, SKIP, Cell
from benchsuite.space.network import OFFICIAL

TABLE = load(f"vela-{_vela.CORE}")
SHAPES = (
    Shape("conv", 8, 32, 64, 3, 2, 1),
    Shape("conv", 16, 16, 32, 1, 2),
    Shape("conv1x1", 16, 32, 32),
    Shape("avg_pool", 8, 64, 64, 3, 1, 1),
    Shape("avg_pool", 8, 64, 64, 8, 8),
    Shape("add", 16, 32, 32),
    Shape("affine", 8, 64, 64),
    Shape("relu", 16, 16, 16),
    Shape("linear", 1, 64, 10),
)


@pytest.fixture
def vela() -> None:
    """Skip unless the Vela that made the table is here."""
    for package in ("ethosu", "tflite", "flatbuffers"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed (extras vela, export)")
    if _vela.version() != TABLE.conditions["compiler"]:
        pytest.skip(f"the table is of {TABLE.conditions['compiler']}; here is {_vela.version()}")


@pytest.mark.usefixtures("vela")
def test_rows_are_regenerated_exactly() -> None:
    assert dict(TABLE.conditions) == _vela.conditions()
    assert _vela.count_all(SHAPES) == [TABLE.rows[shape] for shape in SHAPES]


@pytest.mark.usefixtures("vela")
def test_whole_networks_are_regenerated_exactly() -> None:
    for cell in vela_networks.cells()[:3]:
        got = vela_networks.whole(cell, vela_networks.SKELETONS["mcu"])
        assert got == vela_networks.shipped()[cell.index, "mcu"]


@pytest.mark.usefixtures("vela")
def test_the_clock_is_that_of_the_device() -> None:
    from benchsuite.devices._export.tflite import to_tflite

    estimate = _vela.compile_network(to_tflite(_vela.single(SHAPES[2])))
    assert estimate.clock == plugins.load("devices", "ethosu55").clock


@pytest.mark.usefixtures("vela")
def test_profile_writes_the_table(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    few = tuple(shape for shape in _grid.grid() if shape.operator == "linear")[:2]
    monkeypatch.setattr(_grid, "grid", lambda: few)
    path = f"{tmp_path}/table.csv"
    done = CliRunner().invoke(profile_command.command, ["ethosu55", "--out", path])
    assert done.exit_code == 0, done.output
    with open(path, encoding="utf-8") as file:
        table = parse("new", file.read().splitlines())
    assert dict(table.rows) == {shape: TABLE.rows[shape] for shape in few}


@pytest.mark.usefixtures("vela")
def test_a_file_that_is_no_network() -> None:
    with pytest.raises(UserError, match=r"Vela did not compile the network: .*\w"):
        _vela.compile_network(b"nothing")


def test_without_vela_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"Vela, which is not installed: .*benchsuite\[vela,exp"):
        _vela.compile_network(b"")
    with pytest.raises(UserError, match="not installed"):
        vela_networks.whole(Cell.from_index(6111), OFFICIAL["cifar10"])


def test_profile_says_what_it_needs() -> None:
    refused = CliRunner().invoke(profile_command.command, ["ethosu55", "--compiler", "gcc"])
    assert isinstance(refused.exception, UserError)
    assert "leave out --compiler" in str(refused.exception)
    code = (
        "import importlib.util as u, sys\n"
        "real = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'ethosu' else real(name, *rest)\n"
        "from benchsuite.cli import main\n"
        "sys.argv = ['benchsuite', 'profile', 'ethosu55']\n"
        "main()\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert "Traceback" not in run.stderr
    assert "pip install 'benchsuite[vela,export]'" in run.stderr


def test_operators_that_no_layer_is() -> None:
    with pytest.raises(UserError, match="No layer is a 'depthwise'; there are conv"):
        _vela.single(Shape("depthwise", 4, 4, 4, 3, 1, 1))


def test_an_addition_has_two_inputs_of_different_scales() -> None:
    made = _vela.single(Shape("add", 4, 8, 8))
    assert [layer.kind for layer in made.network.layers] == ["input", "input", "add"]
    assert made.ranges[0].scale == 2 * made.ranges[1].scale


def test_sums_are_a_little_above_velas_networks_and_rank_them_alike() -> None:
    """Vela overlaps operators, so a sum is never below; it is at most a tenth above."""
    found = {row.skeleton: row for row in vela_networks.check()}
    assert found.keys() == vela_networks.SKELETONS.keys()
    for row in found.values():
        assert row.n == len(vela_networks.cells()) >= 12
        assert 1 <= row.ratio_min <= row.ratio_median <= row.ratio_max < 1.1
        assert row.mape < 0.07
        assert row.tau > 0.95


def test_sums_are_the_latency_of_the_device() -> None:
    device = plugins.load("devices", "ethosu55")
    for cell in vela_networks.cells()[:4]:
        for skeleton in vela_networks.SKELETONS.values():
            seconds = vela_networks.summed(cell, skeleton) / device.clock
            assert latency(cell, skeleton, device, "vela") == pytest.approx(seconds)


def test_pooling_costs_an_npu_more_than_a_1x1_convolution() -> None:
    """Arrays of multiply-accumulates idle while pooling; no latency in FLOPs says so."""
    device = plugins.load("devices", "ethosu55")
    seconds = all_latencies(OFFICIAL["cifar10"], device, "vela")
    of = {op: seconds[Cell((op,) * 6).index] for op in (SKIP, CONV1, POOL, CONV3)}
    assert of[SKIP] < of[CONV1] < of[POOL] < of[CONV3]
    assert np.isfinite(seconds).all()
