"""Compute all 32,768 networks of NATS-Bench's size space: costs, devices, proxies on a sample."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchsuite.cli import examples, json_option, plugins_option, print_json
from benchsuite.cli.commands._combinations import refuse
from benchsuite.cli.commands._lists import listed_or_all, proxy_names
from benchsuite.cli.commands._out_option import out_folder
from benchsuite.cli.commands._progress import progress
from benchsuite.errors import UserError, did_you_mean
from benchsuite.space.network import OFFICIAL, Skeleton
from benchsuite.terminal import say

if TYPE_CHECKING:
    import pandas as pd

    from benchsuite.api import Device

RESUMES = True  # Stopped, the same command goes on.
_SHOWN = 40  # Rows of a table, on a terminal.


@click.command(
    epilog=examples(
        "benchsuite sizes",
        "benchsuite sizes --device stm32f746,stm32l4r5 --jobs 2",
        "benchsuite sizes --sample 300 --proxy naswot,synflow --resolution 16",
        "python -c \"import pandas; print(pandas.read_parquet('out/sizes/costs'))\"",
    )
)
@click.option("--device", "devices", multiple=True, help="Parts, by commas. [default: all]")
@click.option("--dataset", default="cifar10", show_default=True, help="Of images and classes.")
@click.option("--sample", type=int, help="Score so many networks, drawn by --seed, with proxies.")
@click.option("--proxy", "proxies", multiple=True, help="Names, by commas. [default: all that can]")
@click.option("--resolution", type=int, help="Of the images of proxies. [default: the dataset's]")
@click.option("--batch-size", default=32, show_default=True, help="Images of proxies per batch.")
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Of the sample, weights and images.",
)
@click.option("--images", metavar="WHERE", help="Of proxies, as 'benchsuite tabulate' takes them.")
@click.option("--jobs", default=1, show_default=True, help="Processes, of one thread each.")
@plugins_option
@out_folder("folder", default=Path("out/sizes"), help="Where all goes; another run goes on there.")
@json_option
def command(
    devices: tuple[str, ...],
    dataset: str,
    sample: int | None,
    proxies: tuple[str, ...],
    resolution: int | None,
    batch_size: int,
    seed: int,
    images: str | None,
    jobs: int,
    plugin_folders: tuple[Path, ...],
    folder: Path,
    as_json: bool,
) -> None:
    """Compute the size space of NATS-Bench: one cell, five widths of 8 to 64 channels.

    Parameters, FLOPs, RAM, flash and latencies of all networks go to DIR/costs, as a stream, and
    with --sample scores of some of them to DIR/scores.parquet. Tables beside them say what the
    costs and the scores are functions of; no accuracy is known. Stopped or killed, the same
    command goes on where it was.
    """
    from benchsuite import plugins
    from benchsuite.files import write_text
    from benchsuite.notations import csv_text
    from benchsuite.sizes import costs, findings, scores

    if dataset not in OFFICIAL:
        raise UserError(
            f"There is no dataset {dataset!r}; there are {', '.join(OFFICIAL)}."
            + did_you_mean(dataset, OFFICIAL)
        )
    left_out: dict[str, str] = {}
    if sample is None:
        why = "proxies score a sample, and --sample 300 says of how many networks"
        refuse(why, "proxies", "resolution", "images", "batch_size", "seed")
    around = OFFICIAL[dataset]
    plan = costs.Plan(_devices(devices, plugin_folders), around)
    if sample is not None:
        chosen = scores.sample(sample, seed)
        names = proxy_names(proxies)
        if not names:
            names, left_out = scores.space_proxies(plugin_folders)
        there = plugins.find("proxies", plugin_folders)
        for name, why in left_out.items():
            if there[name].module:
                say(f"Note: {why}")
            else:  # Whoever gives a plug-in means it.
                plugins.leave_out(why)
        pixels = around.resolution if resolution is None else resolution
        spec = scores.Spec(
            proxies=names,
            skeleton=Skeleton(64, 1, pixels, around.classes),
            batch_size=batch_size,
            seed=seed,
            images=images,
            plugin_folders=plugin_folders,
        )
        if proxies:
            spec.check()
        spec.batches(0)  # What cannot be drawn or scored is said before the costs are computed.
    with progress("priced") as show:
        costs.write(folder, plan, jobs=jobs, folders=plugin_folders, finished=show)
    priced = costs.read(folder)
    tables = {"latency": findings.latencies(priced), "memory": findings.memories(priced)}
    if sample is not None:
        with progress("scored") as show:
            scores.write(folder / "scores", spec, chosen, jobs=jobs, finished=show)
        scored = scores.read(folder / "scores", chosen)
        of_sample = {name: values[chosen] for name, values in priced.items()}
        scores.write_table(folder / "scores.parquet", of_sample, scored)
        tables["proxies"] = findings.proxies(of_sample, scored)
        tables["pairs"] = findings.pairs(of_sample, scored)
    for name, rows in tables.items():
        write_text(folder / f"{name}.csv", csv_text(rows))
    if as_json:
        print_json(
            {
                "costs": str(folder / "costs"),
                "columns": list(priced),
                "networks": len(priced["index"]),
                "left_out": list(left_out.values()),
                **{name: rows.to_dict("records") for name, rows in tables.items()},
            }
        )
        return
    print(f"{folder / 'costs'}: {len(priced)} columns of {len(priced['index']):,} networks")
    for name, rows in tables.items():
        print(f"\n{_shown(rows, folder / f'{name}.csv')}")


def _devices(names: tuple[str, ...], folders: tuple[Path, ...]) -> tuple[tuple[str, Device], ...]:
    from benchsuite import plugins
    from benchsuite.devices._footprint.columns import usable_devices

    if wanted := listed_or_all("--device", names):
        return tuple((name, plugins.load("devices", name, folders)) for name in wanted)
    return tuple(usable_devices(folders).items())


def _shown(rows: pd.DataFrame, where: Path) -> str:
    from benchsuite.reporting.text import fitted

    text, notes = fitted(rows.head(_SHOWN), str(where))
    left = len(rows) - _SHOWN
    more = [f"{left} more rows are in {where}."] if left > 0 else []
    return "\n".join([text, *notes, *more])
