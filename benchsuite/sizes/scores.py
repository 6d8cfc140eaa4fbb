"""Scores of zero-cost proxies on a sample of the size space: rows that go on where they stopped.

Rows, processes, settings and weights are those of `benchsuite.proxies._tabulation.tabulate`; a row
is of a network of the size space instead of a cell. Weights are drawn by layer and shape, so two
networks with the same width at one place have the same weights there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite import plugins
from benchsuite.api import Proxy
from benchsuite.errors import UserError
from benchsuite.files import write_atomically
from benchsuite.proxies._tabulation import rows, tabulate
from benchsuite.proxies._tabulation.spec import Spec as OfCells
from benchsuite.proxies._tabulation.spec import scoring_proxies
from benchsuite.space import sizes
from benchsuite.space.cell import Cell
from benchsuite.space.network import Skeleton


@dataclass(frozen=True)
class Spec(OfCells):
    """What the scores depend on; skeleton: images and classes, and the channels of the widest."""

    def check(self) -> None:
        """Raise UserError for a proxy that scores no network of the space."""
        for name, proxy in self.load().items():
            if why := _refusal(name, proxy):
                raise UserError(why)

    def settings(self) -> dict[str, Any]:
        """Return what must agree for two results to share a folder, as JSON."""
        return {**super().settings(), "space": "nats-sss"}

    def network(self, index: int) -> tuple[Cell, Skeleton]:
        """Return the cell of the size space and the skeleton of a network by its index there."""
        return sizes.CELL, sizes.skeleton(sizes.sizes_of(index), self.skeleton)


def space_proxies(folders: Sequence[Path] = ()) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the names of all proxies that score networks of the space, and by name why not."""
    names = scoring_proxies(folders)
    why = {name: _refusal(name, plugins.load("proxies", name, folders)) for name in names}
    left_out = {name: text for name, text in why.items() if text}
    return tuple(name for name in names if name not in left_out), left_out


def _refusal(name: str, proxy: Proxy) -> str:
    """Return why a proxy scores no network of the space, empty where it does."""
    from benchsuite.proxies._scoring.score import passes_of

    smallest = sizes.skeleton(sizes.sizes_of(0), Skeleton(resolution=8))
    try:
        passes_of(name, proxy, (sizes.CELL, smallest))
    except UserError as error:
        return f"{name} scores no network of the size space: {error}"
    return ""


def sample(number: int, seed: int = 0) -> list[int]:
    """Return the indices, sorted, of a random sample of the space, the same for the same seed.

    A larger sample holds the smaller ones, so that their scores are kept. Raises UserError for a
    number that is not from 2 to 32,768.

    >>> sample(3)
    [19975, 20251, 26544]
    """
    if not 2 <= number <= sizes.N_SIZES:
        raise UserError(f"A sample is of 2 to {sizes.N_SIZES:,} networks, not of {number}.")
    drawn = np.random.default_rng(seed).permutation(sizes.N_SIZES)[:number]
    return sorted(int(index) for index in drawn)


def write(
    folder: Path,
    spec: Spec,
    chosen: Sequence[int],
    *,
    jobs: int = 1,
    finished: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Score the networks that are not yet in a folder; return how many were; see `tabulate.run`."""
    tasks = [(index, 0) for index in chosen]
    added = tabulate.run(spec, tasks, folder, jobs=jobs, finished=finished)
    tabulate.report_failures(rows.read(folder))
    return added


def read(folder: Path, chosen: Sequence[int]) -> dict[str, NDArray[np.float64]]:
    """Return the scores [len(chosen)] by output, NaN where missing."""
    there = {row["cell"]: row["values"] for row in rows.read(folder)}
    names = there[chosen[0]]
    found = {name: [there[index][name] for index in chosen] for name in names}
    return {name: np.array(values, dtype=np.float64) for name, values in found.items()}


def write_table(
    path: Path, costs: Mapping[str, NDArray[Any]], scores: Mapping[str, NDArray[np.float64]]
) -> None:
    """Write scores as Parquet: `index`, `arch`, and a column per output, NaN where missing.

    costs: of the same networks.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"index": costs["index"], "arch": costs["arch"], **scores})
    write_atomically(path, lambda part: pq.write_table(table, part, compression="zstd"))
