"""How far the sum over a network's layers is from Vela's figure for the whole network.

`tables/vela_networks.csv` holds Vela's cycles for exported cells, in both skeletons of the table;
the sums come from `tables/vela-ethosu55-128.csv`. The cells: one operator on all edges, for each
operator, and connected cells drawn at random. `python -m
benchsuite.devices._validation.vela_networks` prints the file anew (extras `vela`, `export`).
"""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import numpy as np

from benchsuite.devices._export.quantise import quantise
from benchsuite.devices._latency import cycles as _table
from benchsuite.devices._latency import vela
from benchsuite.devices._latency.counts import shapes_of
from benchsuite.space.cell import CONV1, CONV3, POOL, SKIP, Cell, connected
from benchsuite.space.deploy import deploy
from benchsuite.space.network import OFFICIAL, Skeleton

SKELETONS = {"official": OFFICIAL["cifar10"], "mcu": Skeleton(cells_per_stage=1)}
_RANDOM_CELLS = 12
_HEADER = ("index", "skeleton", "cycles")


@dataclass(frozen=True)
class Agreement:
    """The sum over layers beside Vela's figure for the network, over n cells of one skeleton.

    ratio_min, ratio_median, ratio_max: sum over figure; mape: mean of |ratio - 1|.
    """

    skeleton: str
    n: int
    ratio_min: float
    ratio_median: float
    ratio_max: float
    mape: float
    spearman: float
    tau: float


def cells() -> tuple[Cell, ...]:
    """Return the cells that are compared."""
    drawn = np.random.default_rng(0).choice(
        np.flatnonzero(connected()), _RANDOM_CELLS, replace=False
    )
    plain = [Cell((op,) * 6) for op in (CONV1, CONV3, POOL, SKIP)]
    return (*plain, *(Cell.from_index(index) for index in sorted(drawn.tolist())))


def whole(cell: Cell, skeleton: Skeleton) -> int:
    """Return Vela's cycles for one exported cell. Raises UserError without Vela."""
    from benchsuite.devices._export.tflite import to_tflite

    quantised = quantise(deploy(cell, skeleton), np.random.default_rng(0), "after")
    return vela.compile_network(to_tflite(quantised)).cycles


def summed(cell: Cell, skeleton: Skeleton) -> float:
    """Return the sum of the table's cycles over the layers of one cell's deployed network."""
    table = _table.load(f"vela-{vela.CORE}")
    return sum(table.cycles(shape)[0] for shape in shapes_of(deploy(cell, skeleton)))


def dump(report: Callable[[], None] = lambda: None) -> str:
    """Return what `tables/vela_networks.csv` must hold, compiled anew; report: after each cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    text.write(f"# {vela.version()}\n")
    writer.writerow(_HEADER)
    for label, skeleton in SKELETONS.items():
        for cell in cells():
            writer.writerow((cell.index, label, whole(cell, skeleton)))
            report()
    return text.getvalue()


@functools.cache
def shipped() -> Mapping[tuple[int, str], int]:
    """Return Vela's cycles by index and skeleton as they ship."""
    with (_table.TABLES / "vela_networks.csv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return {(int(row["index"]), row["skeleton"]): int(row["cycles"]) for row in rows}


@functools.cache
def check() -> tuple[Agreement, ...]:
    """Return how the sums agree with Vela's figures, one record per skeleton."""
    from scipy import stats

    found = []
    for label, skeleton in SKELETONS.items():
        of = {index: cycles for (index, name), cycles in shipped().items() if name == label}
        true = np.array(list(of.values()), dtype=np.float64)
        ours = np.array([summed(Cell.from_index(index), skeleton) for index in of])
        ratio = ours / true
        found.append(
            Agreement(
                skeleton=label,
                n=len(of),
                ratio_min=float(ratio.min()),
                ratio_median=float(np.median(ratio)),
                ratio_max=float(ratio.max()),
                mape=float(np.abs(ratio - 1).mean()),
                spearman=float(stats.spearmanr(ours, true)[0]),
                tau=float(stats.kendalltau(ours, true)[0]),
            )
        )
    return tuple(found)


def to_json() -> list[dict[str, object]]:
    """Return `check` as records."""
    return [asdict(row) for row in check()]


if __name__ == "__main__":
    print(dump(), end="")
