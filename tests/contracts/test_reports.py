"""What every report promises: made of the table alone, twice the same bytes, figures legible."""

import dataclasses
import re

import matplotlib as mpl
import pytest
from attacked_tables import attacked
from legible import faults
from short_studies import shortened

from benchsuite import plugins
from benchsuite.api import Result
from benchsuite.errors import UserError
from benchsuite.replays import outcome as outcomes
from benchsuite.replays import study
from benchsuite.reporting import artefacts
from benchsuite.reports import mcunet_spaces, proxy_combinations, proxy_truths, udc_variance
from benchsuite.reports._common import effects
from benchsuite.reports._common.tables import headline_proxies

REPORTS = plugins.find("reports")
SEEDS = 2
# Those that studies and reports ask for by name, and some of each kind; others only take time.
FAMILIES = {
    *("flops", "params", "depth", "naswot", "snip", "synflow", "zico", "meco", "te_nas"),
    *("linear_regions", "ntk_cond", "ntk_frozen"),
}


@pytest.fixture(scope="module")
def table(assembled):
    """The table with few proxies, and with attacks, made up where there are none."""
    few = assembled.without(
        name
        for name, column in assembled.columns.items()
        if column.kind == "proxy" and re.split("[.@]", name)[0] not in FAMILIES
    )
    return attacked(few)


@pytest.fixture(autouse=True)
def _few_samples(monkeypatch):
    monkeypatch.setattr(mcunet_spaces, "SAMPLES", 40)
    monkeypatch.setattr(proxy_truths, "headline_proxies", lambda of: headline_proxies(of)[:4])
    monkeypatch.setattr(proxy_combinations, "TRAINED", (60,))
    monkeypatch.setattr(effects, "RESAMPLES", 60)
    monkeypatch.setattr(udc_variance, "SEEDS", 4)
    monkeypatch.setattr(proxy_combinations, "AMONG", 4)


@pytest.fixture(scope="module")
def outcome(table, tmp_path_factory):
    """The outcome of a study, shortened and of few seeds, by its name, run once."""
    found = {}

    def of(name):
        if name not in found:
            chosen = study.load(study.find(name))
            short = dataclasses.replace(chosen, searches=tuple(map(shortened, chosen.searches)))
            found[name] = outcomes.run(short, table, tmp_path_factory.mktemp(name), seeds=SEEDS)
        return found[name]

    return of


@pytest.mark.parametrize("name", REPORTS)
def test_two_runs_write_identical_bytes_and_legible_figures(name, table, outcome, tmp_path):
    """Tables in all formats, figures in one: by turns, for drawing takes longest."""
    report = plugins.load("reports", name)
    assert report.title
    assert report.answers
    given = ({of: outcome(of) for of in report.studies},) if report.studies else ()
    folders = [tmp_path / "one", tmp_path / "two"]
    before = dict(mpl.rcParams)
    formats = [artefacts.FORMATS[list(REPORTS).index(name) % len(artefacts.FORMATS)]]
    results = [report.make(table, *given) for _ in folders]
    written = [
        artefacts.write(result, folder, "a line", formats)
        for result, folder in zip(results, folders, strict=True)
    ]
    assert dict(mpl.rcParams) == before
    assert written[0]
    for one, two in zip(*written, strict=True):
        assert one.stat().st_size > 0
        assert one.read_bytes() == two.read_bytes()
    unread = {stem: faults(figure) for stem, figure in results[0].figures.items()}
    assert {stem: of for stem, of in unread.items() if of} == {}


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
