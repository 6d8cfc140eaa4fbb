"""Estimates of test accuracy from measured validation and structure."""

import json

import numpy as np
import pytest
from scipy import stats

from benchsuite.assembly import estimates, stacked
from benchsuite.errors import UserError
from benchsuite.space.cell import N_CELLS, connected
from benchsuite.space.equivalence import classes
from benchsuite.table.columns import DATASETS, STACKED, accuracy_column
from benchsuite.table.table import Table, Values

CLASSES = classes("functional")
WEIGHTS = np.array([0.5, 0.4, 0.1])


@pytest.fixture(scope="module")
def shipped():
    return Table.open(estimates.OUTPUT)


def validation(rng, shipped, dataset="cifar10"):
    return shipped.values(f"{dataset}.valid.200ep.mean") + rng.normal(size=N_CELLS)


def measured(values, dataset="cifar10"):
    column = accuracy_column(dataset, "valid", 200, "mean", "nats-tss-v1_0", "a test")
    return Table.empty({}).with_columns([Values(column, values, "not trained")])


def test_the_estimate_is_the_formula(shipped):
    """Beside it, written out: mean of equal cells, normal scores, weights, quantiles back."""
    rng = np.random.default_rng(0)
    given = validation(rng, shipped)
    structure = stacked._of_structure(shipped, "cifar10")
    found = stacked.estimate("cifar10", given, structure, WEIGHTS)

    def normal(values):
        return stats.norm.ppf((stats.rankdata(values) - 0.5) / len(values))

    on = connected()
    mean = np.array([given[c == CLASSES].mean() for c in range(CLASSES.max() + 1)])[CLASSES]
    stack = sum(w * normal(v[on]) for w, v in zip(WEIGHTS, (mean, *structure), strict=True))
    known = np.unique(structure[0][on])
    at = [normal(structure[0][on])[structure[0][on] == value][0] for value in known]
    np.testing.assert_allclose(found[on], np.interp(normal(stack), at, known), atol=1e-4)
    assert (found[~on] == 10).all()


def test_only_ranks_of_the_validation_count_and_equal_cells_are_equal(shipped):
    rng = np.random.default_rng(1)
    structure = stacked._of_structure(shipped, "cifar100")
    of_class = rng.permutation(CLASSES.max() + 1) / 100
    given = of_class[CLASSES]
    found = stacked.estimate("cifar100", given, structure, WEIGHTS)
    again = stacked.estimate("cifar100", np.exp(given / 20), structure, WEIGHTS)
    np.testing.assert_array_equal(found, again)
    for values in (found, stacked.estimate("cifar100", rng.random(N_CELLS), structure, WEIGHTS)):
        first = np.full(CLASSES.max() + 1, np.nan)
        first[CLASSES] = values
        np.testing.assert_array_equal(first[CLASSES], values)
    assert found[connected()].min() >= structure[0][connected()].min() - 1e-4
    assert found.max() <= structure[0].max() + 1e-4


def test_a_fit_finds_the_weights_that_made_the_truth(shipped):
    rng = np.random.default_rng(2)
    given, structure = validation(rng, shipped), stacked._of_structure(shipped, "cifar10")
    truth = np.full(N_CELLS, 10.0)
    truth[connected()] = stats.norm.cdf(stacked.scores(given, structure) @ [0.6, 0.3, 0.1]) * 100
    made = stacked.fit("cifar10", given, structure, truth)
    assert np.array(made["weights"]) / sum(made["weights"]) == pytest.approx(
        [0.6, 0.3, 0.1], abs=0.02
    )
    assert made["errors"]["tau"] > 0.98
    assert made["errors"]["tau"] > max(alone["tau"] for alone in made["alone"].values())


def test_errors_are_of_weights_that_never_saw_the_class(shipped, monkeypatch):
    """With a truth of noise, weights by the same cells would do better than chance."""
    rng = np.random.default_rng(3)
    given, structure = validation(rng, shipped), stacked._of_structure(shipped, "cifar10")
    noise = rng.normal(size=CLASSES.max() + 1)[CLASSES]
    seen = []
    solve = np.linalg.lstsq

    def spy(a, b, rcond):
        seen.append(a)
        return solve(a, b, rcond=rcond)

    monkeypatch.setattr(np.linalg, "lstsq", spy)
    stacked.fit("cifar10", given, structure, 50 + noise)
    scores = stacked.scores(given, structure)
    rows = {row.tobytes(): c for row, c in zip(scores, CLASSES[connected()], strict=True)}
    left_out = [set(rows.values()) - {rows[row.tobytes()] for row in some} for some in seen[:-1]]
    assert len(left_out) == stacked.FOLDS
    assert sum(map(len, left_out)) == len(set(rows.values()))
    assert set.union(*left_out) == set(rows.values())


def test_what_ships_is_three_numbers_per_dataset_and_their_errors():
    record = json.loads(stacked.OUTPUT.read_text())
    assert set(record) == {"method", "of", "weights", "errors", "alone", "valtest", "inputs"}
    assert stacked.OUTPUT.stat().st_size < 5000
    for dataset, floor in zip(DATASETS, (0.931, 0.929, 0.940), strict=True):
        assert len(record["weights"][dataset]) == len(record["of"]) == 3
        errors = record["errors"][dataset]
        assert errors["tau"] >= floor
        alone = record["alone"][dataset]
        assert errors["tau"] > max(one["tau"] for one in alone.values())


@pytest.mark.parametrize("missing", [0, 1, 9000])
def test_estimates_come_where_validation_is_whole(shipped, missing):
    values = validation(np.random.default_rng(4), shipped)
    values[:missing] = np.nan
    found = list(stacked.estimated_test(measured(values), shipped))
    assert [item.column.name for item in found] == (
        [] if missing else [f"cifar10.test.200ep.mean@{STACKED}"]
    )
    for item in found:
        assert item.column.estimated
        assert "ESTIMATED" in item.column.description
        assert "nats-tss-v1_0" in item.column.description


@pytest.mark.parametrize("dataset", DATASETS)
def test_valtest_is_the_mean_of_validation_and_test(shipped, dataset):
    values = validation(np.random.default_rng(5), shipped, dataset)
    found = {v.column.split: v for v in stacked.estimated_test(measured(values, dataset), shipped)}
    assert list(found) == ["test"] + ["valtest"] * (dataset != "cifar10")
    if "valtest" in found:
        mean = (values + found["test"].values) / 2
        np.testing.assert_allclose(found["valtest"].values, mean, atol=6e-5)
        tau = stacked.record()["valtest"][dataset]["tau"]
        assert tau > stacked.record()["errors"][dataset]["tau"]
        assert f"tau {tau:.3f}" in found["valtest"].column.description


@pytest.mark.nb201
@pytest.mark.parametrize("dataset", DATASETS[1:])
def test_the_public_valtest_is_that_mean(raw, assembled, dataset):
    splits = [assembled.values(f"{dataset}.{s}.200ep.mean") for s in ("valid", "test", "valtest")]
    np.testing.assert_allclose((splits[0] + splits[1]) / 2, splits[2], atol=1e-6)


def test_without_public_files_it_says_which_are_missing(monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("BENCHSUITE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert stacked.main(["--out", str(tmp_path / "stack.json")]) == 2
    assert "robot" in capsys.readouterr().err
    with pytest.raises(UserError, match="not all on this machine"):
        stacked.build()


@pytest.mark.nb201
def test_the_shipped_weights_are_made_again(raw):
    assert stacked.build() == json.loads(stacked.OUTPUT.read_text())
