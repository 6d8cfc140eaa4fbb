"""Whether a saved baseline holds what its settings name: what it lacks could never be compared.

A baseline that lost a part would pass every comparison, so it is refused when it is read; one that
never had it is not saved.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchsuite.errors import UserError
from benchsuite.replays import study
from benchsuite.table.columns import family

if TYPE_CHECKING:
    import pandas as pd

_MADE_BY = {"versions": dict, "revision": str, "machine": str, "processor": str}
_EXACT = ("class", "cost", "device", "accuracy")
_FILLED = {
    "tau": ("proxy", "dataset", "accuracy"),
    "scores": ("column", "kind", "direction"),
    "replays": ("study", "search", "dataset"),
    "speeds": ("what", "reference"),
}
_KEYS = {
    "tau": ["proxy", "accuracy"],
    "scores": ["column", "cell"],
    "replays": ["study", "search", "seed"],
    "speeds": ["what"],
}


def check_complete(baseline: Any, where: Path) -> None:
    """Raise UserError, naming it, for the first thing that a `Baseline` in a folder lacks."""
    for fault in faults(baseline, where):
        raise UserError(f"The baseline {where} cannot be compared with: {fault}. Save it again.")


def faults(baseline: Any, where: Path) -> Iterator[str]:
    """Yield, as parts of a sentence, what a `Baseline` whose studies lie in a folder lacks."""
    for name, kind in _MADE_BY.items():
        if not baseline.made_by.get(name) or not isinstance(baseline.made_by[name], kind):
            yield f"it does not say its {name}"
    versions, extras = baseline.made_by["versions"], baseline.made_by.get("extras", {})
    said = [*versions.items(), *extras.items()] if isinstance(extras, dict) else [(extras, None)]
    if not all(isinstance(name, str) for pair in said for name in pair):
        yield "its versions are no texts"
    estimated = baseline.made_by.get("estimated", [])
    if not (isinstance(estimated, list) and all(isinstance(name, str) for name in estimated)):
        yield "its datasets of estimated accuracies are no names"
    if not all(isinstance(name, str) for name in baseline.exact):
        yield "its columns that have to be equal are no names"
    if not (baseline.settings.table or baseline.settings.proxies or baseline.studies):
        yield "it holds nothing"
    yield from _of_parts(baseline)
    for name, frame in baseline.frames.items():
        yield from _of_frame(name, frame)
    if baseline.table is not None:
        yield from _of_table(baseline)
    if "scores" in baseline.frames:
        yield from _of_scores(baseline, baseline.frames["scores"])
    if "replays" in baseline.frames:
        yield from _of_replays(baseline, baseline.frames["replays"], where / "studies")


def _of_parts(baseline: Any) -> Iterator[str]:
    settings, frames = baseline.settings, baseline.frames
    wanted = {
        "table.parquet": (settings.table, baseline.table is not None),
        "tau.csv": (settings.table, "tau" in frames),
        "scores.csv": (bool(settings.proxies), "scores" in frames),
        "replays.csv": (bool(baseline.studies), "replays" in frames),
    }
    for name, (needed, there) in wanted.items():
        if needed != there:
            yield f"it lacks {name}" if needed else f"nothing in it explains {name}"


def _of_frame(name: str, frame: pd.DataFrame) -> Iterator[str]:
    if not len(frame):
        yield f"{name}.csv has no rows"
    for column in _FILLED[name]:
        if (frame[column].astype(str) == "").any():
            yield f"{name}.csv has a row without {column}"
    twice = frame[frame.duplicated(_KEYS[name])]
    if len(twice):
        key = ", ".join(str(twice[column].iloc[0]) for column in _KEYS[name])
        yield f"{name}.csv has two rows of {key}"
    if name == "speeds":
        for row in frame.to_dict("records"):
            if not 0 < row["low"] <= row["ratio"] <= row["high"] < math.inf:
                shown = f"{row['ratio']:g} [{row['low']:g}, {row['high']:g}]"
                yield f"the speed of {row['what']!r} is {shown}, which is no ratio of times"


def _of_table(baseline: Any) -> Iterator[str]:
    assert baseline.table is not None
    columns = baseline.table.columns
    for name in baseline.exact:
        if name not in columns:
            yield f"its table lacks the column {name!r}"
    for name, column in columns.items():
        if column.kind in _EXACT and name not in baseline.exact:
            yield f"it does not say that {name!r} has to be equal"
    if not any(column.kind == "cost" for column in columns.values()):
        yield "its table has no column that is computed of the cells' structure"


def _of_scores(baseline: Any, rows: pd.DataFrame) -> Iterator[str]:
    kinds = {"analytic", "proxy", "accuracy"}
    if odd := set(rows["kind"]) - kinds:
        yield f"scores.csv has the kind {min(odd)!r}"
    if odd := set(rows["direction"]) - {"min", "max"}:
        yield f"scores.csv has the direction {min(odd)!r}"
    scored = rows[rows["kind"] != "accuracy"]
    families = {family(str(name)) for name in scored["column"]}
    for proxy in baseline.settings.proxies:
        if proxy not in families:
            yield f"scores.csv has no scores of {proxy}"
    cells = {str(name): sorted(group["cell"]) for name, group in rows.groupby("column")}
    first = next(iter(cells.values()), [])
    for name, there in cells.items():
        if there != first or len(there) != baseline.settings.cells:
            yield f"scores.csv has {len(there)} cells of {name}, of {baseline.settings.cells}"
    truths = rows[rows["kind"] == "accuracy"]
    if not len(truths) or not truths["value"].notna().all():
        yield "scores.csv lacks accuracies"
    timed = {family(str(name)) for name in rows[rows["kind"] == "proxy"]["column"]}
    yield from _untimed(baseline, [f"proxy {name}" for name in sorted(timed)])


def _of_replays(baseline: Any, rows: pd.DataFrame, studies: Path) -> Iterator[str]:
    searches: list[str] = []
    for name in baseline.studies:
        for entry in study.load(studies / f"{name}.toml").searches:
            found = rows[(rows["study"] == name) & (rows["search"] == entry.label)]["seed"]
            wanted = range(entry.first_seed, entry.first_seed + entry.seeds)
            if sorted(found) != list(wanted):
                yield f"replays.csv has {len(found)} of {len(wanted)} seeds of {name}/{entry.label}"
            searches.append(f"search {name}/{entry.label}")
    yield from _untimed(baseline, searches)
    if (rows["feasible"] & rows["regret"].isna()).any():
        yield "replays.csv has a feasible answer without a regret"


def _untimed(baseline: Any, names: list[str]) -> Iterator[str]:
    speeds: Any = baseline.frames.get("speeds")
    timed = set() if speeds is None else set(speeds["what"])
    for name in names:
        if name not in timed:
            yield f"speeds.csv has no speed of the {name}"
