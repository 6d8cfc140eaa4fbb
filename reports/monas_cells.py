"""The cells of MONAS' Table 2, drawn as graphs (MONAS Fig. 4a)."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from benchsuite.api import Report, Result
from benchsuite.reports._common.cells import draw_cell
from benchsuite.reports._common.monas import matches
from benchsuite.reports._common.style import PAGE_WIDTH, new_figure, panels
from benchsuite.space.cell import Cell
from benchsuite.table.table import Table

_COLUMNS = 4


def _make(table: Table) -> Result:
    cells = [
        (f"{match.row['method']}\n({match.row['device'][5:].upper()}) {match.cell}", match.cell)
        for match in matches(table)
        if match.sure and "MONAS" in str(match.row["method"])
    ]
    return Result(
        tables={
            "monas_cells": pd.DataFrame(
                {"row": title.replace("\n", " "), "index": cell, "arch": Cell.from_index(cell).arch}
                for title, cell in cells
            )
        },
        figures={"monas_cells": _figure(cells)},
        notes=(
            "Cells of the printed rows that could be identified (report monas_table2); the number "
            "is the official index. Operators `none` are not drawn; a dashed operator lies on no "
            "path from input to output.",
            "MONAS draws the cells of several lambda and does not print their operators; these are "
            "the cells its Table 2 reports.",
        ),
    )


def _figure(cells: list[tuple[str, int]]) -> Figure:
    rows = -(-len(cells) // _COLUMNS)
    figure = new_figure(PAGE_WIDTH, 1.5 * rows)
    axes = panels(figure, _COLUMNS, rows)
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
)
