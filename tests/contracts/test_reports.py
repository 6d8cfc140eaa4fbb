"""What every report promises: it is made of the table alone, twice the same bytes."""

import matplotlib as mpl
import pytest

from benchsuite import artefacts, plugins
from benchsuite.assemble import assemble

REPORTS = plugins.find("reports")


@pytest.fixture(scope="module")
def table():
    return assemble()


@pytest.mark.parametrize("name", REPORTS)
def test_two_runs_write_identical_bytes(name, table, tmp_path):
    report = plugins.load("reports", name)
    assert report.title
    assert report.answers
    folders = [tmp_path / "one", tmp_path / "two"]
    before = dict(mpl.rcParams)
    written = [artefacts.write(report.make(table), folder, "a line") for folder in folders]
    assert dict(mpl.rcParams) == before
    assert written[0]
    for one, two in zip(*written, strict=True):
        assert one.stat().st_size > 0
        assert one.read_bytes() == two.read_bytes()
