"""Parameters, FLOPs, RAM, flash and latency of all 32,768 networks of the size space, as a stream.

A network is five parts, each of which depends on its own width and the one before alone. So 64
pairs of widths per part are built, deployed and priced as `bs.estimate` does it; sums over layers
are sums over parts, and the tensors of a network are those of its parts in a row, from which RAM is
computed network by network. A folder holds a Parquet file per `CHUNK` networks, each written whole;
those that are there are not computed again.
"""

from __future__ import annotations

import functools
import itertools
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
from benchsuite.deployment.graph import Graph
from benchsuite.deployment.ram import CONVENTIONS, im2col
from benchsuite.devices._latency.range import Mark
from benchsuite.devices._latency.runtimes import ShapeCycles, shape_cycles
from benchsuite.devices._models.model import Operation, of_network
from benchsuite.digest import code, digest, files_beside
from benchsuite.files import read_text, write_atomically
from benchsuite.parallel.lost import resumable
from benchsuite.parallel.pool import check_workers, map_jobs
from benchsuite.proxies._tabulation import rows
from benchsuite.space import cost, sizes
from benchsuite.space.deploy import deploy
from benchsuite.space.network import Layer, Skeleton, build
from benchsuite.table import parquet

CHUNK = 1024
N_CHUNKS = sizes.N_SIZES // CHUNK
_BEYOND: tuple[Mark, ...] = ("extrapolated", "not identified")
_TINYENGINE = "ram.tinyengine"
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
        own = [read_text(Path(f)) for _, device in self.devices for f in device.tables.values()]
        packages = ("benchsuite", "benchsuite.devices")
        return {
            "space": "nats-sss",
            "devices": [name for name, _ in self.devices],
            "resolution": self.around.resolution,
            "classes": self.around.classes,
            "code": digest(code(packages), *map(files_beside, beside.values()), *own)[:12],
        }


@dataclass(frozen=True)
class Part:
    """Layers of a network from one width to the next.

    counts: sums over them by column; kinds, sizes, channels: of the deployed tensors, as in
    `Graph`; window: most elements that a convolution reads at once; cycles, beyond: per part and
    runtime, all and those of operators that no table or fit has seen.
    """

    counts: Mapping[str, int]
    kinds: tuple[str, ...]
    sizes: tuple[int, ...]
    channels: tuple[int, ...]
    window: int
    cycles: tuple[float, ...]
    beyond: tuple[float, ...]


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
    parts = _parts(plan)
    table: dict[str, list[Any]] = {}
    for index in range(first, last):
        widths = sizes.sizes_of(index)
        pairs = zip((widths[0], *widths), widths, strict=False)
        own = [part[pair] for part, pair in zip(parts, pairs, strict=True)]
        graph = Graph(
            tuple(kind for one in own for kind in one.kinds),
            _inputs(tuple(len(one.kinds) for one in own), plan.around),
            tuple(size for one in own for size in one.sizes),
            tuple(channels for one in own for channels in one.channels),
        )
        row: dict[str, Any] = {
            "index": index,
            "arch": sizes.string(widths),
            **dict(zip(WIDTHS, widths, strict=True)),
            **{name: sum(one.counts[name] for one in own) for name in own[0].counts},
            **{name: of(graph) for name, of in CONVENTIONS.items() if name != _TINYENGINE},
        }
        largest = max(one.window for one in own)
        row[_TINYENGINE] = row["ram.best"] + im2col(largest)
        for at, (device, runtime, clock, _) in enumerate(_prices(plan)):
            cycles = sum(one.cycles[at] for one in own)
            row[latency_name(device, runtime)] = cycles / clock
            row[f"seen.{device}.{runtime}"] = 1 - sum(one.beyond[at] for one in own) / cycles
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
    there. Raises UserError for less than one job, and for a folder of other settings, or one that
    cannot be written.
    """
    check_workers(jobs)
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


@functools.lru_cache(maxsize=1)
def _parts(plan: Plan) -> list[dict[tuple[int, int], Part]]:
    """Return the parts in order, each by (width before, own width); the first has no width before.

    A network whose widths take turns holds four pairs.
    """
    parts: list[dict[tuple[int, int], Part]] = [{} for _ in range(sizes.PARTS)]
    for a, b in itertools.product(sizes.CHANNELS, repeat=2):
        widths = (a, b, a, b, a)
        around = sizes.skeleton(widths, plan.around)
        trained = build(sizes.CELL, around)
        model = of_network(deploy(sizes.CELL, around), sizes.string(widths))
        for at, (before, own) in enumerate(zip((a, *widths), widths, strict=False)):
            parts[at][before, own] = _part(plan, at, trained.layers, model.operations)
    return parts


def _part(plan: Plan, at: int, trained: Sequence[Layer], deployed: Sequence[Operation]) -> Part:
    layers = [layer for layer in trained if _place(layer.name) == at]
    own = [one for one in deployed if _place(one.name) == at]
    shapes = [one.shape for one in own if one.shape is not None]
    spent = [[price(shape) for shape in shapes] for *_, price in _prices(plan)]
    macs = sum(map(cost.layer_macs, layers))
    return Part(
        {
            "params": sum(map(cost.layer_params, layers)),
            "flops": macs + (plan.around.classes if at == sizes.PARTS - 1 else 0),
            "macs": sum(one.macs for one in own),
            "flash.weights": sum(one.weights_bytes for one in own),
        },
        tuple(one.kind for one in own),
        tuple(one.bytes for one in own),
        tuple(one.out[0] for one in own),
        max(shape.window * shape.in_channels for shape in shapes if shape.operator == "conv"),
        tuple(sum(cycles for cycles, _ in each) for each in spent),
        tuple(sum(cycles for cycles, mark in each if mark in _BEYOND) for each in spent),
    )


def _place(name: str) -> int:
    """Return which part a layer is of: the stem is of the first, what follows cells of the last."""
    before = name.partition(".")[0]
    named = {"input": 0, "stem": 0, "stage0": 0, "reduce1": 1, "stage1": 2, "reduce2": 3}
    return named.get(before, sizes.PARTS - 1)


@functools.cache
def _inputs(lengths: tuple[int, ...], around: Skeleton) -> tuple[tuple[int, ...], ...]:
    """Return what the tensors read, of any network whose parts have so many."""
    for widths in itertools.product((8, 16), repeat=sizes.PARTS):
        layers = deploy(sizes.CELL, sizes.skeleton(widths, around)).layers
        places = [_place(layer.name) for layer in layers]
        if tuple(map(places.count, range(sizes.PARTS))) == lengths:
            return tuple(layer.inputs for layer in layers)
    raise AssertionError(lengths)
