"""Examine the devices: check their latency models, or rebuild their columns."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from benchsuite.cli import json_option, plugins_option, print_json
from benchsuite.cli.commands._out_option import out_file


@click.group(epilog="Examples: benchsuite devices check --json | benchsuite devices tabulate")
def command() -> None:
    """Examine the device profiles and their latency models."""


@command.command(epilog="Examples: benchsuite devices check | benchsuite devices check --json")
@json_option
def check(as_json: bool) -> None:
    """Compare predicted with measured latency for every board and runtime that was measured."""
    import pandas as pd

    from benchsuite.devices._footprint import columns
    from benchsuite.devices._validation import boards, vela_networks
    from benchsuite.reporting.text import print_table

    found = boards.check()
    beyond = columns.extrapolations()
    compiled = vela_networks.to_json()
    if as_json:
        print_json({**found.to_json(), "compiled": compiled, "extrapolation": beyond})
        return
    rows = pd.DataFrame(found.to_json()["rows"])
    print_table(rows.drop(columns="note"))
    for row in rows[rows["note"] != ""].itertuples():
        print(f"Fails: {row.board}, {row.runtime}: {row.note}.")
    for reason, count in found.left_out.items():
        print(f"Left out: {count} figures ({reason}).")
    for one in compiled:
        print(
            f"Ethos-U55, {one['skeleton']} network: the sum over layers is {one['ratio_min']:.3f} "
            f"to {one['ratio_max']:.3f} times Vela's figure for the whole ({one['n']} cells)."
        )
    print("How the cycles of all cells are known, CIFAR-10 network, official:")
    shares = pd.DataFrame(beyond["shares"])
    chosen = (shares["dataset"] == "cifar10") & (shares["skeleton"] == "official")
    print_table(shares[chosen].drop(columns=["dataset", "skeleton"]))
    print("Operators of cells that no table or fit has seen:")
    print_table(pd.DataFrame(beyond["operators"]))
    print(
        "The runtime own is not compared: nobody measured its kernels on a board. MONAS' published "
        "latencies are a reference, no runtime."
    )


@command.command(epilog="Examples: benchsuite devices tabulate --out devices.parquet")
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

    checked = boards.check()
    about = {
        "inputs": {},
        "made_by": environment(),
        "validation": {**checked.to_json(), "points": checked.points()},
        "power": [asdict(setup) for setup in setups.shipped()],
        "fits": columns.fit_counts(plugin_folders),
        "extrapolation": columns.extrapolations(plugin_folders),
        "monas_deployment": monas_deployment.analysis(),
    }
    table = Table.empty(about).with_columns(columns.columns(plugin_folders))
    table.write(out)
    if as_json:
        print_json({"path": str(out), "columns": list(table.columns)})
        return
    print(f"{out}: {len(table.columns)} columns of 15,625 cells")
