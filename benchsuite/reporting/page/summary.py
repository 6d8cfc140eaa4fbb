"""What the page says first: which accuracies, the proxies that rank best, what fits each device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import nan
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from benchsuite.ranking.truths import BEST, about, about_columns, column_of, truths_of
from benchsuite.reporting.page.sections import MadeReport, address
from benchsuite.space.cell import connected
from benchsuite.table.columns import DATASETS, stem
from benchsuite.table.device_columns import find
from benchsuite.table.table import Table

if TYPE_CHECKING:
    import pandas as pd

PROXIES = 12
_MAY_FIT = 0.5  # In a column of what fits: a runtime needs a range, and the part is within it.


@dataclass(frozen=True)
class Ranked:
    """A proxy with (tau, lo, hi) per dataset of `DATASETS`."""

    name: str
    taus: list[tuple[float, float, float]]

    @property
    def short(self) -> str:
        """The name without its version."""
        return stem(self.name)

    @property
    def mean(self) -> float:
        """Mean tau over the datasets, -1 where one is missing."""
        return float(np.nan_to_num(np.mean([tau for tau, _, _ in self.taus]), nan=-1.0))


@dataclass(frozen=True)
class Capacity:
    """How many cells a device holds under one runtime, per skeleton of the CIFAR-10 network.

    maybe: how many more may fit, where a runtime's need is a range. best: the highest CIFAR-10
    accuracy [%], the best truth there is, of a cell with a path whose official network fits, and
    its index; where none does for sure (`sure`), of those that may, and None without these. int8:
    its accuracies [%] in int8 (PTQ) and in float of that same training, another one; None where
    they were not measured.
    """

    device: str
    runtime: str
    cells: dict[str, int]
    best: tuple[float, int] | None
    int8: tuple[float, float] | None = None
    maybe: dict[str, int] = field(default_factory=dict)
    sure: bool = True

    @property
    def state(self) -> str:
        """The explorer's address of the best cell: its accuracy over this part's latency.

        Among cells that fit, or, where it may fit only, among all that may.
        """
        part = quote(f"{self.device}.{self.runtime}.{DATASETS[0]}.official")
        cell = f"&cell={self.best[1]}" if self.best else ""
        held = f"fits=fits.{part}" if self.sure else f"where=fits.{part},{_MAY_FIT},"
        return f"x=latency.{part}&{held}{cell}"


@dataclass(frozen=True)
class Summary:
    """The head of the page; `proxies` is empty where no report has a ranking.

    ranking_at: the anchor of the report that has it. ranked_by, best_by: which accuracy `proxies`
    and the best cells of `fits` are judged by, measured or ESTIMATED.
    """

    proxies: list[Ranked]
    proxies_in_all: int
    ranking_at: str
    ranked_by: str
    fits: list[Capacity]
    best_by: str
    skeletons: list[str]
    kinds: dict[str, int]
    reports: int
    missing: list[MadeReport]

    @property
    def ranking(self) -> str:
        """What `proxies` are ranked by and on."""
        return (
            f"Kendall tau-b with {self.ranked_by}; the cells with an input-output path that have a "
            f"score; the {len(self.proxies)} best of {self.proxies_in_all} by the mean of the three"
        )

    @property
    def span(self) -> tuple[float, float]:
        """Tenths below and above every tau of `proxies`; 0 to 1 where none has any."""
        taus = [tau for ranked in self.proxies for tau, _, _ in ranked.taus if tau == tau] or [0, 1]
        low, high = np.floor(min(taus) * 10) / 10, np.ceil(max(taus) * 10) / 10
        return round(float(low), 1), round(float(max(high, low + 0.1)), 1)

    @property
    def ticks(self) -> list[float]:
        """Where the tenths lie in `span`, from 0 to 1."""
        low, high = self.span
        steps = round((high - low) * 10)
        return [round(i / steps, 4) for i in range(steps + 1)]


def summarise(table: Table, entries: Sequence[MadeReport]) -> Summary:
    """Return the summary of a run."""
    rankings = [(e, e.result.ranking) for e in entries if e.result is not None]
    entry, rows = next((pair for pair in rankings if pair[1] is not None), (None, None))
    ranked = [] if rows is None else _ranked(rows)
    names = None if rows is None else rows.get("accuracy")
    fits = _fits(table)
    kinds = [column.kind for column in table.columns.values()]
    return Summary(
        proxies=ranked[:PROXIES],
        proxies_in_all=len(ranked),
        ranking_at=address(entry) if entry else "",
        ranked_by="accuracy" if names is None else about_columns(table, map(str, names)),
        fits=fits,
        best_by=about(table, datasets=DATASETS[:1]),
        skeletons=sorted(
            {s for fit in fits for s in fit.cells}, key=lambda s: (s != "official", s)
        ),
        kinds={kind: kinds.count(kind) for kind in ("accuracy", "proxy", "device")},
        reports=sum(entry.result is not None for entry in entries),
        missing=[entry for entry in entries if entry.result is None],
    )


def _ranked(rows: pd.DataFrame) -> list[Ranked]:
    """Return the proxies by their mean tau over the datasets, best first."""
    ranked = []
    for name, of in rows.groupby("proxy", sort=False):
        at = {str(d): i for i, d in enumerate(of["dataset"])}
        tau, lo, hi = (of[what].to_numpy(dtype=float) for what in ("tau", "lo", "hi"))
        taus = [
            (float(tau[at[d]]), float(lo[at[d]]), float(hi[at[d]])) if d in at else (nan, nan, nan)
            for d in DATASETS
        ]
        ranked.append(Ranked(str(name), taus))
    return sorted(ranked, key=lambda ranked: -ranked.mean)


def _fits(table: Table) -> list[Capacity]:
    dataset = DATASETS[0]
    accuracy = np.where(connected(), table.values(column_of(table, BEST, dataset)), np.nan)
    by_part: dict[tuple[str, str], dict[str, NDArray[np.float64]]] = {}
    for parts in find(table.columns, "fits", dataset=dataset):
        fits = table.values(parts.name)
        by_part.setdefault((parts.device, parts.runtime), {})[parts.skeleton] = fits
    int8 = _int8(table, dataset)
    return [
        Capacity(
            device,
            runtime,
            {skeleton: int((fits == 1).sum()) for skeleton, fits in of.items()},
            best,
            (float(int8[0][best[1]]), float(int8[1][best[1]])) if best and int8 else None,
            {skeleton: int(((fits > 0) & (fits < 1)).sum()) for skeleton, fits in of.items()},
            sure,
        )
        for (device, runtime), of in sorted(by_part.items(), key=lambda item: item[0][0])
        for best, sure in [_best(accuracy, of.get("official"))]
    ]


def _int8(table: Table, dataset: str) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return accuracies in int8 and in float of the same training, None where there are none."""
    names = ("int8.ptq", "float")
    if not set(names) <= set(truths_of(table, dataset)):
        return None
    int8, float32 = (table.values(column_of(table, name, dataset)) for name in names)
    return int8, float32


def _best(
    accuracy: NDArray[np.float64], fits: NDArray[np.float64] | None
) -> tuple[tuple[float, int] | None, bool]:
    """Return the best cell that fits, else that may fit, and whether it fits for sure."""
    if fits is None:
        return None, True
    for sure in (True, False):
        held = fits >= (1 if sure else _MAY_FIT)
        known = np.where(held & np.isfinite(accuracy), accuracy, -np.inf)
        at = int(known.argmax())
        if np.isfinite(known[at]):
            return (float(known[at]), at), sure
    return None, True
