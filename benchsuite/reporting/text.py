"""How numbers and tables are shown to people, and progress on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchsuite.numerics.stated import stated

if TYPE_CHECKING:
    import pandas as pd
    from rich.progress import Progress


def shown_value(value: object) -> str:
    """Return a value as a person reads it: three decimals, thousands set apart, `-` if missing."""
    if isinstance(value, float):
        value = stated(value)
        if value != value:
            return "-"
        digits = 3 if abs(value) < 1000 else 0 if value.is_integer() else 1
        return f"{value:,.{digits}f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def _counts(rows: pd.DataFrame) -> list[bool]:
    """Tell which columns are counts that pandas made floats of, because some are missing."""
    return [
        column.dtype.kind == "f"
        and bool(column.isna().any())
        and bool((column.dropna() % 1 == 0).all())
        and bool((column.abs() > 1).any())
        for _, column in rows.items()
    ]


def shown_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a DataFrame of texts; a column `index...` holds names of cells, not amounts."""
    shown = rows.map(shown_value)
    for name in rows.columns[_counts(rows)]:
        shown[name] = [shown_value(int(v) if v == v else v) for v in rows[name]]
    for name in rows.columns:
        if str(name).startswith("index"):
            shown[name] = rows[name].astype(str)
    return shown


def table_text(rows: pd.DataFrame) -> str:
    """Return a DataFrame with aligned columns, whatever the width of the terminal."""
    from tabulate import tabulate

    sides = ["right" if rows[name].dtype.kind in "iuf" else "left" for name in rows.columns]
    shown = shown_table(rows)
    return tabulate(
        shown.to_numpy().tolist(),
        headers=list(map(str, shown.columns)),
        tablefmt="simple",
        colalign=sides if len(rows) else None,
        disable_numparse=True,
    )


def print_table(rows: pd.DataFrame) -> None:
    """Print `table_text`."""
    print(table_text(rows))


def progress() -> Progress:
    """Return a progress bar on stderr with the time left."""
    from rich import progress
    from rich.console import Console

    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
        console=Console(stderr=True),
    )
