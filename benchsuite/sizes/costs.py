"""Parameters, FLOPs, RAM, flash and latency of all 32,768 networks of the size space, as a stream.

Every network is built, deployed and priced as `bs.estimate` does it, one after the other; only what
one shape of operator costs is remembered. A folder holds a Parquet file per `CHUNK` networks, each
written whole; those that are there are not computed again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchsuite import plugins
from benchsuite.api import Device
from benchsuite.deployment.ram import CONVENTIONS
from benchsuite.devices._latency.range import Mark
from benchsuite.devices._latency.runtimes import ShapeCycles, shape_cycles
from benchsuite.devices._models.estimation import ram
from benchsuite.devices._models.model import of_network
from benchsuite.digest import code, digest, files_beside
from benchsuite.files import write_atomically
from benchsuite.parallel.lost import resumable
from benchsuite.parallel.pool import map_jobs
from benchsuite.proxies._tabulation import rows
from benchsuite.space import cost, sizes
from benchsuite.space.deploy import deploy
from benchsuite.space.network import Skeleton, build
from benchsuite.table import parquet

CHUNK = 1024
N_CHUNKS = sizes.N_SIZES // CHUNK
_BEYOND: tuple[Mark, ...] = ("extrapolated", "not identified")
WIDTHS = tuple(f"width{number}" for number in range(1, sizes.PARTS + 1))


@dataclass(frozen=True)
class Plan:
    """What the columns are of: parts by name, and the images and classes of the networks."""

    devices: tuple[tuple[str, Device], ...]
    around: Skeleton

    def settings(self, folders: Sequence[Path] = ()) -> dict[str, Any]:
        """Return what must agree for files to share a folder; folders: of plug-ins."""
        found = plugins.find("devices", folders)
        beside = {found[name].path.parent: found[name].path for name, _ in self.devices}
        packages = ("benchsuite", "benchsuite.devices")
        return {
            "space": "nats-sss",
            "devices": [name for name, _ in self.devices],
            "resolution": self.around.resolution,
            "classes": self.around.classes,
            "code": digest(code(packages), *map(files_beside, beside.values()))[:12],
        }


def latency_name(device: str, runtime: str) -> str:
    """Return the column of the seconds on a part under a runtime."""
    return f"latency.{device}.{runtime}"


def columns(plan: Plan, first: int, last: int) -> dict[str, NDArray[Any]]:
    """Return the columns of networks first ... last - 1.

    `index`, `arch` (`8:8:8:16:40`) and `width1` ... `width5`; `params` and `flops` as trained,
    `macs` as deployed (`benchsuite.space.cost`); `ram.*` (`benchsuite.deployment.ram`) and
    `flash.weights` in bytes; `latency.PART.RUNTIME` in seconds, and `seen.PART.RUNTIME`, the share
    of its cycles of operators that were counted, or lie between those that were counted or fitted.
    """
    priced = _prices(plan)
    table: dict[str, list[Any]] = {}
    for index in range(first, last):
        widths = sizes.sizes_of(index)
        around = sizes.skeleton(widths, plan.around)
        trained = build(sizes.CELL, around)
        model = of_network(deploy(sizes.CELL, around), sizes.string(widths))
        shapes = [one.shape for one in model.operations if one.shape is not None]
        row: dict[str, Any] = {
            "index": index,
            "arch": model.name,
            **dict(zip(WIDTHS, widths, strict=True)),
            "params": cost.params(trained),
            "flops": cost.flops(trained),
            "macs": model.macs,
            **{name: ram(model, name) for name in CONVENTIONS},
            "flash.weights": model.weights_bytes,
        }
        for device, runtime, clock, price in priced:
            each = [price(shape) for shape in shapes]
            cycles = sum(spent for spent, _ in each)
            beyond = sum(spent for spent, mark in each if mark in _BEYOND)
            row[latency_name(device, runtime)] = cycles / clock
            row[f"seen.{device}.{runtime}"] = 1 - beyond / cycles
        for name, value in row.items():
            table.setdefault(name, []).append(value)
    return {name: np.array(values) for name, values in table.items()}


def write(
    folder: Path,
    plan: Plan,
    *,
    jobs: int = 1,
    folders: Sequence[Path] = (),
    finished: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Write the columns that are not yet in a folder; return how many networks were computed.

    jobs: processes; folders: of plug-ins; finished(done, total): called with networks that are
    there. Raises UserError for a folder of other settings, or one that cannot be written.
    """
    rows.claim(folder, plan.settings(folders))
    left = [number for number in range(N_CHUNKS) if not _file(folder, number).exists()]
    done = N_CHUNKS - len(left)
    finished(done * CHUNK, sizes.N_SIZES)
    with resumable():
        for at, chunk in map_jobs(_chunk, left, plan, workers=jobs):
            table = pa.table(chunk)
            file = _file(folder, left[at])
            write_atomically(file, functools.partial(_write, table))
            done += 1
            finished(done * CHUNK, sizes.N_SIZES)
    return len(left) * CHUNK


def read(folder: Path, names: Sequence[str] = ()) -> dict[str, NDArray[Any]]:
    """Return columns of a folder that `write` has finished, in the order of the index.

    names: by default all. Raises UserError for a file that is not there, or damaged.
    """
    tables = [parquet.read(_file(folder, number)) for number in range(N_CHUNKS)]
    kept: Mapping[str, Any] = pa.concat_tables(tables)
    return {name: kept[name].to_numpy() for name in names or tables[0].column_names}


def _chunk(plan: Plan, number: int) -> dict[str, NDArray[Any]]:
    return columns(plan, number * CHUNK, (number + 1) * CHUNK)


def _write(table: pa.Table, part: str) -> None:
    pq.write_table(table, part, compression="zstd")


def _file(folder: Path, number: int) -> Path:
    return folder / "costs" / f"part-{number:02}.parquet"


@functools.lru_cache(maxsize=1)
def _prices(plan: Plan) -> list[tuple[str, str, float, ShapeCycles]]:
    """Return part, runtime, clock and what a shape costs there, which is remembered."""
    return [
        (name, runtime, device.clock, functools.cache(shape_cycles(device, runtime)))
        for name, device in plan.devices
        for runtime in device.runtimes
    ]
