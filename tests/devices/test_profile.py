"""What `benchsuite profile` refuses, writes and needs."""

import pytest
from click.testing import CliRunner

from benchsuite.cli.commands import profile as profile_command
from benchsuite.devices._emulation import toolchain
from benchsuite.devices._emulation.grid import grid
from benchsuite.devices._latency.cycles import parse
from benchsuite.errors import UserError


def test_profile_refuses_what_it_cannot_do(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = CliRunner()
    unknown = runner.invoke(profile_command.command, ["stm32f747"])
    assert isinstance(unknown.exception, UserError)
    assert "Did you mean stm32h747, stm32f746 or stm32f407" in str(unknown.exception)
    monkeypatch.setattr(toolchain, "available", lambda: ())
    toolchain.build.cache_clear()
    nothing = runner.invoke(profile_command.command, ["stm32f746"])
    assert isinstance(nothing.exception, UserError)
    assert "no cross-compiler" in str(nothing.exception)


def test_profile_writes_a_table(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    for package in ("unicorn", "capstone", "elftools"):
        pytest.importorskip(package)
    if not toolchain.available():
        pytest.skip("no cross-compiler: neither ziglang nor gcc-arm-none-eabi")
    from benchsuite.devices._emulation import grid as _grid

    few = tuple(shape for shape in grid() if shape.operator == "linear")
    monkeypatch.setattr(_grid, "grid", lambda: few)
    path = f"{tmp_path}/table.csv"
    done = CliRunner().invoke(profile_command.command, ["stm32l4r5", "--out", path])
    assert done.exit_code == 0, done.output
    with open(path, encoding="utf-8") as file:
        table = parse("new", file.read().splitlines())
    assert tuple(table.rows) == few


def test_a_missing_emulator_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchsuite.devices._emulation.emulate import _import

    with pytest.raises(UserError, match=r"nowhere_to_be_found.*pip install benchsuite\[mcu\]"):
        _import("nowhere_to_be_found")
