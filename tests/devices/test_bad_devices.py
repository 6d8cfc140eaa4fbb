"""Devices that cannot be: a sentence with exit code 2 from the commands, UserError from Python."""

import json
import sys
from pathlib import Path

import pytest

from benchsuite import cli, plugins
from benchsuite.api import Device
from benchsuite.devices._emulation import toolchain
from benchsuite.devices._emulation.cores import core
from benchsuite.devices._emulation.emulate import call
from benchsuite.devices._emulation.profile import count
from benchsuite.devices._footprint import columns
from benchsuite.devices._footprint.code_size import sections
from benchsuite.devices._latency.latency import all_latencies, latency, layer_costs
from benchsuite.devices._latency.operators import Shape
from benchsuite.devices._latency.runtimes import shape_cycles
from benchsuite.errors import PluginWarning, UserError
from benchsuite.space.cell import Cell
from benchsuite.space.deploy import deploy
from benchsuite.space.network import OFFICIAL, Skeleton, build
from benchsuite.terminal import spoken

GOOD = {
    "core": "cortex-m4",
    "clock": 80e6,
    "sram": 65_536,
    "flash": 262_144,
    "runtimes": ("own",),
    "source": "a data sheet",
}
BAD = {
    "a clock of 0": ({"clock": 0}, "clock above 0 Hz, not 0"),
    "a clock below 0": ({"clock": -1.0}, "clock above 0 Hz"),
    "a clock in words": ({"clock": "80 MHz"}, "clock above 0 Hz, not '80 MHz'"),
    "a clock that is true": ({"clock": True}, "clock above 0 Hz, not True"),
    "no clock": ({"clock": None}, "clock above 0 Hz, not None"),
    "a clock in MHz": (
        {"clock": 80},
        "clock = 80 is that of no part that runs networks: it is given in Hz (80 MHz are 80e6)",
    ),
    "a clock in kHz": ({"clock": 80e3}, "given in Hz"),
    "a clock in mHz": ({"clock": 80e9}, "from 1,000,000 to 10,000,000,000"),
    "SRAM in KiB": (
        {"sram": 64},
        "sram = 64 is that of no part that runs networks: it is given in bytes (64 KiB",
    ),
    "more SRAM in KiB": ({"sram": 320}, "given in bytes"),
    "flash in KiB": ({"flash": 256}, "flash = 256"),
    "flash in MiB": ({"flash": 1}, "flash = 1 "),
    "more flash in KiB": ({"flash": 2048}, "flash = 2048"),
    "all of the least": ({"clock": 80, "sram": 64, "flash": 256}, "given in Hz"),
    "a memory below 0": ({"sram": -65_536}, "whole number of bytes of sram"),
    "memory in words": ({"sram": "64 KiB"}, "whole number of bytes of sram, not '64 KiB'"),
    "endless memory": ({"flash": float("inf")}, "whole number of bytes of flash"),
    "runtimes in one word": ({"runtimes": "own"}, "a tuple, not 'own'"),
    "no runtime": ({"runtimes": ()}, "at least one runtime"),
    "a number of runtimes": ({"runtimes": 5}, "are a tuple, not 5"),
    "runtimes without an order": ({"runtimes": {"own"}}, "are a tuple, not {'own'}"),
    "a runtime twice": ({"runtimes": ("own", "own")}, "'own' stands there twice"),
    "a runtime that is a number": ({"runtimes": ("own", 1)}, "letters, digits and _, not 1"),
    "a runtime that is a path": ({"runtimes": ("../own",)}, "letters, digits and _, not '../own'"),
    "a core in capitals": ({"core": "Cortex-M4"}, "is written 'cortex-m4', not 'Cortex-M4'"),
    "a core with an underscore": ({"core": "cortex_m7"}, "is written 'cortex-m7'"),
    "no source": ({"source": ""}, "needs its source"),
}


@pytest.fixture
def mine(tmp_path):
    """Write a device of given fields into a folder of plug-ins."""
    (tmp_path / "devices").mkdir()

    def write(fields):
        given = ", ".join(f"{key}={value!r}" for key, value in fields.items())
        given = given.replace("=inf", "=float('inf')")
        text = f'"""Mine."""\n\nfrom benchsuite.api import Device\n\nDEVICE = Device({given})\n'
        (tmp_path / "devices" / "mine.py").write_text(text)
        return str(tmp_path)

    return write


@pytest.fixture
def benchsuite(capsys, tmp_path, monkeypatch):
    """Call the command line, which has to refuse; return its sentence, alike as text and JSON."""
    monkeypatch.chdir(tmp_path)

    def call_it(*args):
        said = []
        for json_too in ((), ("--json",)):
            with pytest.raises(SystemExit) as stopped:
                cli.main([*args, *json_too])
            assert stopped.value.code == 2
            out, err = capsys.readouterr()
            assert "Traceback" not in err
            said.append(json.loads(out)["error"] if json_too else err)
        assert spoken(said[1]) in " ".join(said[0].split()) or spoken(said[1]) in said[0]
        assert not list(tmp_path.glob("*.csv"))
        assert not list(tmp_path.glob("*.parquet"))
        return said[1]

    return call_it


@pytest.mark.parametrize("what", BAD)
def test_impossible_fields(what, mine, benchsuite):
    change, sentence = BAD[what]
    with pytest.raises(UserError) as refused:
        Device(**{**GOOD, **change})
    assert sentence in str(refused.value)
    assert sentence in benchsuite("profile", "mine", "--plugins", mine({**GOOD, **change}))


@pytest.mark.parametrize("field", GOOD)
def test_missing_fields(field, mine, benchsuite):
    fields = {key: value for key, value in GOOD.items() if key != field}
    folder = mine(fields)
    with pytest.raises(UserError, match=f"does not import.*'{field}'"):
        plugins.load("devices", "mine", [Path(folder)])
    with pytest.warns(PluginWarning, match=f"mine.py does not import.*'{field}'.*mine.py, line"):
        assert set(columns.usable_devices([Path(folder)])) == set(plugins.find("devices"))


def test_a_field_that_no_device_has(mine, benchsuite):
    assert "'volts'" in benchsuite("profile", "mine", "--plugins", mine({**GOOD, "volts": 3}))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"core": "cortex-m44"}, "no core 'cortex-m44' to emulate"),
        ({"core": "ethosu55-128"}, "no core 'ethosu55-128' to emulate"),
    ],
)
def test_cores_that_cannot_be_profiled(change, sentence, mine, benchsuite):
    assert sentence in benchsuite("profile", "mine", "--plugins", mine({**GOOD, **change}))


def test_runtimes_and_tables_that_do_not_exist(mine, benchsuite):
    folder = mine({**GOOD, "runtimes": ("owns",)})
    with pytest.warns(PluginWarning, match="There is no runtime 'owns'.*Did you mean own"):
        assert "mine" not in columns.usable_devices([Path(folder)])
    with pytest.raises(UserError, match="no latency table 'own-cortex-m0'"):
        all_latencies(Skeleton(4, 1, 8), Device(**{**GOOD, "core": "cortex-m0"}), "own")


def test_no_compiler(benchsuite, monkeypatch):
    monkeypatch.setattr(toolchain, "available", lambda: ())
    toolchain.build.cache_clear()
    said = benchsuite("profile", "stm32l432")
    assert "no cross-compiler (zig or gcc) for cortex-m4" in said
    assert "Install the extra 'mcu'" in said
    assert "no cross-compiler (zig)" in benchsuite("profile", "riscv320")
    with pytest.raises(UserError, match="no cross-compiler"):
        count(core("cortex-m4"), Shape("relu", 4, 4, 4))


@pytest.mark.parametrize("package", ["unicorn", "capstone", "elftools"])
def test_no_emulator(package, benchsuite, monkeypatch):
    if not toolchain.available():
        pytest.skip("no cross-compiler: neither ziglang nor gcc-arm-none-eabi")
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    said = benchsuite("profile", "stm32l432")
    assert f"needs the package {package}" in said
    assert "pip install benchsuite[mcu]" in said


def test_no_emulator_from_python(monkeypatch):
    monkeypatch.setitem(sys.modules, "unicorn", None)
    monkeypatch.setitem(sys.modules, "elftools.elf.elffile", None)
    with pytest.raises(UserError, match="needs the package unicorn"):
        call(b"", core("cortex-m4"), "relu_s8", [], [])
    with pytest.raises(UserError, match="needs the package elftools"):
        sections(b"")


def test_shapes_and_layers_no_kernel_has():
    device = plugins.load("devices", "stm32l432")
    with pytest.raises(UserError, match="no row of the operator 'softmax'; it holds add"):
        shape_cycles(device, "own")(Shape("softmax", 4, 4, 4))
    with pytest.raises(UserError, match="No runtime here has a kernel for the layer"):
        layer_costs(build(Cell.from_index(6111), OFFICIAL["cifar10"]), device, "own")
    with pytest.raises(UserError, match="has no runtime 'tinyengine'"):
        layer_costs(deploy(Cell.from_index(6111), OFFICIAL["cifar10"]), device, "tinyengine")
    with pytest.raises(UserError, match="no runtime 'tflm'"):
        latency(Cell.from_index(6111), OFFICIAL["cifar10"], device, "tflm")
