"""Results are written to a stated precision, and their CSV files are plain."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchsuite.api import Result
from benchsuite.numerics.stated import DIGITS, stated, stated_frame, stated_json
from benchsuite.reporting import artefacts

FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@given(FLOATS)
def test_a_stated_number_is_near_stays_so_and_is_short(value):
    found = stated(value)
    assert found == stated(found)
    assert math.isclose(found, value, rel_tol=0.5 * 10 ** (1 - DIGITS), abs_tol=1e-300)
    assert abs(found) >= 10**DIGITS or float(f"{found:.{DIGITS}g}") == found


@given(st.integers(-(2**53), 2**53))
def test_whole_numbers_are_whole(number):
    assert stated(float(number)) == number or abs(number) < 10**DIGITS


def test_what_differs_by_rounding_is_equal():
    for one, two in ((0.1 + 0.2, 0.3), (1e6 - 1e-4, 1e6 + 1e-4), (94.37333333, 94.37333334)):
        assert stated(one) == stated(two)
    assert str(stated(-0.0)) == "0.0"
    assert math.isnan(stated(math.nan))
    assert stated(-math.inf) == -math.inf


ROWS = pd.DataFrame(
    {
        "name": ["a # b", "=1", '"q", x', None],
        "value": [1 / 3, 117_883_530.0, math.nan, -2e-9 / 7],
        "small": np.array([0.1, 0.2, 0.3, 0.4], dtype=np.float32),
        "n": [1, 2, 3, 4],
        "mixed": [0.1 + 0.2, "x", 3, None],
        "yes": [True, False, True, True],
    }
)


def test_a_table_is_read_by_pandas_as_it_is(tmp_path):
    result = Result(tables={"some": ROWS}, notes=("a note,\nin two lines", "# and one"))
    written = artefacts.write(result, tmp_path, "made by a test")
    assert [path.name for path in written] == ["some.csv", "some.json", "some.md", "some.tex"]
    read = pd.read_csv(tmp_path / "some.csv")
    assert list(read.columns) == list(ROWS.columns)
    plain = [name for name in ROWS.columns if name != "mixed"]
    wanted = stated_frame(ROWS)[plain].replace({"name": {"=1": "'=1"}})  # No formula any more.
    pd.testing.assert_frame_equal(read[plain], wanted, check_dtype=False)
    assert list(read["mixed"])[:3] == ["0.3", "x", "3"]
    text = (tmp_path / "some.csv").read_text()
    assert "0.333333,0.1,1,0.3,True" in text
    assert "117883530.0" in text
    about = json.loads((tmp_path / "some.json").read_text())
    assert about == {
        "notes": ["a note,\nin two lines", "# and one"],
        "provenance": "made by a test",
    }


@pytest.mark.parametrize("noise", [1e-12, -1e-12])
def test_noise_in_the_last_digits_is_not_written(tmp_path, noise):
    rows = pd.DataFrame({"a": np.linspace(0.1, 900, 50), "b": np.arange(50.0) * 1e6 / 3})
    written = []
    for place, frame in (("one", rows), ("two", rows * (1 + noise))):
        files = artefacts.write(Result(tables={"t": frame}), tmp_path / place, "")
        written.append([path.read_bytes() for path in files])
    assert written[0] == written[1]


def test_json_has_no_nan():
    found = stated_json({"a": [1 / 3, math.nan, 5], "b": {"c": (math.inf, "x")}})
    assert found == {"a": [0.333333, None, 5], "b": {"c": [None, "x"]}}
