"""Tables on a terminal: 80 columns, nothing lost unsaid."""

import re

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from benchsuite.cli.commands._countdown import Countdown, shown
from benchsuite.reporting.text import fitted, in_blocks, shown_table

TEXTS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)
FRAMES = (
    st.integers(1, 9)
    .flatmap(lambda n: st.lists(st.lists(TEXTS, min_size=n, max_size=n), min_size=1, max_size=50))
    .map(lambda rows: pd.DataFrame(rows, columns=[f"c{i}" for i in range(len(rows[0]))]))
)


@settings(max_examples=30)
@given(FRAMES)
def test_no_line_is_wider_than_a_terminal_and_every_column_is_shown_or_named(frame):
    for show in (fitted, in_blocks):
        text, notes = show(frame, "x.csv")
        assert max(map(len, text.splitlines())) <= 80
        heads = {word for line in text.splitlines() for word in line.split()}
        named = " ".join(notes)
        assert all(name in heads or name in named for name in frame.columns)
        first = re.split(r" {2,}", text.splitlines()[0])
        assert [name for name in first if name] == list(frame.columns[: len(first)])
    assert ("rows: x.csv has all" in named) == (len(frame) > 40)


def test_a_narrow_table_is_whole_and_a_wide_one_repeats_what_tells_rows_apart():
    narrow = pd.DataFrame({"name": ["a", "b"], "x": [1.0, 2.5]})
    assert fitted(narrow, "f") == ("name      x\n----  -----\na     1.000\nb     2.500", [])
    wide = pd.DataFrame({"name": ["a", "a"], "part": ["p", "q"]}).assign(
        **{f"number {i}": [i * 1e6, i * 2e6] for i in range(12)}
    )
    text, notes = in_blocks(wide, "f")
    blocks = text.split("\n\n")
    assert len(blocks) > 1
    assert all(block.split("\n")[0].split()[:2] == ["name", "part"] for block in blocks)
    assert all(f"number {i}" in text for i in range(12))
    assert not notes


def test_what_is_no_zero_is_not_shown_as_one():
    rows = pd.DataFrame({"p": [1.11396e-06, 0.0, 0.0006, -1.4438e-05, 0.25]})
    assert list(shown_table(rows)["p"]) == ["1.1e-06", "0.000", "0.001", "-1.4e-05", "0.250"]


def test_cells_are_named_whole_also_where_some_are_missing():
    rows = pd.DataFrame({"index": [1234.0, float("nan")], "index of x": [0, 15_624]})
    shown = shown_table(rows.assign(**{"index, dense": ["12, 13", None]}))
    assert list(shown["index, dense"]) == ["12, 13", "-"]
    assert list(shown["index"]) == ["1234", "-"]
    assert list(shown["index of x"]) == ["0", "15624"]


def test_a_countdown_says_k_of_n_and_what_is_left(capsys):
    countdown = Countdown(["a", "study b", "c"], {"a": 10.0, "study b": 600.0}, 2)
    assert countdown.left() >= 600
    countdown.done("a", "MONAS: a")
    countdown.done("study b", "study b")
    countdown.done("c", "muNAS: c")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("[1/3] MONAS: a; about 1")
    assert lines[0].endswith("min left")
    assert lines[2] == "[3/3] muNAS: c"
    assert [shown(s) for s in (0, 40, 400)] == ["about 1 s", "about 40 s", "about 7 min"]
