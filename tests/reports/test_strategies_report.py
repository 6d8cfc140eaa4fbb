"""Which search is ahead at a budget, and which others no interval tells from it."""

import numpy as np
import pytest

from benchsuite.replays import study
from benchsuite.reports import strategies
from benchsuite.reports._common import picked
from benchsuite.reports._common.tables import accuracy, upward


def test_searches_within_noise_of_the_best_are_named():
    rng = np.random.default_rng(3)

    def seeds(*means):
        return np.column_stack([mean + 0.5 * rng.standard_normal(100) for mean in means])

    late = seeds(93.0, 93.0, 93.0, 93.9)
    late[0, :2] = np.nan
    accuracies = {
        "rea": seeds(92.0, 93.6, 93.5, 94.0),
        "local_search": seeds(90.0, 90.0, 93.5, 93.0),
        "late": late,
    }
    rows = strategies.best_by_budget(accuracies, "test accuracy", {}).set_index("simulated seconds")
    assert rows.loc[1000.0, ["search", "not told from"]].tolist() == ["rea", "no other"]
    assert rows.loc[3000.0, ["search", "not told from"]].tolist() == ["rea", "no other"]
    near = {rows.loc[6000.0, "search"], rows.loc[6000.0, "not told from"].strip("`")}
    assert near == {"rea", "local_search"}
    assert rows.loc[12000.0, "not told from"] == "`late`"
    for at, budget in enumerate(strategies.BUDGETS):
        row = rows.loc[budget]
        values = accuracies[row["search"]][:, at]
        assert row["test accuracy"] == values.mean()
        assert row["lo"] < values.mean() < row["hi"]
        assert row["n"] == 100
    assert rows["others"].tolist() == [0, 0, 1, 1]


def test_another_draw_of_scores_may_make_a_proxy_as_good():
    """Seeds read one table of scores, so their interval holds nothing of its draw."""
    rng = np.random.default_rng(3)
    better, worse = (mean + 0.1 * rng.standard_normal((100, 4)) for mean in (93.5, 93.3))
    accuracies = {"zico": better, "te_nas": worse}

    def near(draws):
        return set(strategies.best_by_budget(accuracies, "test", draws)["not told from"])

    assert near({}) == {"no other"}
    assert near({"zico": 0.05}) == {"no other"}
    assert near({"te_nas": 0.4}) == {"`te_nas`"}


def test_what_a_proxy_picks_is_expected_by_every_draw_of_its_scores(table):
    searches = study.load(study.find("baselines")).searches
    draws = picked.of_searches(table, searches, accuracy(table, "cifar10"))
    of = draws[draws["search"] == "top of 1000 by te_nas"].set_index("scores")["pick"]
    assert list(of.index) == [picked.WHOLE, "repeat 0", "repeat 1", "repeat 2"]
    truth, score = accuracy(table, "cifar10"), upward(table, table.resolve("te_nas.r1"))
    score = np.where(np.isfinite(score), score, -np.inf)
    rng = np.random.default_rng(0)
    found = [truth[(c := rng.permutation(15_625)[:1000])[np.argmax(score[c])]] for _ in range(3000)]
    assert of["repeat 1"] == pytest.approx(np.mean(found), abs=5 * np.std(found) / 3000**0.5)
    assert "top of 1000 by flops" not in picked.between_draws(draws)
    assert picked.between_draws(draws)["top of 1000 by te_nas"] > 0
