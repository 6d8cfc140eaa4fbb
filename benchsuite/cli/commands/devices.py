"""Examine the devices: check their latency models, or rebuild their columns."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchsuite.cli import (
    NamedPath,
    Names,
    examples,
    json_option,
    plugins_option,
    print_json,
    print_wrapped,
)
from benchsuite.cli.commands._lists import listed_or_all
from benchsuite.cli.commands._out_option import out_file

if TYPE_CHECKING:
    import pandas as pd

    from benchsuite.devices._models.fitting import How


@click.group(
    epilog=examples(
        "benchsuite devices estimate resnet8",
        "benchsuite devices check",
    )
)
def command() -> None:
    """Examine the device profiles and their latency models."""


@command.command(
    epilog=examples(
        "benchsuite devices check",
        "benchsuite devices check --json",
        "benchsuite devices check rows.csv",
    )
)
@click.argument("rows", required=False, type=NamedPath(dir_okay=False, path_type=Path))
@plugins_option
@json_option
def check(rows: Path | None, plugin_folders: tuple[Path, ...], as_json: bool) -> None:
    """Compare predicted with measured latency for every board and runtime that was measured.

    With ROWS, a CSV file of your own figures, it prints what is predicted beside each: columns
    device, runtime, model (a .tflite, .onnx or .csv file beside ROWS, a network of MLPerf Tiny, or
    a cell's index), ms, and where they matter version (of X-CUBE-AI) and skeleton (of a cell).
    Nothing is fitted to them.
    """
    if rows is not None:
        _check_rows(rows, plugin_folders, as_json)
        return
    import pandas as pd

    from benchsuite.devices._footprint import columns
    from benchsuite.devices._validation import boards, vela_networks
    from benchsuite.reporting.text import print_table

    found = boards.check()
    beyond = columns.extrapolations(columns.usable_devices(()))
    compiled = vela_networks.to_json()
    if as_json:
        print_json({**found.to_json(), "compiled": compiled, "extrapolation": beyond})
        return
    pairs = pd.DataFrame(found.to_json()["rows"])
    print_table(_pairs(pairs))
    print_wrapped(
        "n: networks; error: mean of |predicted - measured| / measured; family out: the same, each "
        "family of networks predicted from the others; bias: mean of predicted over measured, less "
        "1; tau: Kendall's, of the order of the networks. Spearman and more: --json."
    )
    unstated = pairs.loc[~pairs["clock_stated"], "board"].unique()
    if len(unstated):
        print_wrapped(f"Whose source states no clock, so its highest: {', '.join(unstated)}.")
    scaled = [
        f"{' '.join(filter(None, key))} times {factor:.2f}"
        for key, factor in boards.own_factors().items()
    ]
    print_wrapped(
        "Compared times one factor over the counts of today's tflm_cmsis_nn, fitted to their own "
        f"rows, which no estimate has: {', '.join(scaled)}."
    )
    for row in pairs[pairs["note"] != ""].itertuples():
        print_wrapped(f"Fails: {row.board}, {row.runtime}: {row.note}.")
    for reason, count in found.left_out.items():
        print_wrapped(f"Left out: {count} figures ({reason}).")
    for one in compiled:
        print_wrapped(
            f"Ethos-U55, {one['skeleton']} network: the sum over layers is {one['ratio_min']:.3f} "
            f"to {one['ratio_max']:.3f} times Vela's figure for the whole ({one['n']} cells)."
        )
    print("How the cycles of all cells are known, CIFAR-10 network, official:")
    shares = pd.DataFrame(beyond["shares"])
    chosen = (shares["dataset"] == "cifar10") & (shares["skeleton"] == "official")
    print_table(shares[chosen].drop(columns=["dataset", "skeleton"]))
    print("Operators of cells that no table or fit has seen:")
    print_table(pd.DataFrame(beyond["operators"]))
    print_wrapped(
        "The runtime own is not compared: nobody measured its kernels on a board. MONAS' published "
        "latencies are a reference, no runtime."
    )


def _pairs(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return boards and runtimes with the errors that a reader looks for."""
    import pandas as pd

    def shown(column: str, how: str) -> list[str]:
        return ["-" if pd.isna(value) else format(value, how) for value in pairs[column]]

    return pd.DataFrame(
        {
            "board": pairs["board"],
            "runtime": pairs["runtime"],
            "n": pairs["n"],
            "error": shown("mape", ".1%"),
            "family out": shown("mape_family_out", ".1%"),
            "bias": shown("bias", "+.1%"),
            "tau": shown("tau", ".2f"),
        }
    )


def _check_rows(path: Path, plugin_folders: tuple[Path, ...], as_json: bool) -> None:
    import pandas as pd

    from benchsuite.devices._footprint import columns
    from benchsuite.devices._models import blind
    from benchsuite.reporting.text import print_table

    rows = blind.compare(path, columns.usable_devices(plugin_folders))
    agree = blind.agreement(rows)
    if as_json:
        print_json({"rows": list(map(asdict, rows)), "agreement": list(map(asdict, agree))})
        return
    print_table(pd.DataFrame(map(asdict, rows)))
    print("Agreement, by device, runtime and version:")
    print_table(pd.DataFrame(map(asdict, agree)))
    print_wrapped(
        "measured and predicted in milliseconds; ratio: predicted over measured; within: "
        "what nine of ten errors (of the measured) on families left out are within; beyond: "
        "share of the cycles that no table or fit has seen. Nothing was fitted to these rows."
    )


@command.command(
    epilog=examples(
        "benchsuite devices estimate model.tflite --device stm32f746",
        "benchsuite devices estimate resnet8 --device stm32l4r5 --layers",
        "benchsuite devices estimate 6111 --skeleton mcu --memory arena.png",
    )
)
@click.argument("model")
@click.option("--device", "devices", multiple=True, help="Names, by commas. [default: all]")
@click.option("--runtime", "runtimes", multiple=True, help="Names, by commas. [default: all]")
@click.option("--dataset", default="cifar10", show_default=True, help="Of a cell's network.")
@click.option(
    "--skeleton", default="official", show_default=True, help="Of a cell: official or mcu."
)
@click.option("--layers", is_flag=True, help="A row per operator, of the first runtime.")
@out_file(".png", ".pdf", ".svg", option="--memory", name="picture", help="Draw the arena.")
@plugins_option
@json_option
def estimate(
    model: str,
    devices: tuple[str, ...],
    runtimes: tuple[str, ...],
    dataset: str,
    skeleton: str,
    layers: bool,
    picture: Path | None,
    plugin_folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Say what MODEL needs on each device under each runtime: latency, RAM, flash, energy, fit.

    MODEL is an int8 .tflite or .onnx file, a .csv list of layers, a network of MLPerf Tiny
    (resnet8, ds_cnn, mobilenet_v1, autoencoder), a cell as 'benchsuite cell' takes it, or five
    widths as 'benchsuite sizes' takes them (8:8:8:16:40).

    A list of layers has a row per layer and the columns name, operator (input, conv, depthwise,
    avg_pool, global_pool, add, affine, relu, linear, reshape, other), reads (names; empty: the row
    before), size (of an input, as 49x10), channels, kernel (3 or 10x4), stride, padding (same,
    valid or pixels) and relu (1 where it is fused); see docs/estimate.md.
    """
    from benchsuite.face.estimates import estimate as of_model
    from benchsuite.face.estimates import plain

    found = of_model(
        model,
        device=listed_or_all("--device", devices),
        runtime=listed_or_all("--runtime", runtimes),
        dataset=dataset,
        skeleton=skeleton,
        plugins=plugin_folders,
    )
    if picture is not None:
        found.memory(picture)
    if as_json:
        rows = {"layers": [plain(row) for row in found.layer_rows()]} if layers else {}
        drawn = {"memory": str(picture)} if picture else {}
        print_json({**found.to_json(), **rows, **drawn})
        return
    print(found.layers_text() if layers else found)
    if picture is not None:
        print(f"The arena is drawn in {picture}.")


@command.command(
    epilog=examples(
        "benchsuite devices calibrate my.csv --device stm32f746 --runtime own",
        "benchsuite devices calibrate my.csv --device stm32f746 --runtime own \\",
        "  --out mine/devices/my_board.py",
        "benchsuite devices estimate 6111 --device my_board --plugins mine",
    )
)
@click.argument("rows", type=NamedPath(dir_okay=False, path_type=Path))
@click.option("--device", required=True, help="A part; 'benchsuite ls devices' lists them.")
@click.option("--runtime", required=True, help="What the networks ran under.")
@click.option("--dataset", default="cifar10", show_default=True, help="Of cells' networks.")
@click.option("--skeleton", default="official", show_default=True, help="Of cells: official, mcu.")
@click.option(
    "--fit",
    "how",
    type=Names(["auto", "factor", "coefficients"]),
    default="auto",
    show_default=True,
    help="One factor, a coefficient per kind of operator, or what predicts better.",
)
@out_file(".py", help="The device, in a folder named devices. [default: none is written]")
@plugins_option
@json_option
def calibrate(
    rows: Path,
    device: str,
    runtime: str,
    dataset: str,
    skeleton: str,
    how: How,
    out: Path | None,
    plugin_folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Fit a device's latencies to those that you measured, and write it as a device of your own.

    ROWS is a CSV file with a row per figure: model (or cell: an index or architecture string, a
    .tflite, .onnx or .csv file beside ROWS, or a network of MLPerf Tiny) and ms, milliseconds of
    one image; of cells, where they differ, also dataset and skeleton. What is fitted: one factor,
    or a coefficient per kind of operator as far as the networks tell; each network is also
    predicted without itself. See docs/own_board.md.
    """
    from benchsuite import plugins
    from benchsuite.cli.commands import _calibration
    from benchsuite.devices._models import board_file
    from benchsuite.devices._models.calibration import calibrate as fitted

    if out is not None:
        board_file.check(out)
    base = plugins.load("devices", device, plugin_folders)
    with _calibration.counted() as report:
        found = fitted(
            rows, device, base, runtime, how=how, dataset=dataset, skeleton=skeleton, report=report
        )
    if out is not None:
        board_file.write(out, base, found)
    if as_json:
        print_json(_calibration.plain(found, out))
        return
    _calibration.show(found, out)


@command.command(
    epilog=examples(
        "benchsuite devices tabulate --out devices.parquet",
    )
)
@out_file(".parquet", required=True)
@plugins_option
@json_option
def tabulate(out: Path, plugin_folders: tuple[Path, ...], as_json: bool) -> None:
    """Compute latency, RAM, flash and what fits for all cells, devices, datasets' networks and two
    skeletons.

    The comparison with measured boards, how many cells fit with and without the code of the
    runtimes, which operators are extrapolated, and which deployments MONAS' latencies allow go into
    the file's provenance.
    """
    from benchsuite.devices._energy import setups
    from benchsuite.devices._footprint import columns
    from benchsuite.devices._validation import boards, monas_deployment
    from benchsuite.provenance import environment
    from benchsuite.table.table import Table

    checked, parts = boards.check(), columns.usable_devices(plugin_folders)
    about = {
        "inputs": {},
        "made_by": environment(),
        "validation": {**checked.to_json(), "points": checked.points()},
        "power": [asdict(setup) for setup in setups.shipped()],
        "fits": columns.fit_counts(parts),
        "extrapolation": columns.extrapolations(parts),
        "monas_deployment": monas_deployment.analysis(),
    }
    table = Table.empty(about).with_columns(columns.columns(plugin_folders))
    table.write(out)
    if as_json:
        print_json({"path": str(out), "columns": list(table.columns)})
        return
    print(f"{out}: {len(table.columns)} columns of 15,625 cells")
