"""Which search is ahead at a budget, and which others no interval tells from it."""

import numpy as np

from benchsuite.reports import strategies


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
    rows = strategies.best_by_budget(accuracies, "test accuracy").set_index("simulated seconds")
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
