"""How numbers and tables are shown to people, and progress on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from benchsuite.numerics.stated import stated
from benchsuite.terminal import WIDTH, wrapped

if TYPE_CHECKING:
    import pandas as pd
    from rich.progress import Progress

_CUT = "..."
_LONG = 28  # letters of a cell of a table that is too wide


def shown_value(value: object) -> str:
    """Return a value as a person reads it: three decimals, thousands set apart, `-` if missing.

    Of a number that three decimals would show as zero two digits are shown.
    """
    if isinstance(value, float):
        value = stated(value)
        if value != value:
            return "-"
        digits = 3 if abs(value) < 1000 else 0 if value.is_integer() else 1
        return f"{value:.1e}" if 0 < abs(value) < 5e-4 else f"{value:,.{digits}f}"
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
            shown[name] = [_cell(value) for value in rows[name]]
    return shown


def _cell(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:g}" if value == value else "-"  # A missing one makes floats of all.


def table_text(rows: pd.DataFrame) -> str:
    """Return a DataFrame with aligned columns, whatever the width of the terminal."""
    numbers = [rows[name].dtype.kind in "iuf" for name in rows.columns]
    return _aligned(list(map(str, rows.columns)), numbers, shown_table(rows).to_numpy().tolist())


def fitted(rows: pd.DataFrame, where: str) -> tuple[str, list[str]]:
    """Return a DataFrame as text of at most 80 columns, and what is left out of it.

    Long texts are cut; then columns are left out from the right. where: what holds all of it.
    """
    texts = _texts(rows, cut=False)
    if _width(texts) > WIDTH:
        texts = _texts(rows, cut=True)
    kept = next((n for n in range(len(texts), 1, -1) if _width(texts[:n]) <= WIDTH), 1)
    notes = []
    if any(text.endswith(_CUT) for column in texts[:kept] for text in column):
        notes.append(f"Long texts are cut: {where} has them.")
    if kept < len(texts):
        notes.append(f"Not shown, in {where}: {', '.join(map(str, rows.columns[kept:]))}.")
    return _drawn(rows, texts, range(kept)), notes


def in_blocks(rows: pd.DataFrame, where: str, most: int = 40) -> tuple[str, list[str]]:
    """Return a DataFrame as blocks of at most 80 columns one below the other, and what is left out.

    Each begins with the columns that tell the rows apart; of many rows the first `most` are shown.
    where: what holds all of it.
    """
    texts = _texts(rows.head(most), cut=False)
    if _width(texts) > WIDTH:
        texts = _texts(rows.head(most), cut=True)
    keys = _keys(texts)
    blocks = [list(range(keys))]
    for place in range(keys, len(texts)):
        if _width([texts[i] for i in (*blocks[-1], place)]) > WIDTH and len(blocks[-1]) > keys:
            blocks.append(list(range(keys)))
        blocks[-1].append(place)
    notes = []
    if any(text.endswith(_CUT) for column in texts for text in column):
        notes.append(f"Long texts are cut: {where} has them.")
    if len(rows) > most:
        notes.append(f"{most} of {len(rows):,} rows: {where} has all.")
    return "\n\n".join(_drawn(rows, texts, block) for block in blocks), notes


def _texts(rows: pd.DataFrame, cut: bool) -> list[list[str]]:
    """Return each column as its heading and its cells."""
    shown = shown_table(rows)
    columns = [[str(name), *shown.iloc[:, i].tolist()] for i, name in enumerate(rows.columns)]
    return [[_cut(text) if cut else text for text in column] for column in columns]


def _keys(texts: list[list[str]]) -> int:
    """Return how many of the first columns tell the rows apart, three at most and half a line."""
    for n in range(1, min(3, len(texts)) + 1):
        rows = list(zip(*(column[1:] for column in texts[:n]), strict=True))
        if len(set(rows)) == len(rows) or _width(texts[: n + 1]) > WIDTH // 2:
            return n
    return 1


def _drawn(rows: pd.DataFrame, texts: list[list[str]], places: Iterable[int]) -> str:
    kept = list(places)
    numbers = [rows.iloc[:, i].dtype.kind in "iuf" for i in kept]
    chosen = [texts[i] for i in kept]
    body = [list(row) for row in zip(*(column[1:] for column in chosen), strict=True)]
    return _aligned([column[0] for column in chosen], numbers, body)


def _width(columns: Sequence[Sequence[str]]) -> int:
    return sum(max(map(len, column)) for column in columns) + 2 * (len(columns) - 1)


def _cut(text: str) -> str:
    return text if len(text) <= _LONG else text[: _LONG - len(_CUT)].rstrip() + _CUT


def aligned_within(rows: Sequence[Mapping[str, str]], left: Sequence[str]) -> tuple[str, list[str]]:
    """Return `aligned` at 80 columns at most, and the columns at the right that are left out."""
    names = list(rows[0])
    columns = [[name, *(row[name] for row in rows)] for name in names]
    kept = next((n for n in range(len(names), 1, -1) if _width(columns[:n]) <= WIDTH), 1)
    return aligned([{n: row[n] for n in names[:kept]} for row in rows], left), names[kept:]


def aligned(rows: Sequence[Mapping[str, str]], left: Sequence[str]) -> str:
    """Return records of texts, at least one, in columns; left: those that begin at one place."""
    numbers = [name not in left for name in rows[0]]
    return _aligned(list(rows[0]), numbers, [list(row.values()) for row in rows])


def _aligned(heads: list[str], numbers: list[bool], rows: list[list[str]]) -> str:
    """Return columns two spaces apart; a library's least width of a column wastes the terminal."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = [heads, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(
            text.rjust(width) if number else text.ljust(width)
            for text, width, number in zip(line, widths, numbers, strict=True)
        ).rstrip()
        for line in lines
    )


def print_table(rows: pd.DataFrame) -> None:
    """Print a DataFrame at 80 columns, and what is left out of it."""
    text, notes = fitted(rows, "--json")
    print("\n".join([text, *(line for note in notes for line in wrapped(note))]))


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
