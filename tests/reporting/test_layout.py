"""Tables as they are printed: intervals, precision, at most eight columns, LaTeX that is read back.

There may be no LaTeX where tests run, so a reader of its own takes the tabulars apart.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchsuite.api import Result
from benchsuite.reporting import artefacts, layout

NAN = float("nan")


def texts(rows, name):
    return next(c.texts for c in layout.printed(pd.DataFrame(rows)) if c.name == name)


def names(rows):
    return [column.name for column in layout.printed(pd.DataFrame(rows))]


def test_values_are_printed_as_the_papers_print_them():
    rows = {
        "a": [82.494, 9.5, NAN],
        "m": [0.587, 1.0, 0.1],
        "h": [5.0, 2.5, 8.0],
        "n": [1, 15284, 3],
    }
    assert texts(rows, "a") == ["82.49", "9.50", "-"]
    assert texts(rows, "m") == ["0.587", "1.000", "0.100"]
    assert texts(rows, "h") == ["5.0", "2.5", "8.0"]
    assert texts(rows, "n") == ["1", "15,284", "3"]
    assert texts({"index": [15284, 1]}, "index") == ["15284", "1"]
    assert texts({"index, dense": ["-", 15284]}, "index, dense") == ["-", "15284"]
    assert texts({"index": [NAN, 15284]}, "index") == ["-", "15284"]
    assert texts({"v": [1.6e-6, 0.5]}, "v") == ["1.6e-06", "0.500"]
    assert texts({"seeds": [20.0, NAN]}, "seeds") == ["20", "-"]
    assert texts({"b": [True, None, 3.25, "x"]}, "b") == ["yes", "-", "3.25", "x"]


def test_ends_of_an_interval_join_the_value_they_hold():
    rows = {"tau": [0.756, 0.5], "n": [9, 8], "lo": [0.753, NAN], "hi": [0.76, NAN]}
    assert names(rows) == ["tau", "n"]
    assert texts(rows, "tau") == ["0.756 [0.753, 0.760]", "0.500"]
    named = {
        "C accuracy": [93.0],
        "C lo": [92.5],
        "C hi": [93.25],
        "x": [1.0],
        "x lo": [NAN],
        "x hi": [NAN],
    }
    assert names(named) == ["C accuracy", "x"]
    assert texts(named, "C accuracy") == ["93.00 [92.50, 93.25]"]
    assert texts({"d": [0.5], "from": [0.1], "to": [0.75]}, "d") == ["0.50 [0.10, 0.75]"]


def test_ends_that_hold_no_column_stay_columns():
    assert names({"a": [1.0], "lo": [2.0], "hi": [3.0]}) == ["a", "lo", "hi"]
    assert names({"a": [1.0], "lo": [0.0]}) == ["a", "lo"]
    assert names({"lo": [0.0], "hi": [1.0]}) == ["lo", "hi"]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 30), st.integers(1, 6), st.randoms())
def test_parts_hold_every_column_once_after_the_columns_that_name_rows(columns, rows, random):
    table = pd.DataFrame(
        {f"c{at}": [random.randint(0, 3) for _ in range(rows)] for at in range(columns)}
    )
    parts = layout.parts(layout.printed(table))
    assert all(len(part) <= layout.COLUMNS for part in parts)
    seen = [column.name for column in parts[0]]
    for part in parts[1:]:
        keys = 0
        while keys < len(part) and part[keys].name == f"c{keys}":
            keys += 1
        assert 1 <= keys <= layout.KEYS
        seen += [column.name for column in part[keys:]]
    assert seen == list(table.columns)


def read_tabulars(tex):
    """Return (column types, heads, rows) of every tabular; what LaTeX would stop at fails."""
    found = []
    pattern = (
        r"\\begin\{tabular\}\{(.*)\}\n\\toprule\n(.*)\n\\midrule\n((?:.*\n)*?)\\bottomrule\n\\end"
    )
    for match in re.finditer(pattern, tex):
        kinds = re.findall(r"S\[table-format=[^\]]*\]|p\{[^}]*\}|[lrS]", match[1])
        assert "".join(kinds) == match[1]
        lines = [match[2], *match[3].splitlines()]
        split = []
        for line in lines:
            assert line.endswith(r" \\")
            assert not re.findall(r"(?<!\\)[%#$_]", line)
            assert len(re.findall(r"(?<!\\)\{", line)) == len(re.findall(r"(?<!\\)\}", line))
            split.append([cell.strip() for cell in re.split(r"(?<!\\)&", line[:-3])])
        assert all(len(cells) == len(kinds) for cells in split)
        found.append((kinds, split[0], split[1:]))
    assert len(found) == tex.count(r"\begin{tabular}")
    return found


def test_latex_is_aligned_by_points_has_eight_columns_and_is_read_back(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "method": ["A & B_1", "50 % {x}", "c\nd"],
            "printed": [82.49, 117.88, NAN],
            "ms": [-941.722, 1344.0, 3.5],
            "tau": [0.5, 0.25, -0.125],
            "lo": [0.4, 0.125, -0.5],
            "hi": [0.6, 0.5, 0.0],
            "remark": ["long " * 20, "", "-"],
            **{f"x{at}": rng.random(3) for at in range(9)},
        }
    )
    written = artefacts.write(Result(tables={"t": table}), tmp_path, "made by")
    tex = next(path for path in written if path.suffix == ".tex").read_text("utf-8")
    first, *others = read_tabulars(tex)
    kinds, heads, rows = first
    assert kinds[:5] == [
        "l",
        "S[table-format=3.2]",
        "S[table-format=-4.1]",
        "r",
        "p{0.70\\linewidth}",
    ]
    assert heads[:4] == ["{method}", "{printed}", "{ms}", "{tau}"]
    assert [row[1] for row in rows] == ["82.49", "117.88", "{--}"]
    assert [row[2] for row in rows] == ["-941.7", "1344.0", "3.5"]
    assert rows[2][3] == "-0.125 [-0.500, 0.000]"
    assert all(len(kinds) <= 8 for kinds, _, _ in (first, *others))
    assert {head for _, heads, _ in (first, *others) for head in heads} == {
        f"{{{name}}}" for name in table.columns if name not in ("lo", "hi")
    }


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1.6e-6, 0.5], "S[table-format=1.3e-2]"),
        ([1, 20], "S[table-format=2.0]"),
        ([NAN, NAN], "r"),
    ],
)
def test_a_column_of_numbers_has_room_for_the_longest(tmp_path, values, kind):
    artefacts.write(Result(tables={"t": pd.DataFrame({"v": values})}), tmp_path, "")
    assert read_tabulars((tmp_path / "t.tex").read_text("utf-8"))[0][0] == [kind]


def test_the_documents_name_the_packages_that_latex_needs():
    said = (Path(__file__).parents[2] / "docs/report.md").read_text("utf-8")
    assert f"`{artefacts.PACKAGES}`" in said
