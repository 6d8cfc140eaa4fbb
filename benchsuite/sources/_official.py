"""Reads the records of the official files of NAS-Bench-201 and NATS-Bench, one cell at a time.

A record maps a training length ("12" or "less", "200" or "full") to a state with `arch_index`,
`arch_str` and `all_results`: (data set, seed) -> per-epoch numbers. Only the last epoch is kept:

| training run | evaluated on | column |
|---|---|---|
| cifar10-valid | x-valid | cifar10.valid, and its training time as cifar10.train_seconds |
| cifar10 | ori-test | cifar10.test |
| cifar100, ImageNet16-120 | x-valid, x-test, ori-test | valid, test, valtest; train_seconds |

Source: Dong & Yang, nas_201_api, and Dong et al., nats_bench: `ArchResults`, `ResultsCount`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchsuite.errors import UserError
from benchsuite.sources._pickle_values import brief
from benchsuite.sources._source import Imported, Values
from benchsuite.space.cell import N_CELLS, all_archs
from benchsuite.table.columns import accuracy_column, training_time_column

_EPOCHS = {"12": 12, "less": 12, "200": 200, "full": 200}
_SETS = {
    ("cifar10-valid", "x-valid"): ("cifar10", "valid"),
    ("cifar10", "ori-test"): ("cifar10", "test"),
    ("cifar100", "x-valid"): ("cifar100", "valid"),
    ("cifar100", "x-test"): ("cifar100", "test"),
    ("cifar100", "ori-test"): ("cifar100", "valtest"),
    ("ImageNet16-120", "x-valid"): ("imagenet16-120", "valid"),
    ("ImageNet16-120", "x-test"): ("imagenet16-120", "test"),
    ("ImageNet16-120", "ori-test"): ("imagenet16-120", "valtest"),
}
_TIMED = {
    "cifar10-valid": "cifar10",
    "cifar100": "cifar100",
    "ImageNet16-120": "imagenet16-120",
}
_SECONDS = "train_seconds"
_MOST_RUNS = 256  # data set, split, epochs and seed; a release has some 60
_Key = tuple[str, str, int, int]


class Records:
    """Collects the last epoch of every training run of the records it is given."""

    def __init__(self, release: str, source: str, name: str):
        """name: of the file, for messages."""
        self._release, self._source, self._name = release, source, name
        self._values: dict[_Key, Values] = {}
        self._seen: set[int] = set()

    @property
    def seen(self) -> frozenset[int]:
        """Official indices of the cells whose record was read."""
        return frozenset(self._seen)

    def take(self, candidate: dict[Any, Any]) -> int | None:
        """Collect a complete record and return its official index; return None for other dicts.

        Raises UserError when the record is not of this format or not of the official cell.
        """
        if not candidate or not all(
            key in _EPOCHS and type(state) is dict and "all_results" in state
            for key, state in candidate.items()
        ):
            return None
        try:
            index = self._checked_index(candidate)
            for length, state in candidate.items():
                for (dataset, seed), run in state["all_results"].items():
                    self._add(index, dataset, int(seed), _EPOCHS[length], run)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise self._error("a record is not of the official format") from None
        self._seen.add(index)
        return index

    def columns(self, missing: str) -> Iterator[Imported]:
        """Yield the columns; missing: why a cell has no run of any seed."""
        kinds = sorted({key[:3] for key in self._values})
        for dataset, split, epochs in kinds:
            seeds = sorted(key[3] for key in self._values if key[:3] == (dataset, split, epochs))
            runs = [self._values[dataset, split, epochs, seed] for seed in seeds]
            for seed, values in zip(seeds, runs, strict=True):
                reason = "the release holds no training run of this cell with this seed"
                yield self._column(dataset, split, epochs, f"seed{seed}", values, reason)
            present = ~np.isnan(runs)
            count = present.sum(axis=0)
            total = np.where(present, runs, 0.0).sum(axis=0)
            mean = np.divide(total, count, out=np.full(N_CELLS, np.nan), where=count > 0)
            yield self._column(dataset, split, epochs, "mean", mean, missing)

    def _column(
        self, dataset: str, split: str, epochs: int, aggregation: str, values: Values, reason: str
    ) -> Imported:
        gap = reason if np.isnan(values).any() else ""
        if split == _SECONDS:
            column = training_time_column(dataset, epochs, aggregation, self._release, self._source)
        else:
            column = accuracy_column(
                dataset, split, epochs, aggregation, self._release, self._source
            )
        return Imported(column, values, gap)

    def _checked_index(self, record: dict[str, Any]) -> int:
        states = list(record.values())
        index, arch = states[0]["arch_index"], states[0]["arch_str"]
        known = type(index) is int and type(arch) is str and 0 <= index < N_CELLS
        if not known or all_archs()[index] != arch:
            raise self._error(f"record {brief(index)} holds {brief(arch)}, which is not that cell")
        if any((state["arch_index"], state["arch_str"]) != (index, arch) for state in states):
            raise self._error(f"record {index} mixes several cells")
        if index in self._seen:
            raise self._error(f"record {index} occurs twice")
        return int(index)

    def _add(self, index: int, dataset: str, seed: int, epochs: int, run: dict[str, Any]) -> None:
        if type(run["epochs"]) is not int or run["epochs"] != epochs:
            had = brief(run["epochs"])
            raise self._error(f"record {index} has {had} epochs instead of {epochs}")
        for name in run["eval_names"]:
            if type(name) is not str:
                raise TypeError
            column = _SETS.get((dataset, name))
            accuracy = run["eval_acc1es"].get(f"{name}@{epochs - 1}")
            if column and accuracy is not None:
                self._put((*column, epochs, seed), index, float(accuracy))
        times = run["train_times"]
        if dataset in _TIMED and type(times) is dict and len(times) == epochs:
            self._put((_TIMED[dataset], _SECONDS, epochs, seed), index, float(sum(times.values())))

    def _put(self, key: _Key, index: int, value: float) -> None:
        if key[1] != _SECONDS and not 0 <= value <= 100:
            raise self._error(f"record {index} has an accuracy of {value}")
        if key not in self._values:
            if len(self._values) == _MOST_RUNS:
                raise self._error(f"it has more than {_MOST_RUNS} kinds of training runs")
            self._values[key] = np.full(N_CELLS, np.nan)
        self._values[key][index] = value

    def _error(self, what: str) -> UserError:
        return UserError(
            f"{self._name} was not read: {what}. Check that it is the official file and download "
            "it again."
        )
