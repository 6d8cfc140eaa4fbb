"""Make a device's latency table anew, shape by shape: in an emulator, or with its compiler."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchsuite import plugins
from benchsuite.cli import Names, examples, json_option, plugins_option, print_json
from benchsuite.cli.commands._out_option import out_file
from benchsuite.errors import UserError
from benchsuite.files import write_text
from benchsuite.reporting.text import progress

if TYPE_CHECKING:
    from benchsuite.devices._latency.cycles import Row
    from benchsuite.devices._latency.operators import Shape


@click.command(
    epilog=examples(
        "benchsuite profile stm32f746",
        "benchsuite profile stm32l4r5 --compiler gcc",
        "benchsuite profile ethosu55",
        "benchsuite profile my_core --plugins mine --out mine/devices/own-my.csv",
    )
)
@click.argument("device")
@click.option(
    "--compiler",
    type=Names(["zig", "gcc"]),
    help="Which cross-compiler; the default is the first that is installed.",
)
@out_file(".csv", help="The table. [default: RUNTIME-CORE.csv in this folder]")
@plugins_option
@json_option
def command(
    device: str,
    compiler: str | None,
    out: Path | None,
    plugin_folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Write the latency table of DEVICE's core anew.

    Kernels are compiled, run in an emulator and checked bit by bit (extra mcu). The Ethos-U55 has
    no kernels to run: its table is what Arm's compiler Vela estimates (extras vela, export).

    A device of your own (--plugins) is priced by the table at once if it names it: tables={"own":
    Path(__file__).with_name("own-my_core.csv")}, or "vela". A core that is not emulated, or a
    runtime of your own, has a table that you write: a row per shape and its cycles, as in
    docs/own_board.md.
    """
    found = plugins.load("devices", device, plugin_folders)
    made = (
        _estimate(found.core, compiler)
        if "vela" in found.runtimes
        else _emulate(found.core, compiler)
    )
    path = out or Path(f"{made.name}.csv")
    write_text(path, made.text)
    if as_json:
        print_json({"path": str(path), "shapes": made.shapes, "core": found.core})
        return
    print(f"Wrote {made.shapes} shapes to {path}.")
    runtime = made.name.partition("-")[0]
    if not any(Path(named).resolve() == path.resolve() for named in found.tables.values()):
        print("A device beside it is priced by it with")
        print(f"  tables={{{runtime!r}: Path(__file__).with_name({path.name!r})}}")


@dataclass(frozen=True)
class _Made:
    name: str
    text: str
    shapes: int


def _emulate(name: str, compiler: str | None) -> _Made:
    from benchsuite.devices._emulation import cores, profile, toolchain
    from benchsuite.devices._latency import cycles

    core = cores.core(name)
    built = toolchain.build(core, compiler or "")
    print(f"{core.name}, {built.compiler}, kernels {built.kernels}", file=sys.stderr)
    rows = _rows(lambda shapes, report: profile.count_all(core, shapes, compiler or "", report))
    text = cycles.dump(profile.conditions(core, built), rows)
    return _Made(f"own-{core.name}", text, len(rows))


def _estimate(core: str, compiler: str | None) -> _Made:
    from benchsuite.devices._latency import cycles, vela

    if compiler:
        raise UserError(f"Vela compiles for the Ethos-U55, not {compiler}: leave out --compiler.")
    conditions = vela.conditions(core)
    print(f"{core}, {conditions['compiler']}", file=sys.stderr)
    rows = _rows(lambda shapes, report: vela.count_all(shapes, report, core))
    return _Made(f"vela-{core}", cycles.dump(conditions, rows), len(rows))


def _rows(count_all: Callable[[Sequence[Shape], Callable[[Row], None]], list[Row]]) -> list[Row]:
    from benchsuite.devices._emulation.grid import grid

    shapes = grid()
    with progress() as bars:
        task = bars.add_task("Counting", total=len(shapes))
        return count_all(shapes, lambda row: bars.advance(task))
