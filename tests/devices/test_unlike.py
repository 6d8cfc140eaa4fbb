"""What is said of networks, operators and boards unlike those that were measured."""

from dataclasses import replace

import numpy as np
import pytest

import benchsuite as bs
from benchsuite import plugins
from benchsuite.api import Calibration
from benchsuite.devices._latency.measured import figures
from benchsuite.devices._latency.operators import Shape
from benchsuite.devices._latency.runtimes import shape_cycles
from benchsuite.devices._models import board_file, calibration
from benchsuite.devices._models.estimation import ram
from benchsuite.devices._models.reading import read
from benchsuite.space.cell import all_ops, live_edges

F746 = plugins.load("devices", "stm32f746")
KINDS = {"conv": 1.2, "pool": 0.9}
BOARD = Calibration(1.1, KINDS, 3, 0.03, 0.05, "a test")


@pytest.mark.parametrize("device", ["stm32l4r5", "stm32f746", "stm32u575"])
def test_a_network_without_convolutions_has_no_interval_of_those_with(device):
    """The fit leaves it out, so the errors of the others say nothing of it; its own are said."""
    (one,) = bs.estimate("autoencoder", device=device, runtime="x_cube_ai").estimates
    core = plugins.load("devices", device).core
    at = (core, "x_cube_ai", "autoencoder")
    own = [f for f in figures() if (f.core, f.runtime, f.family) == at]
    assert own
    assert np.isnan([one.within, one.low, one.high]).all()
    assert one.known_how == {"extrapolated": 1.0}
    assert one.interval.startswith("no interval: the fit holds networks with convolutions alone")
    assert f" {len(own)} latencies of one without any measured on {core} " in one.interval
    with_ones = bs.estimate("resnet8", device=device, runtime="x_cube_ai").estimates[0]
    assert not np.isnan(with_ones.within)
    for other in bs.estimate("autoencoder", device="stm32f746").estimates:
        if other.runtime == "tinyengine":
            assert "nobody measured a network without convolutions" in other.interval


def test_the_dead_channels_of_a_network_that_ships_are_told():
    """Boards took .65 to .67 of what its layers say, and the row says why."""
    text = " ".join(repr(bs.estimate("mobilenet_v1", device="stm32l4r5")).split())
    assert "channels are dead, which X-CUBE-AI leaves out from 8.1 on" in text
    share = {f.effective for f in figures() if f.model == "vww_96_int8" and f.version == "10.2.0"}
    assert {f"{one:.0%}" for one in share} == {"62%"}
    for device, board in (("stm32l4r5", "NUCLEO-L4R5ZI"), ("stm32u575", "NUCLEO-U575ZI-Q")):
        at = (board, "x_cube_ai", "vww_96_int8", "10.2.0")
        (row,) = (f for f in figures() if (f.board, f.runtime, f.model, f.version) == at)
        (one,) = bs.estimate("mobilenet_v1", device=device, runtime="x_cube_ai").estimates
        assert row.latency / one.latency == pytest.approx(2 / 3, abs=0.02)


def test_a_cell_without_a_path_is_a_constant_everywhere(table):
    constants = np.flatnonzero(~live_edges(all_ops()).any(axis=1))
    index = int(constants[7])
    found = bs.estimate(index, device="stm32f746")
    for one in found.estimates:
        assert np.isnan([one.latency, one.energy, one.within]).all()
        assert one.interval == one.energy_because
        assert one.energy_because == "no input-output path: the network is a constant"
        at = f"stm32f746.{one.runtime}.cifar10.official"
        assert np.isnan(table.values(f"latency.{at}")[index])
        fits = {"yes": 1, "maybe": 0.5, "no": 0}[one.fits]
        assert fits == table.values(f"fits.{at}")[index]
        assert one.ram == table.values(f"{one.convention}.cifar10.official")[index]
    assert " -  " in repr(found)
    assert found.to_json()["estimates"][0]["latency"] is None


def wide(folder, branches):
    rows = ["name,operator,reads,size,channels,kernel", "image,input,,8,64,"]
    rows += [f"b{i},conv,image,,8,5" for i in range(branches)]
    rows += [f"joined,other,{' '.join(f'b{i}' for i in range(branches))},,,"]
    (folder / "m.csv").write_text("\n".join(rows) + "\n")
    return folder / "m.csv"


def test_a_network_that_branches_widely_keeps_its_buffer(tmp_path):
    """The im2col buffer of a 5x5 convolution of 64 channels: 2 columns of int16."""
    for branches, is_own in ((6, False), (30, True)):
        path = wide(tmp_path, branches)
        best, tinyengine = (ram(read(str(path)), f"ram.{name}") for name in ("best", "tinyengine"))
        assert tinyengine[0] - best[0] == 4 * 25 * 64
        assert best[1] == tinyengine[1] == is_own
        assert ("in the network's own order" in repr(bs.estimate(path))) == is_own


def test_what_a_boards_own_rows_hold_is_identified():
    board = replace(F746, calibrations={"tinyengine": BOARD})
    before, after = (shape_cycles(one, "tinyengine") for one in (F746, board))
    conv, pool, add = (
        Shape("conv", 32, 16, 16, 3, 1, 1),
        Shape("avg_pool", 32, 16, 16, 3, 1, 1),
        Shape("add", 32, 16, 16),
    )
    for shape, factor in ((conv, 1.2), (pool, 0.9)):
        assert before(shape)[1] == "not identified"
        assert after(shape) == (pytest.approx(factor * before(shape)[0]), "interpolated")
    assert after(add) == (pytest.approx(1.1 * before(add)[0]), "not identified")
    one = shape_cycles(replace(F746, calibrations={"x_cube_ai": BOARD}), "x_cube_ai")
    assert one(Shape("linear", 1, 64, 10))[1] == "extrapolated"


def test_numbers_of_numpy_are_written_as_numbers(tmp_path):
    device = replace(F746, clock=np.float64(216e6), sram=np.int64(F746.sram))
    (tmp_path / "my.csv").write_text("cell,ms\n6111,900\n1462,600\n")
    found = calibration.calibrate(
        tmp_path / "my.csv", "stm32f746", device, "tflm_cmsis_nn", skeleton="mcu"
    )
    text = board_file.text(tmp_path / "mine.py", device, found)
    assert "np." not in text
    assert f"clock={216e6!r}," in text


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("a,depthwise,,,17,3", "writes 17 channels, which is no multiple of the 16 that it reads"),
        ("a,add,image image image,,,", "add reads two layers, not 3"),
        ("a,add,image,,,", "add reads two layers, not 1"),
    ],
)
def test_layers_that_are_none_are_refused(rows, said, tmp_path):
    path = tmp_path / "m.csv"
    path.write_text(f"name,operator,reads,size,channels,kernel\nimage,input,,8,16,\n{rows}\n")
    with pytest.raises(bs.UserError, match=f"line 3: .*{said}"):
        read(str(path))
