"""Which tolerances hold for what, and mistakes in them."""

import pytest
from made_up_baselines import whole

from benchsuite.errors import UserError
from benchsuite.regression import tolerances
from benchsuite.regression.compare import compare
from benchsuite.regression.tolerances import Tolerances


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
