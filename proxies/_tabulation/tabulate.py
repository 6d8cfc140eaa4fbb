"""Score many cells: shards, processes of one thread each, resumable, the same whatever the split.

Each functional class is scored once, by its representative (see
`benchsuite.proxies._scoring.passes`). The parent process alone writes; workers get (cell, repeat)
and give back a row.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchsuite import plugins
from benchsuite.api import Proxy
from benchsuite.digest import code, digest, files_beside
from benchsuite.errors import PluginError, UserError
from benchsuite.files import read_text
from benchsuite.parallel.lost import resumable
from benchsuite.parallel.pool import map_jobs
from benchsuite.passes import RUNS_ON
from benchsuite.proxies._tabulation import rows as _rows
from benchsuite.space.cell import N_CELLS, Cell
from benchsuite.space.equivalence import classes, representatives
from benchsuite.space.network import Skeleton
from benchsuite.space.spellings import cell_of
from benchsuite.surroundings import numerics

if TYPE_CHECKING:
    from benchsuite.proxies._scoring.passes import Passes

BATCHES = 2
DTYPES = ("float32", "float64")
# Large pages, and freed memory kept: feature maps are allocated and freed thousands of times.
_MALLOC = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1:glibc.malloc.mmap_max=0:"
    "glibc.malloc.trim_threshold=100000000000:glibc.malloc.top_pad=268435456"
}
# Memory of a worker [B]: of its imports, and of feature maps in the size of the largest, per cell
# of a stage. Measured with all proxies: 213 MB on next to nothing, 1.02 GB by default, 1.94 GB with
# 32 channels.
_IMPORTED = 220e6
_FEATURE_MAPS = 84
Task = tuple[int, int]


@dataclass(frozen=True)
class Spec:
    """What every score depends on, except cell and repeat.

    proxies: their names; images: what `benchsuite.proxies._scoring.images.open_images` understands,
    or None; plugin_folders: where to look for proxies besides this project's; dtype: float32 or
    float64, of all that is computed; unpruned: whether dead operators are scored too, so that cells
    of a class differ; device: `cpu`, `cuda` or `mps`, of all that is computed.
    """

    proxies: tuple[str, ...]
    skeleton: Skeleton
    batch_size: int = 32
    seed: int = 0
    images: str | None = None
    plugin_folders: tuple[Path, ...] = ()
    dtype: str = "float32"
    unpruned: bool = False
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise UserError(f"Scores are computed in {' or '.join(DTYPES)}, not in {self.dtype}.")
        if self.device not in RUNS_ON:
            raise UserError(f"Scores are computed on {', '.join(RUNS_ON)}, not on {self.device!r}.")
        if self.device == "mps" and self.dtype == "float64":
            raise UserError("mps has no float64: ask for float32 there, or for --device cpu.")

    def load(self) -> dict[str, Proxy]:
        """Return the proxies by name; UserError for one that does not score networks."""
        loaded = {name: plugins.load("proxies", name, self.plugin_folders) for name in self.proxies}
        for name, proxy in loaded.items():
            if proxy.score is None:
                raise UserError(
                    f"The proxy {name} scores no network: it is computed of the cell's structure "
                    "or of other columns, and needs no tabulation."
                )
            if self.unpruned and not proxy.unpruned:
                raise UserError(
                    f"The proxy {name} is not scored unpruned: dead operators do not move it. "
                    f"They move {', '.join(with_dead(self.plugin_folders))}."
                )
            if self.device not in proxy.runs_on:
                raise UserError(
                    f"{_no_path(name, proxy, self.device)}: leave it out, or give --device cpu."
                )
        return loaded

    def check(self) -> None:
        """Raise UserError for a proxy that fails on a small network already."""
        from benchsuite.proxies._scoring.score import passes_of

        for name, proxy in self.load().items():
            passes_of(name, proxy)

    def batches(self, repeat: int) -> list[Any]:
        """Return the mini-batches of a repeat, the same for all cells."""
        from benchsuite.proxies._scoring.batch import draw
        from benchsuite.proxies._scoring.images import open_images

        size, classes_ = self.skeleton.resolution, self.skeleton.classes
        with numerics():
            return [
                draw(
                    open_images(self.images),
                    self.batch_size,
                    size,
                    classes_,
                    seed=self.seed,
                    repeat=repeat,
                    index=index,
                )
                for index in range(BATCHES)
            ]

    @property
    def memory(self) -> float:
        """What a worker needs [B], roughly: the largest feature map, times how many are kept."""
        net = self.skeleton
        number = 8 if self.dtype == "float64" else 4
        largest = number * self.batch_size * net.channels * net.resolution**2
        return _IMPORTED + _FEATURE_MAPS * net.cells_per_stage * largest

    def settings(self) -> dict[str, Any]:
        """Return what must agree for two results to share a folder, as JSON."""
        from importlib.metadata import version

        from benchsuite.proxies._engine.weights import RULE

        first = self.batches(0)
        found = plugins.find("proxies", self.plugin_folders)
        beside = {found[name].path.parent: found[name].path for name in self.proxies}
        return {
            "code": digest(
                code(("benchsuite", "benchsuite.proxies")), *map(files_beside, beside.values())
            )[:12],
            "proxies": {name: proxy.version for name, proxy in self.load().items()},
            "skeleton": asdict(self.skeleton),
            "batch": {
                "size": self.batch_size,
                "images": first[0].description.partition(",")[0],
                "sha256 of repeat 0": [batch.sha256 for batch in first],
            },
            "seed": self.seed,
            "weights": RULE,
            "dtype": self.dtype,
            "device": self.device,
            "torch": version("torch"),
            **({"unpruned": True} if self.unpruned else {}),
        }

    def network(self, index: int) -> tuple[Cell, Skeleton]:
        """Return the cell and the skeleton that an index means."""
        return Cell.from_index(index), self.skeleton

    def kind(self) -> type[Passes]:
        """Return the class of the passes."""
        from benchsuite.proxies._scoring.passes import Passes

        return Passes

    def passes(self, cell: int, repeat: int, batches: Sequence[Any]) -> Passes:
        """Return the passes of a cell and repeat, of which nothing is computed yet.

        Raises UserError where torch has no such device.
        """
        import torch

        from benchsuite.proxies._scoring.device import torch_device

        return self.kind()(
            *self.network(cell),
            batches,
            seed=self.seed,
            repeat=repeat,
            dtype=getattr(torch, self.dtype),
            unpruned=self.unpruned,
            device=torch_device(self.device),
        )


def with_dead(plugin_folders: Sequence[Path] = ()) -> tuple[str, ...]:
    """Return the names of the proxies that dead operators can move."""
    found = plugins.usable("proxies", plugin_folders)
    return tuple(plugin.name for plugin, proxy in found if proxy.unpruned)


def scoring_proxies(plugin_folders: Sequence[Path] = (), device: str = "cpu") -> tuple[str, ...]:
    """Return the names of all proxies that score networks and that can be used on a device.

    Others are left out with a warning: those that do not import, those that fail on a small
    network already, and those that have no path on the device.
    """
    from benchsuite.proxies._scoring.score import passes_of

    names = []
    for plugin, proxy in plugins.usable("proxies", plugin_folders):
        if proxy.score is None:
            continue
        try:
            passes_of(plugin.name, proxy)
        except UserError as error:
            plugins.leave_out(f"{plugin.name} is left out: {error}")
            continue
        if device not in proxy.runs_on:
            plugins.leave_out(f"{_no_path(plugin.name, proxy, device)}: it is left out.")
            continue
        names.append(plugin.name)
    return tuple(names)


def defaults(
    plugin_folders: Sequence[Path] = (), device: str = "cpu", *, unpruned: bool = False
) -> tuple[str, ...]:
    """Return the proxies that are scored where none is named."""
    return with_dead(plugin_folders) if unpruned else scoring_proxies(plugin_folders, device)


def _no_path(name: str, proxy: Proxy, device: str) -> str:
    return f"{name} has no path on {device} (it has one on {' and '.join(proxy.runs_on)})"


def report_failures(rows: Iterable[_rows.Row], *, by_name: bool = False) -> None:
    """Warn of proxies that failed on some of the cells; by_name: raise PluginError instead."""
    from benchsuite.proxies._scoring.score import FAILED

    failures: dict[str, list[str]] = {}
    for row in rows:
        for name, reason in row["reasons"].items():
            if reason.startswith(FAILED):
                failures.setdefault(name.partition(".")[0], []).append(reason)
    for name, reasons in failures.items():
        first = reasons[0].removeprefix(FAILED)
        if by_name:
            raise PluginError(first)
        plugins.leave_out(f"{name} has {len(reasons)} scores missing because it fails: {first}")


def choose_cells(which: str, seed: int, *, unpruned: bool = False) -> list[int]:
    """Return official indices, sorted, of the representatives of the chosen cells.

    which: `all`, a number of representatives to draw by `seed`, or a file with a cell per line.
    unpruned: every cell stands for itself.
    """
    everyone = np.arange(N_CELLS) if unpruned else representatives("functional")
    stands_for = everyone if unpruned else classes("functional")
    if which == "all":
        return [int(index) for index in everyone]
    if which.isascii() and which.isdigit():
        if not 1 <= int(which) <= len(everyone):
            raise UserError(f"There are {len(everyone)} different cells, not {which}.")
        drawn = np.random.default_rng(seed).choice(everyone, int(which), replace=False)
        return sorted(int(index) for index in drawn)
    if not Path(which).is_file():
        raise UserError(f"--cells {which!r} is neither `all`, nor a number, nor a file.")
    lines = read_text(Path(which)).split("\n")
    indices = [cell_of(line).index for line in lines if line.strip()]
    if not indices:
        raise UserError(f"{which} lists no cell.")
    return sorted({int(everyone[number]) for number in stands_for[indices]})


def tasks(cells: Sequence[int], repeats: int, shard: int, shards: int) -> list[Task]:
    """Return the (cell, repeat) of one shard, 1 ... shards: every n-th cell, repeat by repeat."""
    if not 1 <= shard <= shards:
        raise UserError(
            f"There is no shard {shard}/{shards}: give 1/{shards} to {shards}/{shards}."
        )
    return [(cell, repeat) for repeat in range(repeats) for cell in cells[shard - 1 :: shards]]


def run(
    spec: Spec,
    todo: Sequence[Task],
    folder: Path,
    *,
    shard: int = 1,
    shards: int = 1,
    jobs: int = 1,
    cluster: str | None = None,
    finished: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Score what is not yet in the folder and append it; return how many rows were added.

    cluster: where to score instead of in processes of this machine
    (`benchsuite.parallel.clusters`). finished(done, total) is called with rows of `todo` that are
    there. Raises UserError for a folder of other settings or of rows of another kind of GPU, a
    device that is not there, a proxy that fails, a full disk, or a worker that was killed.
    """
    from benchsuite.proxies._scoring.device import torch_device

    if not cluster:
        torch_device(spec.device)
    _rows.claim(folder, spec.settings())
    with _rows.appending(folder, shard, shards) as file:
        there, devices = set(), set()
        for row in _rows.read(folder):
            there.add((row["cell"], row["repeat"]))
            devices.add(row.get("device", "cpu"))
        left = [task for task in todo if task not in there]
        done = len(todo) - len(left)
        finished(done, len(todo))
        with resumable(), closing(_scored(spec, left, jobs, cluster)) as scored:
            for row in scored:
                _rows.one_device({*devices, row["device"]})
                devices.add(row["device"])
                file.append([row])
                done += 1
                finished(done, len(todo))
    return len(left)


def _scored(
    spec: Spec, left: list[Task], jobs: int, cluster: str | None
) -> Generator[_rows.Row, None, None]:
    """Yield rows as they are finished; few tasks wait in memory at any time.

    The workers of a cluster have to draw the same images.
    """
    if left and cluster:
        from benchsuite.proxies._scoring.images import VARIABLE

        spec = replace(
            spec,
            images=_absolute(spec.images or os.environ.get(VARIABLE) or "synthetic"),
            plugin_folders=tuple(folder.resolve() for folder in spec.plugin_folders),
        )
    for at, row in map_jobs(
        score_task,
        left,
        spec,
        workers=jobs,
        mode="processes",
        cluster=cluster if left else None,
        variables=_MALLOC,
        each=spec.memory,
        gpu=spec.device == "cuda",
    ):
        repeat = left[at][1]
        if cluster and row["batches"] != [b.sha256[:16] for b in _batches(spec, repeat)]:
            raise UserError(
                f"A worker of {cluster} drew other images than this machine for repeat {repeat}: "
                "the same files, and the same versions of numpy and torch, are needed."
            )
        yield row


def _absolute(images: str) -> str:
    return str(Path(images).resolve()) if Path(images).exists() else images


def score_task(spec: Spec, task: Task) -> _rows.Row:
    """Return the row of one task, as `score_row` does."""
    return score_row(spec, *task)


def score_row(spec: Spec, cell: int, repeat: int) -> _rows.Row:
    """Return the row of one cell and repeat: values (None where missing), reasons, seconds.

    What a proxy fails at is missing, with its file and line for a reason.
    """
    from benchsuite.proxies._scoring.device import name_of
    from benchsuite.proxies._scoring.score import score_network

    batches = _batches(spec, repeat)
    passes = spec.passes(cell, repeat, batches)
    scores = score_network(_loaded(spec), passes, keep_going=True)
    return {
        "cell": cell,
        "repeat": repeat,
        "device": name_of(passes.device),
        "batches": [batch.sha256[:16] for batch in batches],
        "values": {k: v if math.isfinite(v) else None for k, v in scores.values.items()},
        "reasons": scores.reasons,
        "seconds": {name: round(value, 6) for name, value in scores.seconds.items()},
    }


def _batches(spec: Spec, repeat: int) -> list[Any]:
    from benchsuite.proxies._scoring.images import open_images

    return _drawn(spec, repeat, open_images(spec.images))


@functools.lru_cache(maxsize=2)
def _drawn(spec: Spec, repeat: int, _images: object) -> list[Any]:
    return spec.batches(repeat)


@functools.lru_cache(maxsize=1)
def _loaded(spec: Spec) -> dict[str, Proxy]:
    return spec.load()
