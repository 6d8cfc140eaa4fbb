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
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchsuite import plugins
from benchsuite.api import Proxy
from benchsuite.errors import PluginError, UserError
from benchsuite.files import read_text
from benchsuite.parallel.lost import resumable
from benchsuite.parallel.pool import check_workers, map_jobs
from benchsuite.proxies._tabulation import rows as _rows
from benchsuite.proxies._tabulation.spec import Spec
from benchsuite.space.cell import N_CELLS
from benchsuite.space.equivalence import classes, representatives
from benchsuite.space.spellings import cell_of
from benchsuite.terminal import say

# Large pages, and freed memory kept: feature maps are allocated and freed thousands of times.
_MALLOC = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1:glibc.malloc.mmap_max=0:"
    "glibc.malloc.trim_threshold=100000000000:glibc.malloc.top_pad=268435456"
}
Task = tuple[int, int]


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
    asked: Sequence[Task] = (),
    finished: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Score what is not yet in the folder and append it; return how many rows were added.

    asked: what all shards are to score, noted so that what is missing can be counted; cluster:
    where to score instead of in processes of this machine (`benchsuite.parallel.clusters`).
    finished(done, total) is called with rows of `todo` that are there. Raises UserError for less
    than one job, a folder of other settings or of rows of another kind of GPU, a device that is not
    there, a proxy that fails, a full disk, or a worker that was killed.
    """
    from benchsuite.proxies._scoring.device import torch_device
    from benchsuite.proxies._scoring.images import say_stand_in

    check_workers(jobs)
    if not cluster:
        torch_device(spec.device)
    say_stand_in(spec.images)
    for sentence in spec.rounded():
        say(f"Note: {sentence}")
    _rows.claim(folder, spec.settings())
    if asked:
        _rows.ask(folder, asked)
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
