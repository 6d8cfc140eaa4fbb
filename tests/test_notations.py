"""What is written is read back by the readers of its notation, whatever it holds."""

import csv
import io
import json
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchsuite.api import Result
from benchsuite.notations import csv_text, json_text, latex_text, markdown_text, one_line
from benchsuite.reporting import artefacts

ROOT = Path(__file__).parents[1]
NAN = float("nan")
NASTY = [
    "a|b",
    "a\\|b",
    "a\nb",
    "a\r\nb",
    "a\rb",
    "=1+1",
    "-x",
    "+x",
    "@x",
    "\t=1",
    '"',
    ",",
    "<b>",
]
NASTY += [
    "a\u2028b",
    "\x00",
    "\\",
    "a\n\\input{x}",
    "% _ & # $ ^ ~ { }",
    "",
    "-",
    "-1.5",
    "é",
    " =1",
]
texts = st.one_of(
    st.sampled_from(NASTY), st.text(max_size=8), st.text("|\\=\n\r<'\"-+@,", max_size=6)
)


def no_constant(name):
    raise AssertionError(f"{name} is no JSON")


def test_json_has_no_nan():
    value = {
        "a": [NAN, np.inf, -np.inf, 1.5, (1, NAN)],
        "b": np.float32(0.5),
        "c": np.float64("nan"),
        "d": {"e": np.int64(3), 1: np.array([1.0, NAN])},
        "f": np.bool_(True),
        "g": None,
    }
    assert json.loads(json_text(value), parse_constant=no_constant) == {
        "a": [None, None, None, 1.5, [1, None]],
        "b": 0.5,
        "c": None,
        "d": {"e": 3, "1": [1.0, None]},
        "f": True,
        "g": None,
    }
    assert json_text({"b": 1, "a": "é"}, sort_keys=True) == json.dumps({"a": "é", "b": 1})
    with pytest.raises(TypeError):
        json_text({"a": object()})


@given(st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
))  # fmt: skip
def test_json_gives_back_all_but_what_is_not_finite(value):
    def nulled(item):
        if isinstance(item, list):
            return [nulled(one) for one in item]
        if isinstance(item, dict):
            return {key: nulled(one) for key, one in item.items()}
        return None if isinstance(item, float) and not math.isfinite(item) else item

    assert json.loads(json_text(value), parse_constant=no_constant) == nulled(value)


def test_nothing_else_writes_json():
    """One writer, which cannot write NaN: `json.dump` stands nowhere else."""
    for folder in ("benchsuite", "proxies", "devices", "reports"):
        for path in (ROOT / folder).rglob("*.py"):
            if path.name != "notations.py":
                lines = path.read_text("utf-8").splitlines()
                found = [line for line in lines if re.search(r"json\.dumps?\b(?!_)", line)]
                assert not [line for line in found if "policies[" not in line], path


def cells(rows):
    return pd.DataFrame({"name": rows, "a|b": rows}, dtype=object)


@settings(max_examples=40, deadline=None)
@given(st.lists(texts, min_size=1, max_size=5))
@example(NASTY)
def test_csv_is_read_back_and_nothing_is_a_formula(rows):
    written = csv_text(cells(rows))
    read = list(csv.reader(io.StringIO(written, newline="")))[1:]
    by_pandas = pd.read_csv(io.StringIO(written), dtype=str, keep_default_na=False)
    assert [row[0] for row in read] == list(by_pandas["name"])
    for before, (after, _) in zip(rows, read, strict=True):
        plain = after.removeprefix("'")
        assert re.sub(r"\s", " ", plain) == re.sub(
            r"[\x00-\x08\x0b\x0c\x0e-\x1f]|\s", " ", before.replace("\r\n", "\n")
        ).removeprefix("'")
        start = after.lstrip()
        if len(start) > 1 and start[0] in "=+-@":
            float(start)


def split_as_gfm(line):
    """The cells of a row as GitHub's parser takes them: a backslash escapes what follows it.

    White space of any kind at the ends of a cell shows nothing, and is not kept.
    """
    found = re.findall(r"\|((?:\\[|\\<]|[^|\n])*)(?=\|)", line)
    return [re.sub(r"\\([|\\<])", r"\1", cell).strip() for cell in found]


@settings(max_examples=40, deadline=None)
@given(st.lists(texts, min_size=1, max_size=5))
@example(NASTY)
@example(["\xa0", "\u2003a\xa0"])
def test_markdown_keeps_its_cells(rows):
    head, rule, *lines = markdown_text(cells(rows), [False, True]).split("\n")
    assert split_as_gfm(head) == ["name", "a|b"]
    assert re.fullmatch(r"\|:-+\|-+:\|", rule)
    assert len(lines) == len(rows)
    for line, text in zip(lines, rows, strict=True):
        assert split_as_gfm(line) == [one_line(text).strip()] * 2
        assert not re.search(r"(?<!\\)<[a-zA-Z]", line)


@settings(max_examples=40, deadline=None)
@given(st.lists(texts, min_size=1, max_size=5))
@example(NASTY)
def test_latex_has_one_line_per_row_and_no_command(rows):
    lines = latex_text(cells(rows), [False, False], [False, True]).split("\n")
    inside = lines[lines.index("\\midrule") + 1 : lines.index("\\bottomrule")]
    assert len(inside) == len(rows)
    for line in [lines[lines.index("\\toprule") + 1], *inside]:
        assert len(re.findall(r"(?<!\\)&", line)) == 1
        assert "\\input" not in line
        assert line.endswith("\\\\")


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x85", "\u2028"])
def test_a_note_of_several_lines_stays_a_note(tmp_path, end):
    note = f"first{end}\\input{{x}}{end}| a | b |"
    table = pd.DataFrame({"a|b": [1.0, NAN], "t": ["=1+1", f"x{end}y"]})
    artefacts.write(Result(tables={"t": table}, notes=[note]), tmp_path, f"made{end}by")
    tex = (tmp_path / "t.tex").read_text("utf-8")
    before = tex[: tex.index("\\begin")]
    assert [line[:1] for line in before.splitlines()] == ["%", "%", "%"]  # The last: packages.
    markdown = (tmp_path / "t.md").read_text("utf-8")
    assert "first \\input{x} | a | b |" in markdown.splitlines()
    assert "made by" in markdown.splitlines()
    assert json.loads((tmp_path / "t.json").read_text("utf-8"))["notes"] == [note]
    read = pd.read_csv(tmp_path / "t.csv")
    assert read["t"][0] == "'=1+1"
    assert len(read) == 2
