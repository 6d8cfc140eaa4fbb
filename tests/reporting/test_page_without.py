"""A page of reports that lack something, fail, or have no ranking."""

import pytest

from benchsuite.reporting.pipeline import TABLE, Making, make_report


@pytest.fixture(scope="module")
def table(shipped_table):
    return shipped_table


def plugin(folder, make, more=""):
    path = folder / "reports" / "t.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        '"""T."""\nfrom benchsuite.api import Report\nfrom benchsuite.errors import UserError\n'
        f"def make(table):\n    {make}\n"
        f'REPORT = Report(title="T", answers="A", make=make{more})\n'
    )


def making(table, folder):
    table.write(folder / TABLE)
    return Making(folder, (folder,))


def test_a_report_that_lacks_something_is_listed(table, tmp_path):
    plugin(tmp_path, 'raise UserError("The table has no column.")')
    entry = make_report(making(table, tmp_path), "t", {})
    assert (entry.result, entry.reason) == (None, "The table has no column.")


def test_a_report_without_its_study_says_why(table, tmp_path):
    plugin(tmp_path, "raise AssertionError", ', studies=("s",)')
    entry = make_report(making(table, tmp_path), "t", {"s": "why"})
    assert entry.reason == "study s: why"


def test_a_broken_report_is_listed_as_failed(table, tmp_path):
    plugin(tmp_path, "return 1 / 0")
    entry = make_report(making(table, tmp_path), "t", {})
    assert entry.failed
    assert "t.py, line 5" in entry.reason
