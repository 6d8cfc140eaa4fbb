"""Score all cells with zero-cost proxies: sharded, resumable, into one Parquet file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from benchsuite.assembly.own_scores import FILE
from benchsuite.cli import examples, json_option, plugins_option, print_json, print_wrapped
from benchsuite.cli.commands._cluster_option import cluster_option
from benchsuite.cli.commands._combinations import all_but, refuse
from benchsuite.cli.commands._lists import proxy_names
from benchsuite.cli.commands._network_options import network_options
from benchsuite.cli.commands._out_option import out_folder
from benchsuite.cli.commands._progress import progress
from benchsuite.errors import UserError
from benchsuite.parameters import check_whole
from benchsuite.space.network import Skeleton

TABLE = FILE.name
RESUMES = True  # Stopped, the same command goes on.


@click.command(
    epilog=examples(
        "benchsuite tabulate --images cifar-10-batches-py --jobs 2 --out out/proxies",
        "benchsuite tabulate --proxy naswot,zico --cells 100 --out out/sample",
        "benchsuite tabulate --shard 2/4 --out out/shards",
        "benchsuite tabulate --dtype float64 --proxy grasp,zico --out out/double",
        "benchsuite tabulate --unpruned --cells 1000 --out out/unpruned",
        "benchsuite tabulate --device cuda --out out/cuda",
    )
)
@click.option("--proxy", "proxies", multiple=True, help="Names, by commas; or all. [default: all]")
@network_options
@click.option(
    "--repeats",
    type=int,
    help="Weights and batches per cell. [default: 3; to merge, as many as the rows have]",
)
@click.option("--cells", default="all", show_default=True, metavar="N|all|FILE")
@click.option("--shard", default="1/1", show_default=True, metavar="I/N")
@click.option(
    "--jobs",
    default=1,
    show_default=True,
    help="Processes, of one thread each; no more than memory has room for.",
)
@cluster_option
@plugins_option
@out_folder(
    "folder",
    default=FILE.parent,
    help=f"Where rows and {TABLE} go; a run with the same DIR and settings goes on there.",
)
@click.option("--merge", is_flag=True, help=f"Only make {TABLE} of the rows there are.")
@click.option("--label", default="", help="Ends every column's name, as in naswot.LABEL.")
@json_option
def command(
    proxies: tuple[str, ...],
    channels: int,
    cells_per_stage: int,
    resolution: int,
    classes: int,
    batch_size: int,
    seed: int,
    images: str | None,
    dtype: str,
    unpruned: bool,
    device: str,
    repeats: int | None,
    cells: str,
    shard: str,
    jobs: int,
    cluster: str | None,
    plugin_folders: tuple[Path, ...],
    folder: Path,
    merge: bool,
    label: str,
    as_json: bool,
) -> None:
    """Score the cells with zero-cost proxies, once per functional class and repeat.

    Stopped or killed, the same command goes on where it was. Shards of one table may run at the
    same time, on several machines that share DIR or whose rows are copied together; rows of other
    settings are refused.
    """
    from benchsuite.proxies._tabulation import rows, tabulate
    from benchsuite.proxies._tabulation.merge import check_label
    from benchsuite.proxies._tabulation.spec import Spec, defaults

    check_whole(jobs, "The number of jobs", low=1)
    if repeats is not None:
        check_whole(repeats, "The number of repeats", low=1)
    if merge:
        kept = ("merge", "folder", "repeats", "plugin_folders", "label", "as_json")
        refuse("--merge takes the rows there are", *all_but(*kept))
        _merge(folder, repeats, plugin_folders, label, as_json)
        return
    number, shards = _shard(shard)
    repeats = 3 if repeats is None else repeats
    spec = Spec(
        proxies=proxy_names(proxies) or defaults(plugin_folders, device, unpruned=unpruned),
        skeleton=Skeleton(channels, cells_per_stage, resolution, classes),
        batch_size=batch_size,
        seed=seed,
        images=images,
        plugin_folders=tuple(plugin_folders),
        dtype=dtype,
        unpruned=unpruned,
        device=device,
    )
    if proxies:
        spec.check()
    check_label(label, spec.load(), unpruned=unpruned)
    chosen = tabulate.choose_cells(cells, seed, unpruned=unpruned)
    todo = tabulate.tasks(chosen, repeats, number, shards)
    with progress("scored") as show:
        tabulate.run(
            spec,
            todo,
            folder,
            shard=number,
            shards=shards,
            jobs=jobs,
            cluster=cluster,
            asked=tabulate.tasks(chosen, repeats, 1, 1),
            finished=show,
        )
    there = {(row["cell"], row["repeat"]): row for row in rows.read(folder)}
    tabulate.report_failures(there.values())
    missing = [task for task in tabulate.tasks(chosen, repeats, 1, 1) if task not in there]
    if missing and as_json:
        print_json({"table": None, "rows": len(there), "missing_rows": len(missing)})
    elif missing:
        print_wrapped(f"{len(missing)} rows of other shards are missing; --merge makes the table.")
    else:
        _merge(folder, repeats, plugin_folders, label, as_json)


def _merge(
    folder: Path,
    repeats: int | None,
    plugin_folders: tuple[Path, ...],
    label: str,
    as_json: bool,
) -> None:
    from benchsuite import plugins
    from benchsuite.proxies._tabulation import merge, rows

    settings = rows.tabulated_settings(folder)["proxies"]
    proxies = {name: plugins.load("proxies", name, plugin_folders) for name in settings}
    for name, version in settings.items():
        if proxies[name].version != version:
            raise UserError(
                f"{folder} holds version {version} of {name}; here it has version "
                f"{proxies[name].version}. Tabulate into another folder."
            )
    table = merge.merge(folder, proxies, repeats, label)
    merge.check_no_fuller(folder / TABLE, table)
    table.write(folder / TABLE)
    absent = rows.absent_shards(folder)
    if as_json:
        print_json(
            {
                "table": str(folder / TABLE),
                "columns": list(table.columns),
                "rows": table.provenance["rows"],
                "missing_rows": table.provenance["missing_rows"],
                "absent_shards": absent,
                "provenance": table.provenance,
            }
        )
        return
    print_wrapped(
        f"{folder / TABLE}: {len(table.columns)} columns of {table.provenance['rows']} rows, "
        f"{len(proxies)} proxies, {table.provenance['repeats']} repeats."
    )
    for said in _remarks(table.provenance, absent):
        print_wrapped(said)


def _remarks(about: Mapping[str, Any], absent: Sequence[str]) -> Iterator[str]:
    """Yield what a table lacks, and what is not known of it."""
    from benchsuite.proxies._scoring.images import NOISE

    if about["missing_rows"]:
        yield (
            f"{about['missing_rows']:,} rows are missing: a cell without all "
            f"{about['repeats']} repeats has no score."
        )
    if absent:
        yield f"Shards without a file of rows: {', '.join(absent)}."
    if about["unstamped_rows"]:
        yield (
            f"{about['unstamped_rows']:,} rows are of before rows held a digest of their settings: "
            "that they are of one is known of their proxies, device and images alone."
        )
    images = about["settings"]["batch"]["images"]
    if images in NOISE:
        yield f"The scores are of {images} noise, not of images."


def _shard(text: str) -> tuple[int, int]:
    number, slash, shards = text.partition("/")
    digits = (number + shards).isascii() and number.isdigit() and shards.isdigit()
    if not (slash and digits and 1 <= int(number) <= int(shards)):
        raise UserError(f"--shard {text!r}: give I/N with I from 1 to N, as in 2/4.")
    return int(number), int(shards)
