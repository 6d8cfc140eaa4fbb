"""The contracts of what can be plugged in: small frozen records, one per file of a plug-in folder.

A plug-in is one file whose name is its id, whose first docstring line is its description and which
sets one constant: `PROXY`, `DEVICE`, `STRATEGY` or `REPORT` (see `benchsuite.plugins`). What
proxies and reports are given are types of this module too: `Passes` and `Outcome`.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from benchsuite.deployment.calibration import Calibration as Calibration
from benchsuite.deployment.device import Device as Device
from benchsuite.deployment.power import Power as Power
from benchsuite.errors import UserError, did_you_mean
from benchsuite.parameters import fill
from benchsuite.passes import RUNS_ON
from benchsuite.passes import Gradients as Gradients
from benchsuite.passes import Missing as Missing
from benchsuite.passes import Passes as Passes
from benchsuite.passes import Tape as Tape
from benchsuite.space.network import Skeleton
from benchsuite.table.columns import DETAIL, Column, Direction

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from benchsuite.simulation.search import Budget, Search
    from benchsuite.simulation.setting import Setting
    from benchsuite.table.table import Table

Array = NDArray[np.float64]
Cost = Literal["analytic", "forward", "backward", "per-sample", "combined"]
Average = Literal["mean", "log"]

_OTHER: dict[Direction, Direction] = {"max": "min", "min": "max", "none": "none"}
_COSTS_OF: dict[str, tuple[Cost, ...]] = {
    "all_cells": ("analytic",),
    "score": ("forward", "backward", "per-sample"),
    "combine": ("combined",),
}


@dataclass(frozen=True)
class Proxy:
    """A number that ranks cells without training them.

    version: raised by any change that can move a number; direction: which end is predicted to be
    accurate; outputs: suffix -> what it is, for a proxy of several numbers (`{"k2": ...}`), or
    `{"": ...}` for one; opposite: suffixes of the outputs whose other end is predicted to be
    accurate; details: suffixes of the outputs that are kept to be studied, and judged only when
    named; unpruned: whether it may be scored with dead operators, which move it
    (`tabulate --unpruned`), by passes forward and modules of its own (`Passes`), others are scored
    of the network without them alone; runs_on: kinds of
    torch devices that its `score` has a path on;
    own_setting: what it takes in place of the tabulated network, weights or images, as text, which
    its columns' descriptions say after these (`one 64x64 image of noise`);
    needs_double: whether single precision rounds scores of some cells too far to be compared;
    average: how repeats make one number: by their mean, or, where they range over orders of
    magnitude and one would outweigh the others, by that on a signed logarithmic scale,
    sinh(mean(asinh(x))). Exactly one of the following computes it:

    - all_cells(skeleton) -> {suffix: values [15625]}: a function of the structure alone;
    - score(passes) -> {suffix: value}: of one network, its weights and batches (`Passes`), NaN,
      or `Missing` with a reason, where there is no value;
    - combine(columns) -> {suffix: values [15625]}: of the columns named in `needs`.
    """

    version: int
    direction: Direction
    formula: str
    source: str
    cost: Cost
    outputs: Mapping[str, str] = field(default_factory=lambda: {"": ""})
    opposite: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    unit: str = "1"
    all_cells: Callable[[Skeleton], Mapping[str, NDArray[Any]]] | None = None
    score: Callable[[Passes], Mapping[str, float]] | None = None
    combine: Callable[[Mapping[str, Array]], Mapping[str, Array]] | None = None
    needs: tuple[str, ...] = ()
    unpruned: bool = False
    runs_on: tuple[str, ...] = RUNS_ON
    average: Average = "mean"
    own_setting: str = ""
    needs_double: bool = False

    def __post_init__(self) -> None:
        _check_version("proxy", self.version)
        _check_one_of("direction of a proxy", self.direction, ("max", "min"))
        _check_one_of("cost of a proxy", self.cost, get_args(Cost))
        _check_one_of("average of a proxy", self.average, get_args(Average))
        _check_texts("proxy", formula=self.formula, source=self.source, unit=self.unit)
        _check_texts("proxy", **{"own setting": self.own_setting})
        if not isinstance(self.needs_double, bool):
            raise UserError(f"needs_double of a proxy is True or False, not {self.needs_double!r}.")
        if not isinstance(self.outputs, Mapping) or not self.outputs:
            raise UserError(
                f"The outputs of a proxy map suffixes to what they are, as {{'k2': 'K_2'}}; they "
                f"are {self.outputs!r}."
            )
        for suffix, what in self.outputs.items():
            if not (isinstance(suffix, str) and f"_{suffix}".isidentifier()):
                raise UserError(
                    f"The suffix {suffix!r} of a proxy's output: letters, digits and _ make one."
                )
            if DETAIL.fullmatch(f".{suffix}"):
                raise UserError(
                    f"The suffix {suffix!r} of a proxy's output is that of a spread or of one "
                    "repeat of a score in tables: give it another."
                )
            _check_texts("proxy", **{f"output {suffix!r}": what})
        _check_names("proxy", opposite=self.opposite, details=self.details, needs=self.needs)
        _check_names("proxy", runs_on=self.runs_on)
        if "cpu" not in self.runs_on or not set(self.runs_on) <= set(RUNS_ON):
            raise UserError(
                f"A proxy runs on `cpu`, and where it can on others of {', '.join(RUNS_ON)}; this "
                f"one on {self.runs_on!r}."
            )
        for what, named in (("opposite", self.opposite), ("a detail", self.details)):
            if unknown := set(named) - set(self.outputs):
                raise UserError(f"A proxy has no output {min(unknown)!r} that could be {what}.")
        ways = [name for name in _COSTS_OF if getattr(self, name) is not None]
        if len(ways) != 1:
            raise UserError("A proxy sets exactly one of all_cells, score and combine.")
        _check_callable("proxy", ways[0], getattr(self, ways[0]))
        allowed = _COSTS_OF[ways[0]]
        if self.cost not in allowed:
            raise UserError(
                f"A proxy with {ways[0]} has the cost {' or '.join(map(repr, allowed))}, "
                f"not {self.cost!r}."
            )
        if self.combine is not None and not self.needs:
            raise UserError("A proxy with combine names the columns it combines in needs.")

    def columns(self, name: str, description: str) -> dict[str, Column]:
        """Return, by suffix, the columns `name.suffix@version` that this proxy fills."""
        return {
            suffix: Column(
                name=f"{name}.{suffix}@{self.version}" if suffix else f"{name}@{self.version}",
                description=what or description,
                unit=self.unit,
                direction=_OTHER[self.direction] if suffix in self.opposite else self.direction,
                source=self.source,
                version=str(self.version),
                kind="detail" if suffix in self.details else "proxy",
            )
            for suffix, what in self.outputs.items()
        }


@dataclass(frozen=True)
class Result:
    """What a report found: tables and figures by file stem, and sentences to print with them.

    A stem names files in one folder, as `monas_table2`; UserError for one that names another place.
    ranking: of proxies, for the head of the page: a row per `proxy` and `dataset` with `tau` over
    all cells and the ends of its interval, `lo` and `hi`; of few reports, else None.
    """

    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    figures: Mapping[str, Figure] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    ranking: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        for stem in (*self.tables, *self.figures):
            if not isinstance(stem, str) or stem[:1] in ("", ".") or set(stem) & set("/\\\0"):
                raise UserError(
                    "A table or figure of a report is named as its file is, without folder and "
                    f"ending, as in 'monas_table2'; {stem!r} is no such name."
                )
        if self.ranking is None:
            return
        for name in ("proxy", "dataset", "tau", "lo", "hi"):
            if name not in self.ranking:
                raise UserError(f"The ranking of a report has a column {name!r}; this one has not.")

    def __repr__(self) -> str:
        tables = [f"  tables[{stem!r}]: {len(rows)} rows" for stem, rows in self.tables.items()]
        return "\n".join(["Result", *tables, *(f"  figures[{stem!r}]" for stem in self.figures)])


class Entry(Protocol):
    """One search of a study, as its file says it."""

    @property
    def strategy(self) -> str:
        """The strategy's name."""

    @property
    def label(self) -> str:
        """What the search is called in the study."""

    @property
    def budget(self) -> Budget:
        """What each seed may spend."""

    @property
    def setting(self) -> Setting:
        """The data set, the part and the bounds it searches under."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The strategy's parameters that are not its defaults."""

    @property
    def seeds(self) -> int:
        """How many seeds were run."""

    @property
    def first_seed(self) -> int:
        """The first of them."""


class Study(Protocol):
    """A study as it was run."""

    @property
    def name(self) -> str:
        """Its file's name."""

    @property
    def searches(self) -> Sequence[Entry]:
        """Its searches, in the file's order."""


class Outcome(Protocol):
    """What the searches of a study found on one table."""

    @property
    def study(self) -> Study:
        """The study, with the seeds that were run."""

    @property
    def runs(self) -> pd.DataFrame:
        """One row per search and seed, the search's label in `search`, judged by test accuracy."""

    @property
    def summary(self) -> Mapping[str, Mapping[str, Mapping[str, float]]]:
        """Label -> column of `runs` -> statistics over the seeds."""

    @property
    def fronts(self) -> Mapping[str, Sequence[Sequence[int]]]:
        """Label -> per seed, in the order of `runs`, every cell answered, the pick first."""

    @property
    def failed(self) -> Mapping[str, str]:
        """Label -> why a search is in none of the others."""

    def trace(self, label: str) -> pd.DataFrame:
        """Return every look of a search, all seeds, in order; of studies with `traces = true`."""


@dataclass(frozen=True)
class Report:
    """A table or a figure made of the table of cells.

    answers: which table or figure of which paper it stands beside, or the question it answers;
    group: the paper, the heading that the report stands under; studies: names of the studies it is
    made of.
    make(table) -> Result, or make(table, outcomes) with an `Outcome` per study, by name, where it
    names some; it draws nothing at random and writes nothing. Raises UserError where the table
    lacks a column it needs.
    """

    title: str
    answers: str
    make: Callable[[Table], Result] | Callable[[Table, Mapping[str, Outcome]], Result]
    group: str = "Ours"
    studies: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_texts("report", title=self.title, answers=self.answers)
        if not isinstance(self.group, str) or not self.group.strip():
            raise UserError(f"The group of a report is the name of a paper, not {self.group!r}.")
        _check_names("report", studies=self.studies)
        _check_callable("report", "make", self.make)


@dataclass(frozen=True)
class Strategy:
    """A way of searching, replayed on the table.

    version: raised by any change that can move a result; source: paper and section.
    run(search, rng, parameters): looks at data through `search` only, draws from `rng` only, and
    ends by `search.answer(cells)`, by returning, or when the budget is spent; without an answer the
    best feasible cell it queried is the answer.
    parameters: a frozen dataclass whose fields all have defaults, the paper's.
    charged: False for a bound that no real search could reach: nothing it looks at costs anything.
    images: the parameter that names images, for a strategy that measures networks itself; what they
    show is then part of the key that a finished search is kept under.
    """

    version: int
    source: str
    run: Callable[[Search, np.random.Generator, Any], None]
    parameters: type
    charged: bool = True
    images: str | None = None

    def __post_init__(self) -> None:
        _check_version("strategy", self.version)
        _check_texts("strategy", source=self.source)
        _check_callable("strategy", "run", self.run)
        _check_parameters(self.parameters)
        if not isinstance(self.charged, bool):
            raise UserError(f"The charged of a strategy is True or False, not {self.charged!r}.")


def _check_version(what: str, version: object) -> None:
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise UserError(f"The version of a {what} is a whole number from 1 on, not {version!r}.")


def _check_one_of(what: str, value: object, known: Collection[str]) -> None:
    if value not in known:
        raise UserError(
            f"The {what} is one of {', '.join(known)}; it is {value!r}."
            + did_you_mean(str(value), known)
        )


def _check_texts(what: str, **texts: object) -> None:
    for name, text in texts.items():
        if not isinstance(text, str):
            raise UserError(f"The {name} of a {what} is a text, not {text!r}.")


def _check_names(what: str, **names: object) -> None:
    for name, given in names.items():
        if not isinstance(given, tuple | list) or not all(isinstance(one, str) for one in given):
            raise UserError(f"The {name} of a {what} are a tuple of names, not {given!r}.")


def _check_callable(what: str, name: str, function: object) -> None:
    if not callable(function):
        raise UserError(f"The {name} of a {what} is a function, not {function!r}.")


def _check_parameters(kind: object) -> None:
    """Raise UserError for what is no frozen dataclass of which every field has a default."""
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        raise UserError(f"The parameters of a strategy are a frozen dataclass, not {kind!r}.")
    if not kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise UserError(f"The parameters {kind.__name__} of a strategy are a frozen dataclass.")
    for one in dataclasses.fields(kind):
        if one.default is one.default_factory is dataclasses.MISSING:
            raise UserError(f"The parameter {one.name} of a strategy has no default.")
    try:
        typing.get_type_hints(kind)
    except NameError as error:
        raise UserError(
            f"The types of a strategy's parameters are names of its file: {error}."
        ) from error
    fill(kind, dataclasses.asdict(kind()), "The strategy")  # As every run does, from text too.
