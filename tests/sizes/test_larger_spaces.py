"""The page on larger spaces holds what the shipped scores give."""

import re
from pathlib import Path

import pytest

from benchsuite.sizes.findings import _of_cells

PAGE = (Path(__file__).parents[2] / "docs/larger_spaces.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([\w.]+) (?:\| -?[\d.]+ ){3}\| (-?[\d.]+|-) \|", PAGE, re.M)


def test_its_column_of_cells_is_that_of_the_shipped_scores():
    assert len(ROWS) == 20
    found = _of_cells(tuple(name for name, _ in ROWS))
    for name, printed in ROWS:
        assert (name in found) == (printed != "-")
        if name in found:
            assert float(printed) == pytest.approx(found[name], abs=0.0005001), name
