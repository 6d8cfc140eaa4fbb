"""How much a result may differ before it is a regression, per column, from a TOML file.

    schema = 1
    alpha = 0.01                       # level of every test

    [columns."latency.*"]              # table columns computed from structure
    relative = 0.0

    [scores."ntk_cond.*"]              # scores of proxies, tabulated or of the sample
    relative = 0.05                    # difference of one cell's score, by its size
    cells = 0.95                       # share of the cells that has to keep to it
    spearman = 0.99                    # agreement of the two rankings
    tau = 0.01                         # loss of tau-b that does not matter

    [replays."guard/*"]
    regret = 0.0                       # rise of the mean regret in % that does not matter
    exact = false                      # whether every seed has to answer as before

    [speeds."*"]
    slower = 1.25                      # how many times slower is too slow

A pattern is that of a shell; of several that match a name, the last of the file decides. One that
matches nothing is said beside the result, for a file may serve several baselines.
"""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchsuite.bounds import of_toml
from benchsuite.errors import UserError, did_you_mean
from benchsuite.files import read_text
from benchsuite.parameters import fill
from benchsuite.regression.check import Check

SCHEMA = 1


@dataclass(frozen=True)
class Column:
    """Of a column that is computed from the cells' structure."""

    relative: float = 0.0


@dataclass(frozen=True)
class Score:
    """Of a proxy's scores; `cells` is the share of them that has to keep to `relative`."""

    relative: float = 1e-3
    cells: float = 1.0
    spearman: float = 0.999
    tau: float = 0.01


@dataclass(frozen=True)
class Replay:
    """Of a search."""

    regret: float = 0.0
    exact: bool = False


@dataclass(frozen=True)
class Speed:
    """Of a processor time in units of the reference's."""

    slower: float = 1.25


KINDS: dict[str, type] = {"columns": Column, "scores": Score, "replays": Replay, "speeds": Speed}
_KIND_OF: Mapping[str, str] = {**{kind: kind for kind in KINDS}, "sample": "scores"}


@dataclass(frozen=True)
class Tolerances:
    """The level of tests, and by kind the patterns with the values they set."""

    alpha: float = 0.01
    rules: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)

    def of(self, kind: str, name: str) -> Any:
        """Return what one of `KINDS` allows for a name."""
        values: dict[str, Any] = {}
        for pattern, given in self.rules.get(kind, {}).items():
            if fnmatch.fnmatchcase(name, pattern):
                values |= given
        return fill(KINDS[kind], values, f"{kind} {name!r}")

    def idle(self, checks: Iterable[Check]) -> list[str]:
        """Return the patterns, each with its kind, that match the name of no check."""
        compared = {(_KIND_OF.get(check.part), check.name) for check in checks}
        return [
            f'{kind} "{pattern}"'
            for kind, rules in self.rules.items()
            for pattern in rules
            if not any(of == kind and fnmatch.fnmatchcase(name, pattern) for of, name in compared)
        ]


def load(path: Path | None) -> Tolerances:
    """Read a file of tolerances, None for the defaults; every mistake is a UserError."""
    if path is None:
        return Tolerances()
    try:
        written = of_toml(read_text(path))
    except ValueError as error:
        raise UserError(f"The tolerances {path} are not TOML: {error}.") from error
    if (schema := written.pop("schema", None)) != SCHEMA:
        raise UserError(f"{path} has schema {schema}; this version reads schema = {SCHEMA}.")
    alpha = written.pop("alpha", Tolerances.alpha)
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not 0 < alpha < 1:
        raise UserError(f"alpha in {path} lies between 0 and 1; it is {alpha!r}.")
    for kind, rules in written.items():
        if kind not in KINDS:
            raise UserError(
                f"{path} has an unknown table {kind!r}; known are {', '.join(KINDS)}."
                + did_you_mean(kind, KINDS)
            )
        if not isinstance(rules, dict) or not all(isinstance(r, dict) for r in rules.values()):
            raise UserError(f'{path}: give [{kind}."PATTERN"] with values below it.')
        for pattern, given in rules.items():
            _check(fill(KINDS[kind], given, f"{path}: {kind} {pattern!r}"), f"{path}: {pattern!r}")
    return Tolerances(float(alpha), written)


def _check(rule: Any, where: str) -> None:
    for f in dataclasses.fields(rule):
        value = getattr(rule, f.name)
        top = 1.0 if f.name in ("cells", "spearman") else float("inf")
        if not isinstance(value, bool) and not 0 <= value <= top:
            raise UserError(f"{where}: {f.name} is {value:g}; it lies in 0 ... {top:g}.")
