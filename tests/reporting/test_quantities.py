"""Amounts as people write them, read and shown."""

import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchsuite.errors import UserError
from benchsuite.numerics.stated import stated
from benchsuite.reporting import quantities
from benchsuite.reporting.layout import number
from benchsuite.reporting.quantities import (
    ENERGY,
    SIZE,
    TIME,
    count,
    interval,
    joules,
    parse,
    percent,
    seconds,
    significant,
    size,
    with_unit,
)


@pytest.mark.parametrize(
    ("text", "units", "value"),
    [
        ("200ms", TIME, 0.2), ("0.2s", TIME, 0.2), ("1.5 s", TIME, 1.5), ("20us", TIME, 2e-5),
        ("20µs", TIME, 2e-5), ("20\u03bcs", TIME, 2e-5), ("1e3ms", TIME, 1.0),
        ("48k", SIZE, 49_152), ("48K", SIZE, 49_152), ("48KiB", SIZE, 49_152),
        ("64 KB", SIZE, 65_536), ("1M", SIZE, 2**20), ("0.5MiB", SIZE, 2**19),
        ("49,152 B", SIZE, 49_152), ("1,234,567.5 B", SIZE, 1_234_567.5), ("1_000ms", TIME, 1.0),
        ("5mJ", ENERGY, 5e-3), ("1J", ENERGY, 1.0),
    ],
)  # fmt: skip
def test_units_people_write(text, units, value):
    assert parse(text, units, "") == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "units", "said"),
    [
        ("200", TIME, "'200' has no unit: there are s, ms, us, as in 200ms"),
        ("200 Ms", TIME, "unknown unit 'Ms'"),
        ("48ms", SIZE, "unknown unit 'ms'"),
        ("5MJ", ENERGY, "unknown unit 'MJ'"),
        ("fast", TIME, "is no amount"),
        ("", TIME, "is no amount"),
        ("nan ms", TIME, "is no amount"),
        ("-1ms", TIME, "above 0 and finite"),
        ("0ms", TIME, "above 0 and finite"),
        ("1e999s", TIME, "above 0 and finite"),
        ("١ms", TIME, "is no amount"),
        ("1..2ms", TIME, "is no amount"),
        ("0,2s", TIME, "'0,2s': a comma parts thousands; write 0.2s"),
        ("1,5 s", TIME, "write 1.5 s"),
        ("0,200s", TIME, "write 0.200s"),
        ("1234,5ms", TIME, "write 1234.5ms"),
        ("1,2,3 ms", TIME, "a comma parts thousands, as in 1,234"),
        ("1,23.4ms", TIME, "a comma parts thousands, as in 1,234"),
    ],
)
def test_what_is_no_amount_is_a_sentence(text, units, said):
    with pytest.raises(UserError, match=said):
        parse(text, units, "200ms")


@given(st.floats(1e-5, 1e5))
def test_what_is_shown_is_read_back(value):
    for show, units in ((seconds, TIME), (joules, ENERGY)):
        assert parse(show(value), units, "") == pytest.approx(value, rel=6e-3)
    whole = max(value * 1e3, 1)
    assert parse(size(whole), SIZE, "") == pytest.approx(whole, rel=6e-3, abs=0.5)


def test_numbers_as_people_write_them():
    assert [count(n) for n in (812, 73_066, 117_883_530, 2.5e9)] == [
        "812", "73.1 k", "117.9 M", "2.5 G"
    ]  # fmt: skip
    assert [size(n) for n in (512, 12_595, 2**20)] == ["512 B", "12.3 KiB", "1 MiB"]
    assert [seconds(s) for s in (0.2, 0.0123, 1.2345, 1e-5)] == [
        "200 ms", "12.3 ms", "1.23 s", "10 us"
    ]  # fmt: skip
    assert interval(0.7561, 0.7529, 0.76) == "0.756 [0.753, 0.760]"
    assert interval(0.7561, float("nan"), float("nan")) == "0.756 (no interval)"
    assert interval(float("nan"), 0, 0) == "-"


@settings(max_examples=200)
@given(st.floats(0, 100))
@example(87.07499999999999)
@example(0.285)
def test_a_number_is_rounded_as_in_tables_wherever_it_stands(value):
    assert with_unit(value, "%") == percent(value) == f"{stated(value):.2f}"
    if not 0 < abs(stated(value)) < 0.005:  # tables have two digits of these
        assert percent(value) == number(value, 2)
    low, high = value - 1, value + 1
    ends = (f"{stated(one):.2f}" for one in (value, low, high))
    assert interval(value, low, high, 2) == "{} [{}, {}]".format(*ends)
    assert significant(value, 4, 2) == significant(stated(value), 4, 2)


def test_no_command_rounds_an_accuracy_in_another_way():
    """A format of two decimals on an accuracy is `percent`'s alone."""
    folder = Path(quantities.__file__).parents[1]
    for path in [
        *folder.glob("face/*.py"),
        *folder.glob("cli/**/*.py"),
        *folder.glob("replays/*.py"),
    ]:
        for line in path.read_text(encoding="utf-8").split("\n"):
            rounded = re.search(r"\{[^{}]*(accuracy|int8|best|value|mean)[^{}]*:[+]?\.2f\}", line)
            assert not rounded or "stated(" in line, (path.name, line)
