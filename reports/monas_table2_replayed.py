"""MONAS' Table 2 replayed: each printed row beside what searches by its rules find."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchsuite.api import Outcome, Report, Result
from benchsuite.reports._common.monas_searches import (
    ABOUT_TABULAR,
    F746,
    L432,
    LAMBDA,
    LIVE,
    MU,
    STUDIES,
    about_live,
    as_printed,
    live,
    main,
    of,
    printed,
    quantities,
    searched,
    settings,
    tabular,
)
from benchsuite.reports._common.searches import LEVEL, interval, spelt
from benchsuite.reports._common.tables import about_accuracy, published, repeats_of
from benchsuite.space.cell import NONE, all_ops
from benchsuite.stats.intervals import SEEDS
from benchsuite.table.table import Table

RIVALS = "monas_rivals"
# TE-NAS: MONAS without costs, by K_0 of 72 images; a smaller image or batch, and of tied scores the
# first by K, are said in the row.
_TE_NAS, _IN_TE_NAS = {"order": 0}, {"order", "ties", "batch", "resolution"}
_SEARCHED = {"NASWOT": "naswot", "ZiCo": "zico"}
_DIGITS = {"MFLOPs": 2, "Mparams": 3}  # As printed; of all others 2.

Cells = NDArray[np.int64]
# Its row of the paper, its part, how it was found, a cell per seed.
Found = tuple[pd.Series, str, str, Cells]


def _make(table: Table, outcomes: Mapping[str, Outcome]) -> Result:
    found = live()
    everything = list(_found(found, outcomes))
    spread = pd.DataFrame(line for one in everything for line in _spread(table, *one))
    repeats = _repeats(main(found))
    return Result(
        tables={
            "monas_table2_told": pd.DataFrame(_told(spread, repeats)),
            "monas_table2_inside": _inside(spread, repeats),
            "monas_table2_replayed": pd.DataFrame(_lines(table, everything)),
            "monas_table2_spread": spread,
            "monas_search_cost": pd.DataFrame(_costs(table, found)),
        },
        notes=(
            about_accuracy(table),
            ABOUT_TABULAR,
            about_live(found),
            "inside: whether the printed figure, to its last digit, lies between the least and the "
            "greatest of the seeds; another seed of the same search does in (n - 1) of (n + 1) "
            "cases, .90 at 20, and fewer are not told. random inside: the share of all "
            f"{len(_without_none()):,} cells without `none` that lies there too, which is how "
            "little inside may say. below: seeds below the printed figure. lo, "
            "hi: " + LEVEL + ". Latency "
            "is that of the authors' table (`monas2024`, of the STM32L4 a reading of the four "
            "printed rows); of our runtimes none is printed.",
            "monas_table2_told: MONAS' own rows and live searches. repeats: how many answer, seed "
            "by seed, what another search does, for the STM32F746 or by FLOPs. Those for the "
            "STM32L432 read its latency from the printed rows, which orders operators as FLOPs do, "
            "and are no evidence of their own. inside at random: how many would be expected inside "
            "if the printed figures were those of cells without `none` drawn at random; narrowest, "
            "widest: the shares of those cells that lie between the least and the greatest.",
            "Rows of several weights are compared at each; of mu = [0, 0.7] at its ends. mu = 0 "
            "reads no latency, so both parts have one search of it.",
            "NASWOT, ZiCo: here the best of 1,000 random cells by the proxy, over "
            f"{outcomes[RIVALS].study.searches[0].seeds} seeds. TE-NAS: MONAS' pruning without "
            "costs by K_0: on columns that is mu = 0 of the tabular search; its code has, of tied "
            "scores, the first by K (`ties first`), and other images for each candidate, which "
            "`monas_rules_live` has beside. muNAS, DARTS, GDAS, "
            "KNAS, TG-NAS: as printed, searched by nobody here.",
            "monas_search_cost: of a live search that shares nothing (mu = 0), mean over seeds, "
            "processor hours of one core; of a proxy, 1,000 scores, each of as many repeats as its "
            "search reads the mean of. Printed hours are of a GPU "
            "(RTX 3090) or what other papers state. All live answers that ship took "
            f"{found['seconds'].sum() / 3600:.1f} core hours.",
        ),
    )


def _found(found: pd.DataFrame, outcomes: Mapping[str, Outcome]) -> Iterator[Found]:
    """Yield what stands beside printed rows, in their order."""
    rows = {str(row["method"]): row for _, row in published("monas").iterrows()}
    for method in _SEARCHED:
        runs = outcomes[RIVALS].runs
        cells = runs.loc[runs["search"] == method, "cell"].to_numpy()
        yield rows[method], F746, "best of 1,000", cells
    table = tabular(outcomes)
    yield rows["TE-NAS"], F746, "tabular", of(table, F746, MU, 0.0)["cell"].to_numpy()
    for text, changed in settings(found).items():
        if _TE_NAS.items() <= changed.items() and set(changed) <= _IN_TE_NAS:
            cells = of(found[found["setting"] == text], F746, MU, 0.0)["cell"].to_numpy()
            said = f"{changed.get('resolution', 32)} px, batch {changed.get('batch', 32)}"
            said += ", ties first" * ("ties" in changed)
            yield rows["TE-NAS"], F746, f"{LIVE}, {said}", cells
    for row in printed():
        for searches in (table, main(found)):
            some = of(searches, row.device, row.weighs, row.weight)
            if len(some):
                how = f"{some['search'].iloc[0]}, {row.weighs} = {row.weight:g}"
                yield row.row, row.device, how, some["cell"].to_numpy()


def _lines(table: Table, everything: list[Found]) -> Iterator[dict[str, object]]:
    """Yield the printed rows, each with means of what was found below it."""
    names = as_printed(table)
    for _, row in published("monas").iterrows():
        values = quantities(table, str(row["device"]))
        start = {"row": row["method"], "part": row["device"], "search": "printed", "n": 1}
        yield start | {name: row.get(names.get(name, ""), np.nan) for name in values}
        for _, part, how, cells in (one for one in everything if one[0].equals(row)):
            mine = {"row": "", "part": part, "search": how, "n": len(cells)}
            yield mine | {name: float(value[cells].mean()) for name, value in values.items()}


def _spread(
    table: Table, row: pd.Series, part: str, how: str, cells: Cells
) -> Iterator[dict[str, object]]:
    """Yield a line for each printed figure: where it lies among the seeds."""
    values = quantities(table, part)
    for name, column in as_printed(table).items() if len(cells) > 1 else ():
        digits = _DIGITS.get(name, 2)
        seeds, theirs = np.round(values[name][cells], digits), float(row[column])
        yield {
            "row": row["method"],
            "part": part,
            "search": how,
            "figure": name,
            "printed": theirs,
            "n": len(seeds),
            **spelt("mean", interval(values[name][cells]), "lo", "hi"),
            "least": seeds.min(),
            "greatest": seeds.max(),
            "inside": _where(theirs, seeds),
            "random inside": _random_inside(values[name], digits, seeds),
            "below": int((seeds < theirs).sum()),
        }


def _where(printed: float, seeds: NDArray[np.float64]) -> str:
    if len(seeds) < SEEDS:
        return "too few seeds"
    return "yes" if seeds.min() <= printed <= seeds.max() else "no"


def _without_none() -> Cells:
    return np.flatnonzero((all_ops() != NONE).all(axis=1))


def _random_inside(values: NDArray[np.float64], digits: int, seeds: NDArray[np.float64]) -> float:
    """Return the share of cells without `none` between the least and the greatest of the seeds."""
    if len(seeds) < SEEDS:
        return np.nan
    of = np.round(values[_without_none()], digits)
    return float(np.mean((seeds.min() <= of) & (of <= seeds.max())))


def _repeats(found: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Return which live search answers the same, seed by seed, by part and search, if one does.

    The first of those that answer the same repeats none.
    """
    first: dict[tuple[int, ...], tuple[str, str]] = {}
    repeats = {}
    for part, weighs in ((F746, MU), (F746, LAMBDA), (L432, MU)):
        for weight in searched(found, part, weighs):
            at = (part, f"{LIVE}, {weighs} = {weight:g}")
            origin = first.setdefault(tuple(of(found, part, weighs, weight)["cell"]), at)
            if origin != at:
                repeats[at] = f"{origin[1]} ({origin[0]})"
    return repeats


def _told(spread: pd.DataFrame, repeats: Mapping[tuple[str, str], str]) -> Iterator[dict[str, Any]]:
    """Yield a line for each part and figure: how many searches meet it, and what lies beyond."""
    ours = spread[spread["row"].str.startswith("MONAS")]
    for at, group in ours.groupby(["part", "figure"], sort=False):
        lines: list[dict[str, Any]] = group.to_dict("records")  # type: ignore[assignment]
        shares = [float(line["random inside"]) for line in lines]
        yield {
            **dict(zip(("part", "figure"), at, strict=True)),
            "searches": len(lines),
            "repeats": sum((line["part"], line["search"]) in repeats for line in lines),
            "inside": sum(line["inside"] == "yes" for line in lines),
            "inside at random": sum(shares),
            "narrowest": min(shares),
            "widest": max(shares),
            "above every seed": _named(
                f"{_search(line)} ({line['printed']:g}, at most {line['greatest']:g})"
                for line in lines
                if line["printed"] > line["greatest"]
            ),
            "below every seed": _named(
                f"{_search(line)} ({line['printed']:g}, at least {line['least']:g})"
                for line in lines
                if line["printed"] < line["least"]
            ),
        }


def _search(line: Mapping[str, Any]) -> str:
    """Return a printed row and how it was searched for: one of several weights is at each."""
    return f"{line['row']}, searched with {str(line['search']).removeprefix(f'{LIVE}, ')}"


def _named(rows: Iterable[str]) -> str:
    return "; ".join(rows) or "none"


def _inside(spread: pd.DataFrame, repeats: Mapping[tuple[str, str], str]) -> pd.DataFrame:
    """Return a line a printed row and search: which of its figures lie inside."""
    keys = ["row", "part", "search", "n"]
    lines: dict[tuple[object, ...], dict[str, Any]] = {}
    for line in spread.to_dict("records"):
        at = tuple(line[key] for key in keys)
        lines.setdefault(at, dict(zip(keys, at, strict=True)))[line["figure"]] = line["inside"]
    for made in lines.values():
        made["repeats"] = repeats.get((made["part"], made["search"]), "")
    return pd.DataFrame(lines.values())


def _costs(table: Table, found: pd.DataFrame) -> Iterator[dict[str, object]]:
    alone = of(main(found), F746, MU, 0.0)["seconds"]
    ours = {}
    for name, of_search in _SEARCHED.items():
        repeats = max(1, len(repeats_of(table).get(table.resolve(of_search), [])))
        what = "1,000 scores" + f" of {repeats} repeats" * (repeats > 1)
        ours[name] = what, 1000 * repeats * _score(table, of_search)
    ours["MONAS baseline"] = (f"live, mean of {len(alone)} seeds", float(alone.mean()))
    for _, row in published("monas").drop_duplicates("method").iterrows():
        what, seconds = ours.get(str(row["method"]), ("-", np.nan))
        yield {
            "row": row["method"],
            "GPU hours printed": row["gpu_hours"],
            "core hours here": seconds / 3600,
            "of": what,
        }


def _score(table: Table, proxy: str) -> float:
    """Return the mean seconds of a core that one repeat of a score took, all it needs made."""
    return float(np.nanmean(table.values(f"seconds.alone.{proxy}")))


REPORT = Report(
    title="Table 2: replayed",
    answers="MONAS (2024), Table 2: which printed rows searches by its rules find",
    make=_make,
    group="MONAS",
    studies=(*STUDIES, RIVALS),
)
