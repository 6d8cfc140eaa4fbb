"""The pickle of HW-NAS-Bench with the parts of this project as further devices.

`pickle["nasbench201"][dataset][metric][index]` is what its reader, `HWNASBenchAPI`, looks at: ten
metrics, latency in ms and energy in mJ, NaN where nobody measured; `config` says what the network
is. The further metrics have the same form and units: `<device>_<runtime>_latency` [ms],
`<device>_<runtime>_energy` [mJ] where the part's power is known, `<device>_<runtime>_fits` [0, 0.5
or 1; 0.5: maybe], `ram_<convention>` and `flash_weights` [bytes].

Source: Li et al., "HW-NAS-Bench", ICLR 2021, `hw_nas_bench_api.py`.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchsuite.exports.trainings import RUNS
from benchsuite.files import write_atomically
from benchsuite.space.cell import N_CELLS, all_archs
from benchsuite.space.network import OFFICIAL as NETWORKS
from benchsuite.table.device_columns import parse
from benchsuite.table.table import Table

OFFICIAL, OURS = "HW-NAS-Bench-v1_0.pickle", "HW-NAS-Bench-benchsuite.pickle"
METRICS = (
    "edgegpu_latency",
    "edgegpu_energy",
    "raspi4_latency",
    "edgetpu_latency",
    "pixel3_latency",
    "eyeriss_latency",
    "eyeriss_energy",
    "eyeriss_arithmetic_intensity",
    "fpga_latency",
    "fpga_energy",
)
_FACTORS = {"s": 1e3, "J": 1e3}  # to the ms and mJ of the ten metrics
_NAMES = {name: run.dataset for name, run in RUNS.items() if name != "cifar10-valid"}


def write(path: Path, table: Table) -> tuple[str, ...]:
    """Write the file and return its notes, which it holds as `pickle["notes"]` too."""
    spaces = {name: _metrics(table, name, dataset) for name, dataset in _NAMES.items()}
    notes = _notes(table)
    whole = {"nasbench201": spaces, "notes": list(notes)}
    write_atomically(path, lambda part: Path(part).write_bytes(pickle.dumps(whole, protocol=4)))
    return notes


def _metrics(table: Table, name: str, dataset: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for metric in METRICS:
        column = f"hwnasbench.{dataset}.{metric}"
        known = column in table
        found[metric] = table.values(column).tolist() if known else [math.nan] * N_CELLS
    for metric, column, factor in _own(table, dataset):
        found[metric] = (factor * table.values(column)).tolist()
    skeleton = NETWORKS[dataset]
    found["config"] = [
        {
            "name": "infer.tiny",
            "C": skeleton.channels,
            "N": skeleton.cells_per_stage,
            "arch_str": arch,
            "num_classes": skeleton.classes,
        }
        for arch in all_archs()
    ]
    return found


def _own(table: Table, dataset: str) -> Iterator[tuple[str, str, float]]:
    """Yield what a metric is called, its column, and by what that is multiplied."""
    for full, column in table.columns.items():
        parts = parse(full)
        if column.kind != "device" or parts is None:
            continue
        if (parts.dataset, parts.skeleton) == (dataset, "official"):
            words = (parts.device, parts.runtime) if parts.device else ()
            metric = "_".join((*words, *parts.what.split(".")))
            yield metric, full, _FACTORS.get(column.unit, 1.0)


def _notes(table: Table) -> tuple[str, ...]:
    measured = f"hwnasbench.cifar10.{METRICS[0]}" in table
    return (
        f"Written by benchsuite, not by the authors of the format. {table.provenance_line}",
        "The ten metrics of HW-NAS-Bench are its authors' measurements and estimates, NaN where "
        "the EdgeTPU ran a network not (-1 in their file)."
        if measured
        else "The ten metrics of HW-NAS-Bench are NaN: its public files were not there.",
        "Further metrics are SIMULATED by benchsuite, of the official network of the data set in "
        "int8: <device>_<runtime>_latency [ms], <device>_<runtime>_energy [mJ] where the part's "
        "power is known, <device>_<runtime>_fits [0, 0.5 or 1; 0.5: maybe], ram_<convention> and "
        "flash_weights [bytes]. FBNet's space is absent.",
    )
