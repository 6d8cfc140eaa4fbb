"""Every way in which people and other code write a cell, read by one function.

| what                                   | means                                                   |
|----------------------------------------|---------------------------------------------------------|
| `6111`                                 | the official index                                      |
| `"|nor_conv_3x3~0|+|...|"`             | an architecture string                                  |
| `"hpo:333132"`, `"naslib:2,2,0,2,2,3"` | six digits of an encoding, named                        |
| `"333132"`                             | six digits alone: official operators and edges, as hpo  |
| `(2, 2, 0, 2, 2, 3)`                   | six numbers: NASLib's, never `Cell.ops`                 |
| `"64-41414-1_02_333"`, `"1_02_333"`    | TransNAS-Bench-101, which has no pooling                |
| `[(("none", 0),), ...]`                | a genotype by node; an edge that is not listed is none  |
| `[("none", 0), ("none", 0), ...]`      | a genotype of six pairs, as DARTS lists them            |
| `Genotype(normal=[...], ...)`          | the genotype that is its `normal`                       |
| a matrix [4, 4]                        | `str2matrix`: the operator of edge j->i at [i, j]       |
| what has `tostr()`                     | `CellStructure` of AutoDL-Projects, of nats_bench       |

Texts of tuples, lists and matrices mean what they show.
"""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np

from benchsuite.errors import UserError, did_you_mean, shown
from benchsuite.space.cell import EDGES, ENCODINGS, N_CELLS, NONE, OPS, Cell

_CODES = re.compile(r"[0-4]{6}|[0-4](\s*,\s*[0-4]){5}|[0-4](\s+[0-4]){5}")
_DIGITS = re.compile(r"[0-9]{6}")
_TRANSNAS = re.compile(r"(?:64-41414-)?([0-9])_([0-9]{2})_([0-9]{3})")
_MOST = 1_000  # characters of a text of tuples; a matrix or a genotype has some 200
_KINDS = (
    "an index (6111), an architecture string in quotes, an encoding and six digits "
    f"({', '.join(f'{name}:...' for name in ENCODINGS)}), six digits, a NASLib tuple, a "
    "TransNAS-Bench string, a genotype or a matrix"
)


def cell_of(given: Any) -> Cell:
    """Return the cell that is meant; UserError, a sentence, for what means none."""
    if isinstance(given, Cell):
        return given
    if isinstance(given, str):
        return _of_text(given.strip())
    if _whole(given):
        return Cell.from_index(int(given))
    if isinstance(given, np.ndarray) or hasattr(given, "detach"):
        return cell_of(given.tolist())
    if hasattr(given, "tostr"):
        return Cell.from_arch(str(given.tostr()))
    if hasattr(given, "normal"):
        return _of_darts(given)
    if isinstance(given, list | tuple):
        return _of_sequence(given)
    raise UserError(f"{shown(given)} is no cell: give {_KINDS}.")


def transnas(cell: Cell) -> str:
    """Return TransNAS-Bench-101's string of a cell; UserError for one with pooling."""
    if OPS.index("avg_pool_3x3") in cell.ops:
        raise UserError(f"TransNAS-Bench-101 has no pooling, which cell {cell.index} has.")
    a, b, c, d, e, f = cell.ops
    return f"64-41414-{a}_{b}{c}_{d}{e}{f}"


def _of_text(text: str) -> Cell:
    if re.fullmatch(r"0|[1-9][0-9]*", text) and len(text) <= len(str(N_CELLS)):
        return Cell.from_index(int(text))
    if text.startswith("|"):
        return Cell.from_arch(text)
    if text.startswith(("(", "[")):
        return cell_of(_literal(text))
    if _DIGITS.fullmatch(text) and text.isascii():
        return _of_codes(text, "hpo")
    if found := _TRANSNAS.fullmatch(text):
        return _of_transnas("".join(found.groups()), text)
    if "_" in text and re.fullmatch(r"[0-9_-]+", text) and text.isascii():
        raise UserError(
            f"{_short(text)!r} is not a string of TransNAS-Bench-101's cells, as in "
            "64-41414-1_02_333."
        )
    name, colon, codes = text.partition(":")
    if colon:
        return _of_codes(codes, name)
    if re.fullmatch(r"[+-]?[0-9]+", text):
        raise UserError(
            f"There is no cell {_short(text)}: indices run from 0 to {N_CELLS - 1}, without "
            "leading zeros; six digits 0 to 4 are operators, as in 333132 or naslib:220223."
        )
    rest = " `benchsuite devices estimate` takes networks." if text[:1].isalpha() else ""
    raise UserError(f"{_short(text)!r} is no cell: give {_KINDS}.{rest}")


def _of_codes(codes: str, name: str) -> Cell:
    example = Cell.from_index(0).encode(name)
    if not _CODES.fullmatch(codes.strip().strip("()[]").strip()):
        raise UserError(
            f"{_short(codes)!r} is not a cell in {name!r}: six codes 0 to 4 are needed, as "
            f"in {name}:{','.join(map(str, example))}."
        )
    return Cell.decode([int(code) for code in re.findall("[0-4]", codes)], name)


def _of_transnas(digits: str, text: str) -> Cell:
    if set(digits) - set("0123"):
        raise UserError(
            f"{_short(text)!r} is no cell of TransNAS-Bench-101, whose operators are 0 none, "
            "1 skip_connect, 2 nor_conv_1x1 and 3 nor_conv_3x3."
        )
    return Cell(tuple(map(int, digits)))


def _literal(text: str) -> Any:
    if len(text) > _MOST:
        raise UserError(f"{_short(text)!r} is no cell: give {_KINDS}.")
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        raise UserError(f"{_short(text)!r} cannot be read: give {_KINDS}.") from None


def _of_sequence(given: list[Any] | tuple[Any, ...]) -> Cell:
    rows = [isinstance(part, list | tuple) for part in given]
    if not any(rows):
        return Cell.decode([_number(code, given) for code in given], "naslib")
    if len(given) == 4 and all(rows) and all(len(row) == 4 for row in given):
        return _of_matrix(given)
    if all(_pair(part) for part in given):
        sources = [source for _, source in given]
        if sources != [source for source, _ in EDGES]:
            raise UserError(
                f"A genotype of pairs names the sources 0, 0, 1, 0, 1, 2 in turn, not {sources}."
            )
        nodes = [given[:1], given[1:3], given[3:]]
    else:
        nodes = list(given)
    return _of_nodes(nodes)


def _of_nodes(nodes: list[Any]) -> Cell:
    if len(nodes) != 3 or not all(isinstance(node, list | tuple) for node in nodes):
        raise UserError(
            f"A genotype has three nodes with pairs of an operator and a source, not "
            f"{shown(nodes)}."
        )
    ops = dict.fromkeys(EDGES, NONE)
    seen = set()
    for target, node in enumerate(nodes, start=1):
        for pair in node:
            if not _pair(pair):
                raise UserError(f"{shown(pair)} is not a pair of an operator and a source.")
            name, source = pair
            if (source, target) not in ops or (source, target) in seen:
                raise UserError(
                    f"Node {target} of a genotype takes each of the nodes 0 to {target - 1} once; "
                    f"{shown(pair)} does not fit."
                )
            seen.add((source, target))
            ops[source, target] = _operator(name)
    return Cell(tuple(ops.values()))


def _of_darts(given: Any) -> Cell:
    normal, reduce = given.normal, getattr(given, "reduce", None)
    if reduce and list(reduce) != list(normal):
        raise UserError("The cells of NAS-Bench-201 are all alike: a genotype has no `reduce`.")
    if not isinstance(normal, list | tuple):
        raise UserError(f"The genotype's `normal` is no list of pairs: {shown(normal)}.")
    return _of_sequence(normal)


def _of_matrix(rows: list[Any] | tuple[Any, ...]) -> Cell:
    codes = [[_number(code, rows) for code in row] for row in rows]
    stray = [(i, j) for i in range(4) for j in range(i, 4) if codes[i][j]]
    if stray:
        raise UserError(
            f"The matrix has an operator at {list(stray[0])}: the one of edge j->i stands at "
            "[i, j], below the diagonal, and all else is 0."
        )
    below = [codes[target][source] for source, target in EDGES]
    if not all(0 <= code < len(OPS) for code in below):
        raise UserError(f"The matrix holds {shown(max(below, key=abs))}: operators are 0 to 4.")
    return Cell(tuple(below))


def _operator(name: Any) -> int:
    if name not in OPS:
        raise UserError(
            f"There is no operator {shown(name)}; there are {', '.join(OPS)}."
            + did_you_mean(name, OPS)
        )
    return OPS.index(name)


def _number(value: Any, whole: Any) -> int:
    if _whole(value) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    raise UserError(f"{shown(value)} in {shown(whole)} is no operator: whole numbers 0 to 4 are.")


def _pair(value: Any) -> bool:
    shaped = isinstance(value, list | tuple) and len(value) == 2
    return shaped and isinstance(value[0], str) and _whole(value[1])


def _whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:40]}... ({len(text):,} characters)"
