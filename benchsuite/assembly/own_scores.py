"""Scores of one's own: what `benchsuite tabulate` made, or a CSV or Parquet file of any columns.

The name of a setting that ships besides the table's stands for its scores.

What `tabulate` made takes the place of the suite's scores of that proxy; in any other file a name
of the suite is `own.NAME`, and the suite's stays beside it. A table of the working folder is found
without being named. Then it never takes the place of a column that more cells have; and whatever is
used is said, on stderr, in the provenance and in the line under every output.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchsuite.assembly import shipped
from benchsuite.assembly.notes import say
from benchsuite.assembly.other_settings import other_settings
from benchsuite.errors import UserError, some
from benchsuite.packages import sha256
from benchsuite.table import score_files
from benchsuite.table.columns import DETAIL, OWN, Column, family, stem
from benchsuite.table.table import Table, Values

if TYPE_CHECKING:
    import pandas as pd

FILE = Path("out/proxies/proxies.parquet")
_SHOWN = 3


@dataclass(frozen=True)
class Scores:
    """A file of scores, whether it was named or only found in the working folder, and the name of
    the setting, where it ships.
    """

    path: Path
    named: bool = True
    setting: str = ""

    @property
    def called(self) -> str:
        """What tells people which scores these are: the setting, else the path."""
        return self.setting or str(self.path)


def found(given: str | None) -> Scores | None:
    """Return the scores that a person names: a file, a folder that holds `proxies.parquet`, `none`,
    or a setting that ships (`px32`), if there is no file of that name.

    None means those of the working folder, if there are any. Raises UserError for a path that
    holds no scores.
    """
    if given is None:
        return Scores(FILE, named=False) if FILE.is_file() else None
    if given == "none":
        return None
    if not given:
        raise UserError("--scores '' names nothing: leave it out, or give a file or `none`.")
    path = Path(given)
    settings = shipped.variant_files()
    if given in settings and not path.exists():
        return Scores(settings[given], setting=given)
    if path.is_dir():
        if not (path / FILE.name).is_file():
            raise UserError(
                f"{path} holds no {FILE.name}; `benchsuite tabulate --merge --out "
                f"{shlex.quote(str(path))}` makes one of rows that are there."
            )
        path = path / FILE.name
    if not path.is_file():
        raise UserError(
            f"There are no scores {path}: --scores names a file, a folder, `none`, or a setting "
            f"that ships ({', '.join(settings)})."
        )
    return Scores(path)


def join(table: Table, scores: Scores | None, *, replacing: bool = True) -> Table:
    """Return a table with one's own scores, a column of a name that is there in place of that one.

    replacing: whether that may be. Found but not named, a column of fewer cells than the one that
    it would replace is left out. `own_scores` of the provenance says what was done, as does stderr.
    Raises UserError for a file without scores of cells, and for names of other things than scores.
    """
    if scores is None:
        return table
    own = _read(scores.path, table)
    if any(column.kind == "accuracy" for column in own.columns.values()):
        raise UserError(f"{scores.path} is a whole table, not scores alone: give it as --table.")
    replaced: dict[str, int] = {}
    kept: dict[str, int] = {}
    for name in _scored(own):
        if name in table.columns:
            kinds = {own.columns[name].kind, table.columns[name].kind}
            if len(kinds) > 1 and kinds != {"proxy", "detail"}:
                raise UserError(
                    f"{scores.path} calls a score {name!r}, which is "
                    f"{table.columns[name].description}. Give it another name."
                )
            fewer = _fewer(own, table, name)
            (kept if fewer and not scores.named else replaced)[name] = table.present(name)
    if replaced and not replacing:
        raise UserError(
            f"The table has a column {next(iter(replaced))!r} already, and others may be made of "
            "it: leave out --table, or give the score another name."
        )
    about = {
        "path": scores.called,
        "sha256": sha256(scores.path),
        "cells": {name: own.present(name) for name in _scored(own) if name not in kept},
        "in_place_of": replaced,
        "left_out": {name: own.present(name) for name in kept},
        "differs": other_settings(own, table),
        "not_finite": dict(own.provenance.get("not_finite", {})),
        "no_numbers": list(own.provenance.get("no_numbers", [])),
        **({"setting": scores.setting, "stay": _others(table, own)} if scores.setting else {}),
    }
    gone = [*_with_details(kept, own), *_seconds(kept, own)]
    if not scores.named:
        gone += [name for name in _times(own) if name in table.columns and _fewer(own, table, name)]
    own = own.without(gone)
    shared = own.columns.keys() & table.columns.keys()
    table = table.without([*_with_details(replaced, table), *shared]).joined(own)
    say(_told(scores, about, kept))
    joined = {scores.called: dict(own.provenance)} if about["cells"] else {}
    more = {"own_scores": about, "joined": {**table.provenance.get("joined", {}), **joined}}
    return table.with_provenance(**more)


def _told(scores: Scores, about: Mapping[str, Any], kept: Mapping[str, int]) -> str:
    parts = []
    if about["cells"]:
        leave = "" if scores.named else " (`--scores none` leaves them out)"
        used = _listed(about["cells"], about["in_place_of"])
        whose = "Shipped" if scores.setting else "Own"
        parts.append(f"{whose} scores of {scores.called}{leave}: {used}.")
        if about["differs"]:
            other = "; ".join(f"{name} {what}" for name, what in about["differs"].items())
            parts.append(f"The suite's were made with other settings: {other}.")
        if about.get("stay"):
            parts.append(f"In the table's setting stay: {', '.join(about['stay'])}.")
    elif scores.named and not kept:
        parts.append(f"{scores.path} adds no score: it has times, spreads or single repeats alone.")
    for name in (stem(name) for name in about["cells"] if name.startswith(OWN)):
        of_the_suite = name.removeprefix(OWN)
        head = family(of_the_suite)
        suites = f"{head} is" if head == of_the_suite else f"What begins with {head}. is"
        parts.append(f"{suites} of the suite, so that yours is called {name}.")
    for name, count in about["not_finite"].items():
        if name in about["cells"]:
            are = "score is" if count == 1 else "scores are"
            parts.append(f"{stem(name)}: {count:,} {are} infinite and count as missing.")
    if about["no_numbers"]:
        parts.append(f"Left out, as they hold no numbers: {some(about['no_numbers'])}.")
    if kept:
        fewer = "; ".join(
            f"{about['left_out'][name]:,} cells of {name}, which has {kept[name]:,} without them"
            for name in sorted(kept)[:_SHOWN]
        )
        parts.append(
            f"Not used: {scores.path} has {fewer}. `--scores {scores.path}` takes it all the same."
        )
    return " ".join(parts)


def _listed(cells: Mapping[str, int], other: Mapping[str, int]) -> str:
    def shown(name: str) -> str:
        instead = f" in place of {other[name]:,}" if name in other else ""
        return f"{name}: {cells[name]:,} cells{instead}"

    names = sorted(cells, key=lambda name: (name not in other, name))
    more = f"; and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return "; ".join(map(shown, names[:_SHOWN])) + more


def _scored(table: Table) -> list[str]:
    """Return the columns that are scores: not their spread, their repeats, nor their seconds."""
    return [
        name
        for name in table.columns
        if not name.startswith("seconds.") and not DETAIL.fullmatch(stem(name))
    ]


def _others(table: Table, own: Table) -> list[str]:
    """Return the proxies of a table that were tabulated, as these were, but are not of them."""
    return sorted(_tabulated(table) - set(own.provenance["settings"]["proxies"]))


def _tabulated(table: Table) -> set[str]:
    joined = table.provenance.get("joined", {}).values()
    return {name for about in joined for name in about.get("settings", {}).get("proxies", {})}


def tell_mixed(table: Table, needs: Mapping[str, Sequence[str]]) -> Table:
    """Return a table that names, as stderr does, the combined proxies of scores of two settings.

    needs: by combined proxy; table: after `join`.
    """
    about = table.provenance.get("own_scores", {})
    mine = {family(name) for name in about.get("cells", {})}
    suites = _tabulated(table) - mine
    parts = {name: set(map(family, of)) for name, of in needs.items()}
    both = sorted(name for name, of in parts.items() if of & mine and of & suites)
    if not (both and about.get("differs")):
        return table
    say(f"Of scores in both settings are made: {', '.join(both)}.")
    return table.with_provenance(own_scores={**about, "mixed": both})


def _with_details(names: Mapping[str, int], table: Table) -> Iterator[str]:
    for name, column in table.columns.items():
        detail = DETAIL.fullmatch(column.stem)
        if name in names or (detail and detail[1] + name.removeprefix(column.stem) in names):
            yield name


def _seconds(kept: Mapping[str, int], own: Table) -> Iterator[str]:
    """Yield the times that belong to scores which are left out: all, if one pass served several."""
    if kept:
        yield from _times(own)


def _times(own: Table) -> list[str]:
    return [name for name in own.columns if name.startswith("seconds.")]


def _fewer(own: Table, table: Table, name: str) -> bool:
    return own.present(name) < table.present(name)


def _read(path: Path, table: Table) -> Table:
    if score_files.is_table(path):
        return Table.open(path)
    return _from_frame(path, score_files.read(path), table)


def _from_frame(path: Path, frame: pd.DataFrame, table: Table) -> Table:
    """Return the numbers of a frame with a column of architecture strings or indices as scores."""
    keys, cells = score_files.keyed(path, frame)
    made: list[Values] = []
    named: dict[str, object] = {}
    infinite: dict[str, int] = {}
    no_numbers: list[str] = []
    for given in score_files.beside(frame, keys):
        if wrong := score_files.not_a_number(frame[given]):
            raise UserError(f"{path}: {wrong}.")
        if frame[given].dtype.kind not in "biuf":
            no_numbers.append(str(given))
            continue
        name, direction = score_files.heading(path, given)
        values = score_files.on_cells(frame[given], cells)
        full = _full_name(name, table)
        if full in named:
            raise UserError(
                f"{path}: {named[full]!r} and {given!r} are one score, {stem(full)}; name one anew."
            )
        named[full] = given
        column = Column(
            name=full,
            description=f"{name} of {path.name}",
            unit="",
            direction=direction or "max",
            source=str(path),
            version="1",
            kind="proxy",
        )
        gap = f"no value in {path.name}"
        made.append(Values(column, values, score_files.reasons(values, gap, f" in {path.name}")))
        infinite[full] = score_files.not_finite(values)
    if not made:
        wrong = "; ".join(score_files.not_a_number(frame[n], named=True) for n in no_numbers[:1])
        raise UserError(
            f"{path} has no column of numbers beside {', '.join(map(repr, keys))}"
            + (f": {wrong}." if wrong else ".")
        )
    counted = {name: count for name, count in infinite.items() if count}
    about = {"inputs": {}, "not_finite": counted, "no_numbers": no_numbers}
    return Table.empty(about).with_columns(made)


def _full_name(name: str, table: Table) -> str:
    """Return the full name of a score: `own.NAME` where the suite has a NAME, which stays its."""
    taken = any(column.family == family(name) for column in table.columns.values())
    called = f"{OWN}{name}" if taken else name
    return called if stem(called) != called else f"{called}@1"
