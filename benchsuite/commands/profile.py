"""Count the kernels of this project on a device's core, shape by shape, in an emulator."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from benchsuite import plugins
from benchsuite.cli import json_option, plugins_option, print_json
from benchsuite.plugins import shared
from benchsuite.show import progress
from benchsuite.table import write_atomically


@click.command(
    epilog="Examples: benchsuite profile stm32f746 | benchsuite profile stm32l4r5 --compiler gcc"
)
@click.argument("device")
@click.option(
    "--compiler",
    type=click.Choice(["zig", "gcc"]),
    help="Which cross-compiler; the default is the first that is installed.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    default=None,
    help="Where to write the table (default: own-CORE.csv in this folder).",
)
@plugins_option
@json_option
def command(
    device: str,
    compiler: str | None,
    out: Path | None,
    plugin_folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Compile the kernels for DEVICE's core, run them in an emulator, and write a latency table.

    Every output is checked bit by bit. Needs the extra `mcu`.
    """
    core = shared("devices._cores").core(plugins.load("devices", device, plugin_folders).core)
    profile = shared("devices._profile")
    built = shared("devices._toolchain").build(core, compiler or "")
    print(f"{core.name}, {built.compiler}, kernels {built.kernels}", file=sys.stderr)
    shapes = shared("devices._grid").grid()
    with progress() as bars:
        task = bars.add_task("Counting", total=len(shapes))
        rows = profile.count_all(
            core, shapes, compiler or "", report=lambda row: bars.advance(task)
        )
    path = out or Path(f"own-{core.name}.csv")
    text = shared("devices._table").dump(profile.conditions(core, built), rows)
    write_atomically(path, lambda part: Path(part).write_text(text, "utf-8"))
    if as_json:
        print_json({"path": str(path), "shapes": len(rows), "core": core.name})
        return
    print(f"Wrote {len(rows)} shapes to {path}.")
