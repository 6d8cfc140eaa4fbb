"""What every report promises: made of the table and its studies alone, twice the same bytes."""

import matplotlib as mpl
import pytest

from benchsuite import plugins
from benchsuite.api import Result
from benchsuite.assembly.assemble import assemble
from benchsuite.errors import UserError
from benchsuite.replays import outcome as outcomes
from benchsuite.replays import study
from benchsuite.reporting import artefacts

REPORTS = plugins.find("reports")
SEEDS = 2


@pytest.fixture(scope="module")
def table():
    return assemble()


@pytest.fixture(scope="module")
def outcome(table, tmp_path_factory):
    """The outcome of a study of few seeds by its name, run once."""
    found = {}

    def of(name):
        if name not in found:
            chosen = study.load(study.find(name))
            found[name] = outcomes.run(chosen, table, tmp_path_factory.mktemp(name), seeds=SEEDS)
        return found[name]

    return of


@pytest.mark.parametrize("name", REPORTS)
def test_two_runs_write_identical_bytes(name, table, outcome, tmp_path):
    report = plugins.load("reports", name)
    assert report.title
    assert report.answers
    given = ({of: outcome(of) for of in report.studies},) if report.studies else ()
    folders = [tmp_path / "one", tmp_path / "two"]
    before = dict(mpl.rcParams)
    written = [artefacts.write(report.make(table, *given), folder, "a line") for folder in folders]
    assert dict(mpl.rcParams) == before
    assert written[0]
    for one, two in zip(*written, strict=True):
        assert one.stat().st_size > 0
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("kinds", [("proxy",), ("device",)], ids="/".join)
def test_a_table_that_lacks_columns_is_a_result_or_a_sentence(table, kinds):
    """Of reports that need no study: a search says itself what it cannot look at."""
    kept = {"flops@1", "naswot@1", "synflow@1", "zico@1"}  # Others only take time.
    poor = table.without(
        name
        for name, column in table.columns.items()
        if column.kind in kinds or (column.kind in ("proxy", "detail") and name not in kept)
    )
    lacking = []
    for name in REPORTS:
        report = plugins.load("reports", name)
        if report.studies:
            continue
        try:
            assert isinstance(report.make(poor), Result)
        except UserError:
            lacking.append(name)
    assert lacking
