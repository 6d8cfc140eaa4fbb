"""Write one cell as an int8 .tflite or .onnx file with random weights."""

from __future__ import annotations

from pathlib import Path

import click

from benchsuite.cli import examples, json_option, print_json, print_wrapped
from benchsuite.cli.commands._out_option import out_file
from benchsuite.errors import UserError
from benchsuite.files import write_atomically
from benchsuite.space.network import OFFICIAL, Skeleton
from benchsuite.space.spellings import cell_of

_DEFAULT = OFFICIAL["cifar10"]


@click.command(
    epilog=examples(
        "benchsuite export 6111 --out cell.tflite",
        "benchsuite export 6111 --channels 8 --cells-per-stage 1 --out cell.onnx",
    )
)
@click.argument("cell")
@click.option("--channels", type=int, default=_DEFAULT.channels, show_default=True)
@click.option("--cells-per-stage", type=int, default=_DEFAULT.cells_per_stage, show_default=True)
@click.option("--resolution", type=int, default=_DEFAULT.resolution, show_default=True)
@click.option("--classes", type=int, default=_DEFAULT.classes, show_default=True)
@click.option("--format", "file_format", help="tflite or onnx. [default: the suffix of --out]")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@out_file(".tflite", ".onnx", required=True)
@json_option
def command(
    cell: str,
    channels: int,
    cells_per_stage: int,
    resolution: int,
    classes: int,
    file_format: str | None,
    seed: int,
    out: Path,
    as_json: bool,
) -> None:
    """Write CELL (as 'benchsuite cell' takes it), deployed in a skeleton, as an int8 file.

    The weights are random: RAM, flash and latency of the file are meaningful, accuracy is not.
    A .tflite file pads the convolutions of stride 2 after the image, as TensorFlow does, an .onnx
    file before it, as PyTorch does: outputs of the two differ, by up to 51 of 256 steps.
    """
    from benchsuite.deployment.ram import CONVENTIONS, ram
    from benchsuite.devices._export.formats import export

    suffix = out.suffix.lower().removeprefix(".")
    if file_format not in (None, suffix):
        raise UserError(f"--format {file_format} and --out {out} differ: leave out --format.")
    skeleton = Skeleton(channels, cells_per_stage, resolution, classes)
    chosen = cell_of(cell)
    data = export(chosen, skeleton, suffix, seed)
    write_atomically(out, lambda part: Path(part).write_bytes(data))
    sizes = {name: ram(name, chosen, skeleton) for name in CONVENTIONS}
    if as_json:
        print_json({"path": str(out), "cell": chosen.index, "bytes": len(data), "ram": sizes})
        return
    print_wrapped(f"{out}: cell {chosen.index}, {len(data):,} bytes, random weights (seed {seed})")
    print("RAM, flash and latency of this file are meaningful; its accuracy is not.")
    for convention, size in sizes.items():
        print(f"  {convention:<15} {size:>9,} bytes")
