"""The table of tabulated scores: rows of all shards, expanded to the 15,625 cells."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.api import Average, Proxy
from benchsuite.errors import UserError
from benchsuite.provenance import environment
from benchsuite.proxies._scoring.images import NOISE
from benchsuite.proxies._scoring.score import passes_of, small
from benchsuite.proxies._tabulation import rows as _rows
from benchsuite.proxies._tabulation.tabulate import choose_cells
from benchsuite.space.cell import N_CELLS
from benchsuite.space.equivalence import classes, representatives
from benchsuite.space.network import Skeleton
from benchsuite.table.columns import (
    DETAIL,
    ON_LOG_SCALE,
    Column,
    of_repeat,
    of_spread,
    seconds_column,
)
from benchsuite.table.table import Table, Values

UNPRUNED = "unpruned"
_MADE_TIES = 0.1  # Share of the values that single precision may make equal to others.


def merge(
    folder: Path, proxies: Mapping[str, Proxy], repeats: int | None = None, label: str = ""
) -> Table:
    """Return the table of a folder of rows.

    Per output of a proxy: the mean over `repeats` repeats `name@v`, on a logarithmic scale where
    the proxy asks for it (`Proxy.average`), and, for several, their standard
    deviation (ddof 1) `name.std@v` and the value of each, `name.r0@v`; besides, per cell,
    `seconds.<pass>@1` and `seconds.alone.<proxy>@1`, the sum of all passes it needs. A mean is
    missing where any repeat is. repeats: by default as many as the rows have. label: ends every
    name, `name.label@v`, so that it stands beside the same proxy under other settings; such columns
    are details. Scores of unpruned cells belong to those cells alone: `name.unpruned@v`, or
    `name.unpruned_label@v`, whose description says of how many cells, and how they were drawn.
    `missing_rows` of the provenance counts those that were asked for, or that other repeats of
    their cells have, and `unstamped_rows` those that do not hold the digest of their settings.
    Raises UserError if the folder holds no row, and for rows of several settings.
    """
    settings = _rows.tabulated_settings(folder)
    unpruned = bool(settings.get("unpruned"))
    check_label(label, proxies, unpruned=unpruned)
    rows = list(_rows.read(folder))
    if not rows:
        raise UserError(f"{folder} holds no finished row yet: run the tabulation first.")
    if repeats is None:
        repeats = 1 + max(row["repeat"] for row in rows)
    found = _Collected(repeats, unpruned)
    for row in rows:
        if _rows.STAMP not in row:
            _check_older(row, settings)
        found.add(row)
    if not found.rows:
        raise UserError(f"{folder} holds rows of later repeats alone, none of the first {repeats}.")
    where = found.where(settings)
    if unpruned:
        label = label if label.startswith(UNPRUNED) else "_".join(filter(None, (UNPRUNED, label)))
    columns: list[Values] = []
    for name, proxy in proxies.items():
        for suffix, column in proxy.columns(name, proxy.formula).items():
            own = f"; of its own: {proxy.own_setting}" if proxy.own_setting else ""
            column = replace(column, description=f"{column.description} ({where}{own})")
            name_ = f"{name}.{suffix}" if suffix else name
            columns += found.of_proxy(name_, column, proxy.average)
    tried = small(Skeleton(**settings["skeleton"]))
    columns += found.of_seconds({n: passes_of(n, proxy, tried) for n, proxy in proxies.items()})
    if label:
        columns = [replace(item, column=_labelled(item.column, label)) for item in columns]
    about = found.provenance(settings, _rows.asked(folder))
    return Table.empty(about).with_columns(columns)


def check_label(label: str, proxies: Mapping[str, Proxy], *, unpruned: bool) -> None:
    """Raise UserError for a label that makes another column's name of a score's."""
    if not label:
        return
    if not label.isidentifier():
        raise UserError(f"--label {label!r}: letters, digits and _ make a label, as in b64.")
    outputs = {suffix for proxy in proxies.values() for suffix in proxy.outputs}
    if DETAIL.fullmatch(f".{label}") or label in outputs:
        what = "an output of a proxy" if label in outputs else "the spread or one repeat of a score"
        raise UserError(f"--label {label!r} would name {what}: give another, as in b64.")
    if label.startswith(UNPRUNED) and not unpruned:
        raise UserError(f"--label {label!r} is for scores with dead operators: give --unpruned.")


def check_no_fuller(path: Path, table: Table) -> None:
    """Raise UserError if the table of a path has more scores of one name than another for it."""
    try:
        before = Table.open(path)
    except UserError:
        return  # Not there, or no table that scores could be lost of.
    for name, column in before.columns.items():
        if column.family == "seconds" or DETAIL.fullmatch(column.stem) or name not in table.columns:
            continue
        old, new = before.present(name), table.present(name)
        if new < old:
            raise UserError(
                f"{path} has {old:,} cells of {name}, and the rows give {new:,} with "
                f"{table.provenance['repeats']} repeats: it is kept. `--merge --repeats N` takes "
                "fewer repeats; move the file away if fewer cells are meant."
            )


def _check_older(row: _rows.Row, settings: Mapping[str, Any]) -> None:
    """Raise UserError for a row without digest that shows that it is of other settings."""
    what = f"The row of cell {row['cell']}, repeat {row['repeat']}"
    images = [sha256[:16] for sha256 in settings["batch"].get("sha256 of repeat 0", ())]
    if row["repeat"] == 0 and images and row["batches"] != images:
        raise UserError(f"{what} was made of other images than {_rows.SETTINGS} holds.")
    if {name.partition(".")[0] for name in row["values"]} != set(settings["proxies"]):
        raise UserError(f"{what} is of other proxies than {_rows.SETTINGS} holds.")


def _labelled(column: Column, label: str) -> Column:
    return replace(column, name=f"{column.stem}.{label}@{column.version}", kind="detail")


def average(values: NDArray[np.float64], how: Average) -> NDArray[np.float64]:
    """Return the mean over repeats [classes] of values [repeats, classes]; see `Proxy.average`."""
    if how == "log" and len(values) > 1:
        return np.asarray(np.sinh(np.arcsinh(values).mean(axis=0)))
    return np.asarray(values.mean(axis=0))


def averaged(column: Column, how: Average, repeats: int) -> Column:
    """Return the column with its average described, where that is not the plain mean."""
    if how == "mean" or repeats == 1:
        return column
    return replace(column, description=f"{column.description}; {repeats} {ON_LOG_SCALE}")


class _Collected:
    """Values by name as [repeats, classes], NaN where there are none."""

    def __init__(self, repeats: int, unpruned: bool) -> None:
        self.repeats = repeats
        self.rows = self.unstamped = 0
        self._number = np.arange(N_CELLS) if unpruned else classes("functional")
        stand = self._number if unpruned else representatives("functional")
        self._of_cell = {int(cell): i for i, cell in enumerate(stand)}
        self._values: dict[str, NDArray[np.float64]] = defaultdict(self._empty)
        self._seconds: dict[str, NDArray[np.float64]] = defaultdict(self._empty)
        self._reasons: dict[str, dict[tuple[int, int], str]] = defaultdict(dict)
        self._there = np.zeros((repeats, len(self._of_cell)), dtype=bool)
        self._batches: dict[int, Counter[tuple[str, ...]]] = defaultdict(Counter)
        self._devices: set[str] = set()

    def _empty(self) -> NDArray[np.float64]:
        return np.full((self.repeats, len(self._of_cell)), np.nan)

    def add(self, row: _rows.Row) -> None:
        if row["repeat"] >= self.repeats:
            return
        if row["cell"] not in self._of_cell:
            raise UserError(f"The rows hold cell {row['cell']}, which represents no class.")
        at = (row["repeat"], self._of_cell[row["cell"]])
        self.rows += 1
        self.unstamped += _rows.STAMP not in row
        self._devices.add(row.get("device", "cpu"))
        self._there[at] = True
        self._batches[row["repeat"]][tuple(row["batches"])] += 1
        for name, value in row["values"].items():
            if value is not None:
                self._values[name][at] = value
        for name, value in row["seconds"].items():
            self._seconds[name][at] = value
        for name, reason in row["reasons"].items():
            self._reasons[name][at] = reason

    @property
    def device(self) -> str:
        """What all rows were computed on; UserError where that differs."""
        return _rows.one_device(self._devices)

    @property
    def _clock(self) -> str:
        if self.device == "cpu":
            return "Processor time per cell of {}, one thread"
        return f"Time per cell of {{}} on {self.device}"

    def where(self, settings: Mapping[str, Any]) -> str:
        """Return the settings in short, as a column's description ends with them."""
        skeleton, batch = settings["skeleton"], settings["batch"]
        noise = f"{batch['images']} noise"
        images = noise if batch["images"] in NOISE else batch["images"].partition(" (")[0]
        parts = [
            f"C={skeleton['channels']}, N={skeleton['cells_per_stage']}",
            f"{skeleton['resolution']} px, batch {batch['size']} of {images}",
        ]
        if settings["dtype"] != "float32":
            parts.append(settings["dtype"])
        if self.device != "cpu":
            parts.append(f"on {self.device}")
        if settings.get("unpruned"):
            parts.append(f"dead operators too, {self.sample(settings['seed'])}")
        return ", ".join(parts)

    def sample(self, seed: int) -> str:
        """Return how many cells there are, and how they were drawn if they were."""
        there = np.flatnonzero(self._there.any(axis=0))
        if len(there) == len(self):
            return "all cells"
        drawn = choose_cells(str(len(there)), seed, unpruned=True)
        return f"{len(there):,} cells" + (f" drawn by seed {seed}" * (drawn == there.tolist()))

    def of_proxy(self, name: str, column: Column, how: Average) -> Iterator[Values]:
        values = self._values[name]
        why = [self._reason(name, number) for number in range(values.shape[1])]
        yield self._expand(averaged(column, how, self.repeats), average(values, how), why)
        if self.repeats == 1:
            return
        yield self._expand(of_spread(column, self.repeats), values.std(axis=0, ddof=1), why)
        for repeat in range(self.repeats):
            why = [self._why(name, repeat, number) for number in range(values.shape[1])]
            yield self._expand(of_repeat(column, repeat), values[repeat], why)

    def of_seconds(self, passes: Mapping[str, tuple[str, ...]]) -> Iterator[Values]:
        mean = {}
        for name, seconds in self._seconds.items():
            count = (~np.isnan(seconds)).sum(axis=0)
            with_any = np.nansum(seconds, axis=0) / np.maximum(count, 1)
            mean[name] = np.where(count > 0, with_any, np.nan)
        for name in sorted(mean):
            what = f"{self._clock.format(name)}, less what it called"
            yield self._expand(seconds_column(name, what), mean[name], ["not run"] * len(self))
        for proxy, needed in passes.items():
            what = f"{self._clock.format(f'{proxy} alone')}: {' + '.join(needed)}"
            alone = np.sum([mean.get(name, np.full(len(self), np.nan)) for name in needed], axis=0)
            column = seconds_column(f"alone.{proxy}", what)
            yield self._expand(column, alone, ["not run"] * len(self))

    def __len__(self) -> int:
        return len(self._of_cell)

    def _expand(self, column: Column, values: NDArray[np.float64], why: list[str]) -> Values:
        reasons = [why[number] for number in self._number]
        return Values(column, _single(values)[self._number], reasons)

    def _reason(self, name: str, number: int) -> str:
        missing = self.repeats - int(self._there[:, number].sum())
        if missing:
            return f"not tabulated: {missing} of {self.repeats} repeats missing"
        whys = {self._why(name, repeat, number) for repeat in range(self.repeats)} - {""}
        return "; ".join(sorted(whys))

    def _why(self, name: str, repeat: int, number: int) -> str:
        if not self._there[repeat, number]:
            return "not tabulated"
        found = np.isfinite(self._values[name][repeat, number])
        return "" if found else self._reasons[name].get((repeat, number), "no such output then")

    def _missing(self, asked: Collection[tuple[int, int]]) -> int:
        """Return how many rows are missing: of those asked for, and of cells with others."""
        cells = list(self._of_cell)
        there = {(cells[at], int(repeat)) for repeat, at in np.argwhere(self._there)}
        wanted = {(cell, repeat) for cell, _ in there for repeat in range(self.repeats)}
        wanted |= {task for task in asked if task[1] < self.repeats}
        return len(wanted - there)

    def provenance(
        self, settings: Mapping[str, Any], asked: Collection[tuple[int, int]]
    ) -> dict[str, Any]:
        for repeat, seen in self._batches.items():
            if len(seen) > 1:
                raise UserError(f"The rows of repeat {repeat} were made of different images.")
        return {
            "command": "tabulate",
            "settings": dict(settings),
            "repeats": self.repeats,
            "classes": len(self),
            "rows": self.rows,
            "missing_rows": self._missing(asked),
            "unstamped_rows": self.unstamped,
            "device": self.device,
            "batches": {str(r): list(next(iter(s))) for r, s in sorted(self._batches.items())},
            "threads per process": 1,
            "made_by": environment(),
            "inputs": {},
        }


def _single(values: NDArray[np.float64]) -> NDArray[np.float32] | NDArray[np.float64]:
    """Return values in single precision, where that keeps them finite, and apart but for few."""
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    same = (np.isfinite(single) == np.isfinite(values)).all()
    before, after = (len(np.unique(x[np.isfinite(x)])) for x in (values, single))
    return single if same and before - after <= _MADE_TIES * before else values
