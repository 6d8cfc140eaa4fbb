"""Files for `nats_bench` 1.8: the folder with a file per cell, and the one file of all cells."""

from __future__ import annotations

import bz2
import pickle
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchsuite.exports.records import listing, record
from benchsuite.exports.trainings import Trainings
from benchsuite.files import write_atomically
from benchsuite.folders import write_folder
from benchsuite.space.cell import N_CELLS

OFFICIAL, OURS = "NATS-tss-v1_0-3ffb9", "NATS-tss-benchsuite"
LENGTHS = {"12": 12, "200": 200}
Track = Callable[[Iterable[int]], Iterable[int]]


def write_simple(folder: Path, trainings: Trainings, track: Track, *, replace: bool) -> None:
    """Write `meta.pickle.pbz2` and a file per cell, for `create(folder, "tss", fast_mode=True)`."""

    def write(made: Path) -> None:
        made.mkdir()
        about = {**listing(trainings.notes), "arch2infos": None, "evaluated_indexes": set()}
        _pack(about, made / "meta.pickle.pbz2")
        for cell in track(range(N_CELLS)):
            _pack(record(cell, trainings, LENGTHS), made / f"{cell:06d}.pickle.pbz2")

    write_folder(folder, write, replace=replace)


def write_whole(path: Path, trainings: Trainings, track: Track) -> None:
    """Write all cells as one file, for `create(path, "tss", fast_mode=False)`."""
    infos = {cell: record(cell, trainings, LENGTHS) for cell in track(range(N_CELLS))}
    whole = {**listing(trainings.notes), "arch2infos": infos, "evaluated_indexes": set(infos)}
    write_atomically(path, lambda part: _pack(whole, Path(part)))


def _pack(value: dict[str, Any], path: Path) -> None:
    with bz2.open(path, "wb", compresslevel=1) as file:
        pickle.dump(value, file, protocol=4)
