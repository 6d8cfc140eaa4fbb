"""A file for `nas-bench-201` 2.1: one dictionary, of builtins alone, which torch.load reads."""

from __future__ import annotations

from pathlib import Path

from benchsuite.exports.nats import Track
from benchsuite.exports.records import listing, record
from benchsuite.exports.trainings import Trainings
from benchsuite.files import write_atomically
from benchsuite.space.cell import N_CELLS

OFFICIAL, OURS = "NAS-Bench-201-v1_1-096897.pth", "NAS-Bench-201-benchsuite.pth"
LENGTHS = {"less": 12, "full": 200}


def write(path: Path, trainings: Trainings, track: Track) -> None:
    """Write all cells as one file, for `NASBench201API(path)`."""
    import torch

    infos = {cell: record(cell, trainings, LENGTHS) for cell in track(range(N_CELLS))}
    whole = {**listing(trainings.notes), "arch2infos": infos, "evaluated_indexes": list(infos)}
    write_atomically(path, lambda part: torch.save(whole, part))
