"""Write the table as files that nats_bench, nas-bench-201 or HW-NAS-Bench's reader open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchsuite.cli import (
    Names,
    examples,
    json_option,
    plugins_option,
    print_json,
    print_wrapped,
)
from benchsuite.cli.commands._combinations import refuse
from benchsuite.cli.commands._out_option import out_folder
from benchsuite.errors import UserError
from benchsuite.reporting.text import progress

if TYPE_CHECKING:
    from benchsuite.table.table import Table


@click.command(
    epilog=examples(
        "benchsuite export-api nats --leave-gaps --official-name --out torch_home",
        "benchsuite export-api nas201 --leave-gaps --out nb201",
        "benchsuite export-api hw --out hw",
        "benchsuite export-api hw --plugins my_folder --out hw",
    )
)
@click.argument("api", type=Names(["nats", "nas201", "hw"]))
@out_folder("out", default=Path("out/api"), help="Where the files go.")
@click.option("--single-file", is_flag=True, help="nats: also the one file of all cells.")
@click.option("--official-name", is_flag=True, help="Give the files the name of the official ones.")
@click.option(
    "--mix-releases",
    "mixed",
    is_flag=True,
    help="Also write accuracies of another release than the validation accuracies.",
)
@click.option("--allow-estimates", "estimates", is_flag=True, help="Also write estimates.")
@click.option("--leave-gaps", "gaps", is_flag=True, help="Write NaN for what is not allowed.")
@click.option("--replace", is_flag=True, help="Replace files that are there.")
@plugins_option
@json_option
def command(
    api: str,
    out: Path,
    single_file: bool,
    official_name: bool,
    mixed: bool,
    estimates: bool,
    gaps: bool,
    replace: bool,
    plugin_folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Write the table in the format of API, for scripts that are not changed.

    nats: NATS-tss, for nats_bench 1.8, whose create(None, "tss", fast_mode=True) takes the folder
    TORCH_HOME with the official name in it; nas201: for nas-bench-201 2.1; hw: HW-NAS-Bench's, with
    the simulated parts, and devices of your own, as further ones. docs/drop_in.md says what the
    files hold and lack.
    """
    from benchsuite.assembly.whole import whole_table

    if single_file and api != "nats":
        raise UserError(f"--single-file is for nats: {api} is one file already.")
    if api == "hw" and (mixed or estimates or gaps):
        raise UserError("HW-NAS-Bench's file holds no accuracies: leave out what allows some.")
    if api != "hw":
        refuse(f"{api} holds accuracies, which no plug-in makes", "plugin_folders")
    table = whole_table(plugin_folders)
    allowed = (estimates, mixed, gaps)
    paths, notes = _write(api, table, out, single_file, official_name, allowed, replace)
    if as_json:
        print_json({"paths": [str(path) for path in paths], "notes": list(notes)})
        return
    for line in (*map(str, paths), *notes):
        print_wrapped(line)


def _write(
    api: str,
    table: Table,
    out: Path,
    single_file: bool,
    official_name: bool,
    allowed: tuple[bool, bool, bool],
    replace: bool,
) -> tuple[list[Path], tuple[str, ...]]:
    from benchsuite.exports import hw, nas201, nats
    from benchsuite.exports.trainings import Allowed, Trainings

    name = {"nats": nats, "nas201": nas201, "hw": hw}[api]
    stem = name.OFFICIAL if official_name else name.OURS
    if api == "hw":
        path = _free(out / stem, replace)
        return [path], hw.write(path, table)
    trainings = Trainings(table, Allowed(*allowed))
    if api == "nas201":
        path = _free(out / stem, replace)
        nas201.write(path, trainings, _tracked)
        return [path], trainings.notes
    paths = [_free(out / f"{stem}-simple", replace)]
    if single_file:
        paths.append(_free(out / f"{stem}.pickle.pbz2", replace))
    nats.write_simple(paths[0], trainings, _tracked, replace=replace)
    for path in paths[1:]:
        nats.write_whole(path, trainings, _tracked)
    return paths, trainings.notes


def _free(path: Path, replace: bool) -> Path:
    if path.exists() and not replace:
        raise UserError(f"{path} is there already: --replace writes it anew.")
    return path


def _tracked(cells: Iterable[int]) -> Iterator[int]:
    with progress() as bar:
        yield from bar.track(list(cells), description="cells")
