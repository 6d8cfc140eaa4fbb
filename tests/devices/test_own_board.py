"""A board of one's own: the document's files and lines, tables that a device names."""

import functools
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from search_tables import table as made_up_table

import benchsuite as bs
from benchsuite import cli, plugins
from benchsuite.api import Calibration, Device
from benchsuite.assembly import assemble, own_devices
from benchsuite.devices._emulation import grid as _grid
from benchsuite.devices._footprint import columns
from benchsuite.devices._footprint.columns import of_runtime, usable_devices
from benchsuite.devices._latency import vela
from benchsuite.devices._latency.cycles import TABLES, Row, parse
from benchsuite.devices._latency.latency import all_latencies
from benchsuite.devices._latency.operators import Shape
from benchsuite.devices._latency.runtimes import shape_cycles
from benchsuite.errors import PluginWarning, UserError
from benchsuite.space.network import SKELETONS
from benchsuite.table.table import Table

TEXT = (Path(__file__).parents[2] / "docs" / "own_board.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"`([\w/.-]+\.\w+)`[^\n]*:\n\n```\w*\n(.*?)```", TEXT, re.S))
FILES |= dict(re.findall(r"fit, of any networks: `(held_out.csv)` .*?```\n(.*?)```", TEXT, re.S))
LINES = re.findall(r"^benchsuite .*$", TEXT, re.M)
MCU = SKELETONS["mcu"]["cifar10"]
FACTS = {"clock": 100e6, "sram": None, "flash": None, "source": "a test"}


@pytest.fixture
def folder(only_what_ships):
    """The folder in which the document's lines run, with its files."""
    for name, text in FILES.items():
        path = only_what_ships / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return only_what_ships


def made_up(core="my_core", times=1):
    """The counts of the Cortex-M7, as those of a core that nobody knows."""
    text = (TABLES / "own-cortex-m7.csv").read_text(encoding="utf-8")
    rows = []
    for line in text.replace("cortex-m7", core, 1).splitlines():
        fields = line.split(",")
        if len(fields) > 8 and fields[7].isdecimal():
            fields[7] = str(times * int(fields[7]))
        rows.append(",".join(fields))
    return "\n".join(rows) + "\n"


@pytest.mark.filterwarnings("error::benchsuite.errors.PluginWarning")
def test_every_line_of_the_document_runs(folder, capsys, monkeypatch):
    """In order; a small table and a Vela that answers at once stand in for the real ones.

    What fits, whose RAM of all cells takes most of a minute, has tests of its own.
    """

    def count(shape: Shape, core: str) -> Row:
        return Row(shape, 1000 + shape.outputs + shape.macs // 256, {"npu": 1})

    @functools.cache
    def small(folders=(), scores=None):
        return own_devices.join(made_up_table(), folders)

    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    monkeypatch.setattr(assemble, "assemble", small)
    monkeypatch.setattr(columns, "all_fits", lambda *of, **more: np.ones(15_625))
    monkeypatch.setattr(columns, "fit_counts", lambda devices, ram_by: [])
    monkeypatch.setattr(vela, "count", count)
    monkeypatch.setattr(vela, "version", lambda: "vela of a test")
    said = {}
    profile = [line for line in LINES if line.startswith("benchsuite profile")]
    assert len(profile) == 1
    for line in profile + [line for line in LINES if line not in profile]:
        capsys.readouterr()
        cli.main(shlex.split(line)[1:])
        said[line] = capsys.readouterr().out
    assert (folder / "mine/devices/vela-my_npu.csv").read_text().count("\n") > len(_grid.grid())
    (calibrated,) = [text for line, text in said.items() if "my_board.py" in line]
    assert "depthwise is in no network" in calibrated
    assert "coefficients: 1.1% off on average  <- chosen" in calibrated
    table = Table.open(folder / "table.parquet")
    for name in ("my_board.tflm_cmsis_nn", "my_npu.vela", "my_core_board.my_runtime"):
        assert table.present(f"latency.{name}.cifar10.official") == 15_284
    assert table.present("fits.my_board.tflm_cmsis_nn.cifar10.official") == 15_625
    (column,) = [c for n, c in table.columns.items() if n.startswith("latency.my_board.tflm_cmsis")
                 and n.endswith("cifar10.mcu")]  # fmt: skip
    assert column.description.startswith("calibrated latency")
    assert "my.csv: 12 latencies of 11 networks" in column.source
    assert "latency.my_core_board.my_runtime.cifar100.mcu" in said[_line("ls columns")]
    assert "my_board" in said[_line("replay")]
    runs = (folder / "out/studies/on_my_board/runs.csv").read_text()
    assert "latency.my_board.tflm_cmsis_nn" in runs


def _line(start):
    (found,) = [line for line in LINES if line.startswith(f"benchsuite {start}")]
    return found


def test_the_calibrated_device_is_estimated_everywhere_alike(folder):
    cli.main(shlex.split(next(line for line in LINES if "my_board.py" in line))[1:])
    mine = [folder / "mine"]
    device = plugins.load("devices", "my_board", mine)
    base = plugins.load("devices", "stm32f746")
    found = bs.estimate(1462, device="my_board", skeleton="mcu", plugins=mine)
    (one,) = found.estimates
    assert one.latency == pytest.approx(all_latencies(MCU, device, "tflm_cmsis_nn")[1462])
    assert one.latency == pytest.approx(0.6862, rel=0.01), "as it was measured"
    assert one.within == device.calibrations["tflm_cmsis_nn"].within
    assert "11 networks measured on this board" in one.interval
    before = all_latencies(MCU, base, "tflm_cmsis_nn")
    assert not np.allclose(all_latencies(MCU, device, "tflm_cmsis_nn")[1:], 1.256 * before[1:])


def test_a_table_of_a_new_core_prices_cells_at_once(tmp_path):
    path = tmp_path / "own-my_core.csv"
    path.write_text(made_up(times=3), encoding="utf-8")
    device = Device(core="my_core", runtimes=("own",), tables={"own": path}, **FACTS)
    known = Device(core="cortex-m7", runtimes=("own",), memory_factor=1.0, **FACTS)
    for skeleton in (MCU, SKELETONS["official"]["cifar100"]):
        times = all_latencies(skeleton, device, "own") / 3
        np.testing.assert_allclose(times, all_latencies(skeleton, known, "own"), rtol=1e-6)
    (made,) = of_runtime("mine", device, "own", "cifar10", "mcu")
    assert made.column.description.startswith("tabulated latency")
    assert made.column.source == "own-my_core.csv, a table of the device's own"
    path.write_text(made_up(times=6), encoding="utf-8")
    np.testing.assert_allclose(all_latencies(skeleton, device, "own"), 6 * times)
    assert shape_cycles(device, "own")(Shape("conv", 20, 20, 20, 3, 1, 1))[1] == "interpolated"
    assert np.isnan(bs.estimate("resnet8", device="ethosu55").estimates[0].within)


@pytest.mark.parametrize(
    ("row", "shape"),
    [
        ("avg_pool,8,64,64,8,1,0", Shape("avg_pool", 8, 64, 64, 8, 8)),
        ("avg_pool,8,64,64,8,8,0", Shape("avg_pool", 8, 64, 64, 8, 1)),
        ("conv,16,48,48,1,1,0", Shape("conv1x1", 16, 48, 48)),
        ("conv1x1,16,6,6,1,1,0", Shape("conv", 16, 6, 6)),
        ("conv1x1,16,48,96,1,2,0", Shape("conv", 16, 48, 96, 1, 2)),
    ],
)
def test_a_row_counts_by_whatever_name_its_operator_goes(row, shape):
    """A stride that moves no window, and a convolution of one point with a stride or 6 channels."""
    lines = FILES["mine/devices/my_runtime-my_core.csv"].splitlines()
    kept = [line for line in lines if not line.startswith("avg_pool,8")]
    assert parse("mine", [*kept, f"{row},9000"]).cycles(shape) == (9000, "")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: "", "holds no rows"),
        (lambda text: text.replace("my_core", "your_core"), "of the core your_core.*my_core"),
        (lambda text: text.replace("runtime: own", "runtime: owns"), "of the runtime owns"),
        (lambda text: text.replace("conv1x1", "konv"), "line .*no operator 'konv'"),
        (lambda text: text + text.splitlines()[-1] + "\n", "stands there before"),
        (lambda text: text + "add,0,8,8,1,1,0" + ",9" * 15 + "\n", "a size is 1 or more"),
        (lambda text: text + "conv,2,8,8,5,1,0" + ",9" * 15 + "\n", "within the image"),
        (lambda text: text + "add,7,8,8,1,1,0,0" + ",9" * 14 + "\n", "cycles are 1 or more"),
        (lambda text: text + "add,7,8,8,1,1,0,-3" + ",9" * 14 + "\n", "cycles are 1 or more"),
        (lambda text: text + "add,7,8,8,1,1,0,1.5" + ",9" * 14 + "\n", "malformed in line 1"),
        (lambda text: "\n".join(x for x in text.splitlines() if "affine" not in x), "'affine'"),
        (lambda text: b"\xff", "no text in UTF-8"),
        (lambda text: None, "cannot be read"),
    ],
)
def test_a_bad_table_is_a_sentence_and_the_device_is_left_out(change, said, tmp_path):
    (tmp_path / "devices").mkdir()
    (tmp_path / "devices" / "mine.py").write_text(
        '"""A part."""\nfrom pathlib import Path\nfrom benchsuite.api import Device\n'
        'DEVICE = Device(core="my_core", clock=1e8, sram=None, flash=None, runtimes=("own",), '
        'source="a test", tables={"own": Path(__file__).with_name("own.csv")})\n'
    )
    changed = change(made_up())
    if changed is not None:
        content = changed if isinstance(changed, bytes) else changed.encode()
        (tmp_path / "devices" / "own.csv").write_bytes(content)
    device = plugins.load("devices", "mine", [tmp_path])
    with pytest.raises(UserError, match=said):
        all_latencies(MCU, device, "own")
    with pytest.warns(PluginWarning, match="mine is left out of the devices"):
        assert "mine" not in usable_devices([tmp_path], shipped=False)


HEADER = "operator,size,in_channels,out_channels,kernel,stride,padding,cycles"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("add,8,16,32,1,1,0,9", "as many channels"),
        ("avg_pool,8,16,32,3,1,1,9", "as many channels"),
        ("depthwise,8,16,24,3,1,1,9", "a multiple of the channels"),
        ("relu,8,16,16,3,1,1,9", "no window"),
        ("affine,8,16,16,1,2,0,9", "no window"),
        ("linear,8,64,10,1,1,0,9", "a vector"),
        ("avg_pool,999999999,16,16,3,1,1,9", "an image up to"),
        ("conv,8,16,16,3,1,1," + "9" * 400, "cycles are 1 or more, up to"),
    ],
)
def test_operators_that_no_network_holds_price_nothing(row, said):
    with pytest.raises(UserError, match=f"line 2 .*{said}"):
        parse("mine", [HEADER, row])


def test_a_column_that_stands_twice_is_none():
    with pytest.raises(UserError, match="stands there twice"):
        parse("mine", [HEADER + ",cycles", "add,8,16,16,1,1,0,9,8"])


def test_the_line_of_a_malformed_table_counts_comments(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("# core: x\n#\n\noperator,size\n# more\nadd,x\n", encoding="utf-8")
    device = Device(core="x", runtimes=("mine",), tables={"mine": str(path)}, **FACTS)
    with pytest.raises(UserError, match="malformed in line 6"):
        shape_cycles(device, "mine")


GOOD = {"factor": 1.0, "kinds": {}, "networks": 1, "error": None, "within": None, "source": "x"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tables": {"x_cube_ai": "a.csv"}}, "'x_cube_ai' is none of them"),
        ({"tables": "a.csv"}, "map a runtime to a file"),
        ({"tables": {"own": 3}}, "map a runtime to a file"),
        ({"calibrations": {"own": 1.2}}, "map a runtime to a Calibration"),
        ({"runtimes": ("a.b",), "tables": {"a.b": "a.csv"}}, "letters, digits and _"),
        ({"calibrations": {"own": {"factor": 0.0}}}, "above 0, not 0.0"),
        ({"calibrations": {"own": {"factor": "1"}}}, "above 0, not '1'"),
        ({"calibrations": {"own": {"kinds": {"conv": float("nan")}}}}, "above 0, not nan"),
        ({"calibrations": {"own": {"kinds": {"konv": 1.0}}}}, "'konv'"),
        ({"calibrations": {"own": {"networks": 0}}}, "1 network or more"),
        ({"calibrations": {"own": {"error": -1.0}}}, "0 or more, or None"),
        ({"calibrations": {"own": {"source": ""}}}, "needs its source"),
    ],
)
def test_devices_that_cannot_be(change, said):
    def device():
        given = change.get("calibrations", {}).get("own")
        made = {"calibrations": {"own": Calibration(**{**GOOD, **given})}}
        return Device(**{"core": "cortex-m7", "runtimes": ("own",), **FACTS, **change, **made})

    def plain():
        return Device(**{"core": "cortex-m7", "runtimes": ("own",), **FACTS, **change})

    calibrated = isinstance(change.get("calibrations", {}).get("own"), dict)
    with pytest.raises(UserError, match=said):
        (device if calibrated else plain)()


def test_profile_says_how_its_table_is_used(monkeypatch, only_what_ships, capsys):
    few = _grid.grid()[:2]
    monkeypatch.setattr(_grid, "grid", lambda: few)
    monkeypatch.setattr(vela, "version", lambda: "vela of a test")
    monkeypatch.setattr(vela, "count", lambda shape, core: Row(shape, 9, {"npu": len(core)}))
    cli.main(["profile", "ethosu55", "--out", "mine.csv"])
    assert "tables={'vela': Path(__file__).with_name('mine.csv')}" in capsys.readouterr().out
    assert "core: ethosu55-128" in Path("mine.csv").read_text()
    with pytest.raises(UserError, match=r"Vela compiles for ethosu55-32.*not for ethosu85-256"):
        vela.conditions("ethosu85-256")


def test_the_ethos_of_each_size_is_named_to_vela():
    flags = [vela._settings(core)["accelerator-config"] for core in vela.CORES]
    assert flags == ["ethos-u55-32", "ethos-u55-64", "ethos-u55-128", "ethos-u55-256"]
