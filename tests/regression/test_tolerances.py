"""Which tolerances hold for what, and mistakes in them."""

import pandas as pd
import pytest
from search_tables import table as made_up_table

from benchsuite.errors import UserError
from benchsuite.regression import measure, tolerances
from benchsuite.regression.baseline import FRAMES, Baseline, Settings
from benchsuite.regression.compare import compare
from benchsuite.regression.replays import replays
from benchsuite.regression.tolerances import Tolerances
from benchsuite.table.table import Values

STUDY = """schema = 1
name = "quick"
[[searches]]
strategy = "{strategy}"
label = "it"
seeds = 30
budget = {{ queries = {queries} }}
"""


def replayed(strategy, queries=60):
    """A baseline of one search on the made-up table."""
    texts = {"quick": STUDY.format(strategy=strategy, queries=queries)}
    rows, speeds = replays(texts, made_up_table(), (), {}, lambda text: None)
    frames = {"replays": rows, "speeds": pd.DataFrame(speeds)}
    settings = Settings(table=False)
    said = {"quick": STUDY.format(strategy="rea", queries=60)}  # Whatever was searched with.
    return Baseline(settings, measure.machine(), frames=frames, studies=said)


@pytest.fixture(scope="module")
def searched():
    return {name: replayed(*name) for name in (("rea", 60), ("rea", 12), ("random", 60))}


def whole(**changed):
    """A baseline of the made-up table with some columns' values changed."""
    table = made_up_table()
    kept = measure._kept(table)
    values = [
        Values(kept.columns[name], change(kept.values(name)), "gone")
        for name, change in changed.items()
    ]
    new = kept.without(changed).with_columns(values)
    exact = tuple(n for n, c in kept.columns.items() if c.kind in ("cost", "device", "accuracy"))
    row = ("flops@1", "d", "a", 9, 0, 0.5, 0.4, 0.6)
    tau = pd.DataFrame([row], columns=list(FRAMES["tau"]))
    return Baseline(Settings(), measure.machine(), new, exact, {"tau": tau})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("schema = 1\n[scores", "are not TOML"),
        ("alpha = 0.1", "schema None"),
        ("schema = 1\nalpha = 2", "lies between 0 and 1"),
        ("schema = 1\n[score.x]\n", "Did you mean scores"),
        ("schema = 1\nscores = 3", "give"),
        ("schema = 1\n[scores.x]\nrelativ = 1", "Did you mean relative"),
        ("schema = 1\n[scores.x]\ncells = 1.5", "lies in 0 ... 1"),
        ("schema = 1\n[speeds.x]\nslower = 'very'", "a number"),
    ],
)
def test_mistakes_in_tolerances_are_sentences(tmp_path, text, said):
    path = tmp_path / "allowed.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=said):
        tolerances.load(path)


def test_patterns_that_match_nothing_are_found(searched):
    def given(**patterns):
        return Tolerances(rules={kind: {pattern: {}} for kind, pattern in patterns.items()})

    checks = compare(searched["rea", 60], searched["rea", 60], Tolerances())
    assert given(replays="quick/*", speeds="*").idle(checks) == []
    idle = given(replays="quik/*", speeds="search", scores="mine*").idle(checks)
    assert idle == ['replays "quik/*"', 'speeds "search"', 'scores "mine*"']
    assert given(columns="cifar10.flops").idle(compare(whole(), whole(), Tolerances())) == []


def test_the_last_pattern_that_matches_decides(tmp_path):
    path = tmp_path / "allowed.toml"
    path.write_text('schema = 1\n[scores."*"]\ntau = 0.1\ncells = 0.5\n[scores."a.*"]\ntau = 0.2\n')
    rule = tolerances.load(path).of("scores", "a.b")
    assert (rule.tau, rule.cells, rule.relative) == (0.2, 0.5, 1e-3)
    assert tolerances.load(path).of("scores", "b").tau == 0.1
