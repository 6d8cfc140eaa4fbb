"""What the documents hold: findings, pages and words, as their file declares them."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from benchsuite.bounds import of_toml
from benchsuite.errors import UserError
from benchsuite.files import read_text
from benchsuite.numerics.stated import stated


@dataclass(frozen=True)
class Finding:
    """A question and the sentence that answers it, with the cells its numbers are read from.

    says: a template of `str.format`, where `{name[column]:.3f}` is a column of the row `name`;
    numbers: per name the `table`, and of its rows those `where` columns have these values or match
    these patterns with `*`: the only one, the one that has the `most` or `least` in a column, or,
    with `count`, how many; truth: what accuracy is meant; artefact: `table NAME` or `figure NAME`.
    """

    question: str
    says: str
    truth: str
    artefact: str
    numbers: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Page:
    """A document of reports: all of a paper, or those whose names match one of some patterns."""

    file: str
    title: str
    paper: str = ""
    reports: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contents:
    """The whole file.

    tables: the columns that are shown first, by the name of a table; words: what ids are called in
    prose and tables; truths: the sentences that findings name, where `{kind}` is `measured` or not;
    claims, artefacts: the reports, each of a table of its name, whose rows the papers' pages show.
    """

    findings: tuple[Finding, ...]
    pages: tuple[Page, ...]
    tables: Mapping[str, list[str]] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    truths: Mapping[str, str] = field(default_factory=dict)
    claims: str = ""
    artefacts: str = ""

    @classmethod
    def read(cls, path: Path) -> Contents:
        """Read a file; UserError where it declares anything else."""
        try:
            said = of_toml(read_text(path))
            return cls(
                tuple(Finding(**record) for record in said.pop("finding")),
                tuple(_page(record) for record in said.pop("page")),
                **said,
            )
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(f"{path} declares no findings and pages: {error}.") from error

    def worded(self, text: str) -> str:
        """Return a text with words for ids: those it is, or joins by ` + `, or that stand in it.

        Within a text an id that may be an English word is one in backticks alone.
        """
        parts = _VERSION.sub("", text).split(" + ")
        if all(part in self.words for part in parts):
            return " + ".join(self.words[part] for part in parts)
        text = self._ids.sub(lambda found: self.words[found[1] or found[2]], " + ".join(parts))
        return _PART.sub(lambda found: found[0].strip("`").upper(), text)

    @functools.cached_property
    def _ids(self) -> re.Pattern[str]:
        ids = sorted(self.words, key=lambda word: (-len(word), word))
        plain = "|".join(re.escape(word) for word in ids if re.search(r"[\d_]", word)) or NONE
        quoted = "|".join(map(re.escape, ids)) or NONE
        return re.compile(rf"(?<![\w.`/@-])({plain})(?![\w`/*~]|\.\w)|`({quoted})`")


NONE = "(?!)"  # A pattern that nothing matches.
_VERSION = re.compile(r"(?<=\w)@\d+\b")
_PART = re.compile(r"(?<![\w.`/])stm32[a-z]\w+(?![\w`/.*])|`stm32[a-z]\w+`")


def _page(record: Mapping[str, Any]) -> Page:
    return Page(**{**record, "reports": tuple(record.get("reports", ()))})


def answered(
    finding: Finding, tables: Mapping[str, list[dict[str, Any]]], contents: Contents
) -> str:
    """Return the sentence of a finding; UserError, a sentence too, if a number of it is missing."""
    rows = {name: _row(finding, name, tables, contents) for name in finding.numbers}
    try:
        return finding.says.format(**rows)
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise UserError(f"{_of(finding)} cannot be said: {error}.") from error


class _Row(dict[str, Any]):
    """A row of a table; a value that is missing is an error that says which."""

    def __init__(self, finding: Finding, table: str, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self._told = f"{_of(finding)} lacks a number: table {table!r}"

    def __missing__(self, column: str) -> Any:
        raise UserError(f"{self._told} has no column {column!r}.")

    def __getitem__(self, column: str) -> Any:
        value = super().__getitem__(column)
        if value is None or value != value:
            raise UserError(f"{self._told} has no value in column {column!r} of its row.")
        return value


def _row(
    finding: Finding,
    name: str,
    tables: Mapping[str, list[dict[str, Any]]],
    contents: Contents,
) -> Any:
    how = dict(finding.numbers[name])
    table, where = how.pop("table"), how.pop("where", {})
    if table not in tables:
        raise UserError(f"{_of(finding)} lacks a number: no report made a table {table!r}.")
    rows = [row for row in tables[table] if _fits(row, where)]
    if how.pop("count", False):
        return len(rows)
    for which, pick in (("most", max), ("least", min)):
        if which in how:
            column = how[which]
            known = [row for row in rows if row.get(column) is not None]
            rows = [pick(known, key=lambda row: row[column])] if known else []
    if len(rows) != 1:
        told = ", ".join(f"{column} = {value}" for column, value in where.items()) or "all"
        raise UserError(
            f"{_of(finding)} lacks a number: {len(rows)} rows of table {table!r} are meant by "
            f"{told}, one is needed."
        )
    return _Row(finding, table, {k: _said(v, contents) for k, v in rows[0].items()})


def _said(value: Any, contents: Contents) -> Any:
    """Return a value as it is said: words for ids, numbers rounded as they are in tables."""
    if isinstance(value, str):
        return contents.worded(value)
    return stated(value) if isinstance(value, float) else value


def _fits(row: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    for column, wanted in where.items():
        value = row.get(column)
        if isinstance(wanted, str) and "*" in wanted:
            if not fnmatchcase(str(value), wanted):
                return False
        elif value != wanted:
            return False
    return True


def _of(finding: Finding) -> str:
    return f"The finding {finding.question!r}"
