"""Cells of MONAS drawn as graphs: of its Table 2, and those that searches here find (Fig. 4a)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd
from matplotlib.figure import Figure

from benchsuite.api import Outcome, Report, Result
from benchsuite.reports._common.cells import draw_cell
from benchsuite.reports._common.monas import matches
from benchsuite.reports._common.monas_searches import (
    F746,
    LAMBDA,
    LIVE,
    STUDIES,
    TABULAR,
    live,
    main,
    of,
    tabular,
)
from benchsuite.reports._common.style import PAGE_WIDTH, new_figure, panels
from benchsuite.space.cell import Cell
from benchsuite.table.table import Table

_COLUMNS = 4
WEIGHTS = (0.0, 0.5, 0.7, 0.8)
SEEDS = 2


def _make(table: Table, outcomes: Mapping[str, Outcome]) -> Result:
    printed = [
        (f"{match.row['method']}\n({match.row['device'][5:].upper()}) {match.cell}", match.cell)
        for match in matches(table)
        if match.sure and "MONAS" in str(match.row["method"])
    ]
    found = list(_found(pd.concat([tabular(outcomes), main(live())])))
    return Result(
        tables={"monas_cells": _rows(printed), "monas_found_cells": _rows(found)},
        figures={
            "monas_cells": _figure(printed, _COLUMNS),
            "monas_found_cells": _figure(found, len(WEIGHTS)),
        },
        notes=(
            "monas_cells: cells of the printed rows that could be identified (report "
            "monas_table2); the number is the official index. MONAS draws the cells of several "
            "lambda and does not print their operators; these are the cells its Table 2 reports.",
            "monas_found_cells: cells found here by lambda; above by the tabular search, below by "
            f"live searches of seeds 0 to {SEEDS - 1} (report monas_search has all).",
            "Operators `none` are not drawn; a dashed operator lies on no path from input to "
            "output.",
        ),
    )


def _found(found: pd.DataFrame) -> Iterator[tuple[str, int]]:
    """Yield the cells by weight: of the tabular search, then of the first live seeds."""
    rows = [found[found["search"] == TABULAR]]
    rows += [found[(found["search"] == LIVE) & (found["seed"] == seed)] for seed in range(SEEDS)]
    for row in rows:
        for weight in WEIGHTS:
            for one in of(row, F746, LAMBDA, weight).to_dict("records"):
                name = TABULAR if one["search"] == TABULAR else f"{LIVE}, seed {one['seed']}"
                yield f"{name}, lambda {weight:g}\n{one['cell']}", int(one["cell"])


def _rows(cells: list[tuple[str, int]]) -> pd.DataFrame:
    return pd.DataFrame(
        {"row": title.replace("\n", " "), "index": cell, "arch": Cell.from_index(cell).arch}
        for title, cell in cells
    )


def _figure(cells: list[tuple[str, int]], columns: int) -> Figure:
    rows = -(-len(cells) // columns)
    figure = new_figure(PAGE_WIDTH, 1.5 * rows)
    axes = panels(figure, columns, rows)
    for place, (title, cell) in zip(axes, cells, strict=False):
        draw_cell(place, Cell.from_index(cell), title)
    for place in axes[len(cells) :]:
        place.axis("off")
    return figure


REPORT = Report(
    title="Fig. 4a: cells drawn",
    answers="MONAS (2024), Fig. 4a: the cells it found",
    make=_make,
    group="MONAS",
    studies=STUDIES,
)
