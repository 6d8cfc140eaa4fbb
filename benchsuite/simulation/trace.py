"""The trace of a search: every look at the data, in order, with what it cost.

Written as Parquet; the same seed gives identical bytes, so the optimiser's wall time is no part of
it (see `replay.Run.optimiser_seconds`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchsuite.files import write_atomically
from benchsuite.notations import json_text

CHARGES = ("training", "measured", "stated", "none")


@dataclass(frozen=True, eq=False)
class Trace:
    """One row per look, [T] each.

    cell: official index, -1 for a look at all cells or an expectation; looked_at: position in
    `names`; value: what was seen (NaN for a whole column); seconds: its simulated cost; charge:
    position in `CHARGES`, the kind of that cost; clock: simulated seconds spent so far; best: the
    best feasible cell queried so far (-1: none), by most epochs, then by accuracy, then first seen;
    best_value: its validation accuracy in %.
    """

    names: tuple[str, ...]
    cell: NDArray[np.int32]
    looked_at: NDArray[np.int16]
    value: NDArray[np.float64]
    seconds: NDArray[np.float64]
    charge: NDArray[np.int8]
    clock: NDArray[np.float64]
    best: NDArray[np.int32]
    best_value: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.cell)

    def to_arrow(self, seed: int) -> pa.Table:
        """Return the trace as an Arrow table, with the seed and the step in front."""
        n = len(self)
        return pa.table(
            {
                "seed": np.full(n, seed, dtype=np.int64),
                "step": np.arange(n, dtype=np.int32),
                "cell": self.cell,
                "looked_at": _texts(self.looked_at, self.names),
                "value": self.value,
                "seconds": self.seconds,
                "charge": _texts(self.charge, CHARGES),
                "clock": self.clock,
                "best": self.best,
                "best_value": self.best_value,
            }
        )


def best_so_far(
    cell: NDArray[np.int32],
    epochs: NDArray[np.int16],
    value: NDArray[np.float64],
    feasible: NDArray[np.bool_],
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the best feasible cell [T] after each look, and its accuracy; -1 and NaN before one.

    cell, epochs, value: [T], epochs 0 where the look was no query. feasible: [15625].
    """
    counted = (epochs > 0) & feasible[np.maximum(cell, 0)]
    key = np.where(counted, epochs * 1e3 + np.where(counted, value, 0.0), -np.inf)
    top = np.maximum.accumulate(key) if len(key) else key
    is_new = counted & (key > np.concatenate([[-np.inf], top[:-1]]))
    at = np.maximum.accumulate(np.where(is_new, np.arange(len(key)), -1)) if len(key) else key
    at = at.astype(np.int64)
    none = at < 0
    best = np.where(none, -1, cell[at]) if len(key) else cell
    return best.astype(np.int32), np.where(none, np.nan, value[at]) if len(key) else value


def answered(
    best: NDArray[np.int32],
    best_value: NDArray[np.float64],
    stood: Sequence[tuple[int, int]],
    cell: NDArray[np.int32],
    epochs: NDArray[np.int16],
    value: NDArray[np.float64],
) -> None:
    """Put into `best_so_far` what a search that answers as it goes would answer when stopped.

    stood: the looks made before each answer, and its cell; from the look that led to it on, it
    stands. cell, epochs, value: of all looks [T]; the accuracy of an answer is that of its longest
    training, the last of those.
    """
    for looks, pick in stood:
        since = slice(max(looks - 1, 0), None)
        trained = np.flatnonzero((cell[:looks] == pick) & (epochs[:looks] > 0))
        longest = trained[epochs[trained] == epochs[trained].max(initial=0)]
        best[since], best_value[since] = pick, value[longest[-1]] if len(longest) else np.nan


def write_traces(
    path: Path, traces: Sequence[tuple[int, Trace]], provenance: Mapping[str, Any]
) -> None:
    """Write the traces of several seeds as one Parquet file with provenance in the footer."""
    text = json_text(provenance, sort_keys=True, separators=(",", ":"))
    table = pa.concat_tables([trace.to_arrow(seed) for seed, trace in traces])
    table = table.unify_dictionaries().replace_schema_metadata({b"benchsuite": text.encode()})
    write_atomically(path, lambda part: pq.write_table(table, part, compression="zstd"))


def is_whole(path: Path) -> bool:
    """Tell whether a file of traces is there and not cut off: its footer comes last."""
    try:
        pq.read_metadata(path)
    except (OSError, pa.ArrowException):
        return False
    return True


def _texts(codes: NDArray[Any], names: Sequence[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(codes.astype(np.int32), pa.array(names, pa.string()))
