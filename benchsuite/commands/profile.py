"""`benchsuite profile DEVICE`: count this project's kernels on a device's core, shape by shape."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("profile")
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
@click.option(
    "--plugins",
    "folders",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    multiple=True,
    help="A folder with a folder `devices` of more profiles.",
)
def command(device: str, compiler: str | None, out: Path | None, folders: tuple[Path, ...]) -> None:
    """Compile the kernels for DEVICE's core, run them in an emulator, and write a latency table.

    Every output is checked bit by bit. Needs the extra `mcu`.
    """
    from benchsuite import plugins
    from devices._cores import core as core_named
    from devices._grid import grid
    from devices._profile import conditions, count_all
    from devices._table import dump
    from devices._toolchain import build

    core = core_named(plugins.load("devices", device, folders).core)
    built = build(core, compiler or "")
    click.echo(f"{core.name}, {built.compiler}, kernels {built.kernels}")
    shapes = grid()
    with click.progressbar(length=len(shapes), label="Counting") as bar:
        rows = count_all(core, shapes, compiler or "", report=lambda row: bar.update(1))
    path = out or Path(f"own-{core.name}.csv")
    path.write_text(dump(conditions(core, built), rows), encoding="utf-8")
    click.echo(f"Wrote {len(rows)} shapes to {path}.")
