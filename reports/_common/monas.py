"""Which cell each row of MONAS' Table 2 is, and where a row contradicts itself.

A row is matched by its FLOPs and parameters, which fix how many convolutions the cell has, and by
its three accuracies, which are test means of one release of NAS-Bench-201. Estimates can match
nothing: there the cells recorded in `published_monas.csv` are used, which were found in this way
with the public accuracies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchsuite.numerics.ties import argmin
from benchsuite.reports._common.tables import milliseconds, published
from benchsuite.table.columns import DATASETS, ESTIMATES, RELEASES
from benchsuite.table.table import Table

# Half of the last printed digit; halves are rounded either way in the paper.
_ACCURACY, _MFLOPS, _MPARAMS, _MS, _SPEEDUP = 0.0051, 0.0051, 0.00051, 0.011, 0.0055
_TE_NAS = 42.48


@dataclass(frozen=True)
class Match:
    """A printed row: its cell (-1 for none), how sure, candidates by FLOPs and parameters.

    means: the three accuracies of the release that fits best, NaN without a measured one.
    """

    row: pd.Series
    cell: int
    how: str
    candidates: int
    release: str
    means: tuple[float, ...]

    @property
    def sure(self) -> bool:
        """Whether the row is taken to be this cell rather than one near it."""
        return self.cell >= 0 and not self.how.startswith("nearest")


def matches(table: Table) -> list[Match]:
    """Return every row of Table 2 that prints FLOPs, with its cell."""
    rows = published("monas").dropna(subset="mflops")
    return [_match(table, row) for _, row in rows.iterrows()]


def contradictions(table: Table, match: Match) -> list[str]:
    """Return what the row prints that is not so for its cell, in sentences."""
    return [*_of_accuracy(table, match), *_of_cost(table, match)] if match.sure else []


def _match(table: Table, row: pd.Series) -> Match:
    fits = _has_counts(table, row)
    recorded = -1 if pd.isna(row["cell"]) else int(row["cell"])
    means = _means(table)
    count = int(fits.sum())
    if not means:
        how = "recorded, found with measured accuracies" if recorded >= 0 else "not identified"
        return Match(row, recorded, how, count, "", (np.nan,) * 3)
    printed = row[list(DATASETS)].to_numpy(dtype=float)
    agree = {
        release: (np.abs(values - printed) <= _ACCURACY).sum(axis=1)
        for release, values in means.items()
    }
    best = max(agree, key=lambda release: (int(agree[release][fits].max()), -_order(release)))
    hits = np.where(fits, agree[best], -1)
    cell, how = int(hits.argmax()), ""
    if hits.max() >= 2:
        same = int((hits == hits.max()).sum())
        how = "exact: all three accuracies" if hits.max() == 3 else "two of three accuracies"
        how += f"; one of {same} equivalent cells" * (same > 1)
    elif (elsewhere := _three_hits(agree)) is not None:
        best, cell = elsewhere
        how = "accuracies exact, but FLOPs and parameters of another cell"
    else:
        best, cell, how = _nearest(means, printed, fits & _has_latency(table, row))
    return Match(row, cell, how, count, best, tuple(means[best][cell].tolist()))


def _nearest(
    means: dict[str, NDArray[np.float64]], printed: NDArray[np.float64], fits: NDArray[np.bool_]
) -> tuple[str, int, str]:
    gaps = {
        release: np.where(
            fits, np.nan_to_num(np.linalg.norm(values - printed, axis=1), nan=np.inf), np.inf
        )
        for release, values in means.items()
    }
    best = min(gaps, key=lambda release: float(gaps[release].min()))
    away = float(gaps[best].min())
    text = f"nearest of {int(fits.sum())} by costs, {away:.2f} points away"
    return best, argmin(gaps[best], 100), text


def _order(release: str) -> int:
    return list(RELEASES).index(release)


def _three_hits(agree: dict[str, NDArray[np.int64]]) -> tuple[str, int] | None:
    for release, hits in agree.items():
        if hits.max() == 3:
            return release, int(hits.argmax())
    return None


def _has_counts(table: Table, row: pd.Series) -> NDArray[np.bool_]:
    flops, params = table.values("cifar10.flops") / 1e6, table.values("cifar10.params") / 1e6
    near = np.abs(flops - row["mflops"]) <= _MFLOPS
    return np.asarray(near & (np.abs(params - row["mparams"]) <= _MPARAMS))


def _has_latency(table: Table, row: pd.Series) -> NDArray[np.bool_]:
    """Tell which cells have the printed latency by the authors' table, where that is public."""
    if row["device"] != "stm32f746":
        return np.ones(len(table.values("cifar10.flops")), dtype=bool)
    latency = milliseconds(table, "stm32f746", "monas2024", "cifar10", "official")
    return np.asarray(np.abs(latency - row["latency_ms"]) <= _MS)


def _means(table: Table) -> dict[str, NDArray[np.float64]]:
    """Return, by release with measured test means of two or more datasets, those means [N, 3]."""
    means = {}
    for release in RELEASES:
        names = [f"{dataset}.test.200ep.mean@{release}" for dataset in DATASETS]
        held = [name in table.columns for name in names]
        if release not in ESTIMATES and sum(held) >= 2:
            none = np.full(len(table.values("cifar10.flops")), np.nan)
            columns = [table.values(n) if h else none for n, h in zip(names, held, strict=True)]
            means[release] = np.stack(columns, axis=1)
    return means


def _of_accuracy(table: Table, match: Match) -> Iterator[str]:
    for dataset, mean in zip(DATASETS, match.means, strict=True):
        printed = float(match.row[dataset])
        if np.isnan(mean) or abs(mean - printed) <= _ACCURACY:
            continue
        text = f"{dataset} printed {printed}, measured {mean:.2f}"
        name = next(
            (
                name
                for name, column in table.columns.items()
                if column.dataset == dataset
                and column.epochs == 200
                and column.kind == "accuracy"
                and abs(table.values(name)[match.cell] - printed) <= _ACCURACY
            ),
            None,
        )
        yield text + (f" (printed is {name})" if name else "")


def _of_cost(table: Table, match: Match) -> Iterator[str]:
    row, cell = match.row, match.cell
    flops = table.values("cifar10.flops")[cell] / 1e6
    if abs(flops - row["mflops"]) > _MFLOPS:
        yield f"FLOPs printed {row['mflops']} M, the cell has {flops:.2f} M"
    if row["device"] != "stm32f746":
        return
    table_sum = milliseconds(table, "stm32f746", "monas2024", "cifar10", "official")[cell]
    if abs(table_sum - row["latency_ms"]) > _MS:
        yield f"latency printed {row['latency_ms']} ms, the authors' table adds up to " + (
            f"{table_sum:.2f} ms"
        )
    if abs(_TE_NAS / row["latency_ms"] - row["speedup"]) > _SPEEDUP:
        yield f"speed-up printed {row['speedup']}, which means {_TE_NAS / row['speedup']:.2f} ms"
