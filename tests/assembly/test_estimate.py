"""The shipped estimates, the error they state, and that no value was fitted to its own class."""

import json
import re

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy import stats

from benchsuite.assembly import estimates as estimate
from benchsuite.assembly.estimates import OUTPUT, TARGETS, Scores, errors, predict_classes
from benchsuite.errors import UserError
from benchsuite.sources import _public_files
from benchsuite.space.cell import N_CELLS, Cell
from benchsuite.space.equivalence import classes
from benchsuite.space.features import class_features
from benchsuite.space.network import OFFICIAL
from benchsuite.table.columns import ESTIMATE, accuracy_column
from benchsuite.table.table import Table

NAMES = [target.column.name for target in TARGETS]


@pytest.fixture(scope="module")
def shipped():
    return Table.open(OUTPUT)


@pytest.fixture(scope="module")
def truth(raw):
    return dict(zip(NAMES, estimate.read_truth()[0].T, strict=True))


def test_it_holds_the_columns_that_were_promised(shipped):
    promised = {(d, s, 200) for d in OFFICIAL for s in ("valid", "test")}
    promised |= {(d, "valtest", 200) for d in ("cifar100", "imagenet16-120")}
    promised |= {(d, s, 12) for d in OFFICIAL for s in ("valid", "test")}
    names = {accuracy_column(*key, "mean", ESTIMATE, "").name for key in promised}
    assert set(shipped.columns) == set(NAMES) == names
    assert shipped.data.column_names == ["index", "arch", *NAMES]


def test_nothing_but_estimates_is_in_the_file(shipped):
    assert set(pq.read_schema(OUTPUT).metadata) == {b"benchsuite"}
    assert OUTPUT.stat().st_size < 1_000_000
    for column in shipped.columns.values():
        assert column.estimated
        assert column.release == ESTIMATE
        assert "ESTIMATED" in column.description
    assert shipped.estimated


@pytest.mark.parametrize("target", TARGETS, ids=NAMES)
def test_values_are_finite_in_range_and_rounded(shipped, target):
    values = shipped.values(target.column.name)
    chance = 100 / OFFICIAL[target.dataset].classes
    assert np.isfinite(values).all()
    assert values.min() > 0.9 * chance
    assert values.max() < 100
    np.testing.assert_allclose(values, np.round(values, 2), rtol=1e-6)
    assert len(np.unique(values)) > 1000


@pytest.mark.parametrize("name", NAMES)
def test_equal_functions_have_equal_estimates(shipped, name):
    of_class = classes("functional")
    first = np.unique(of_class, return_index=True)[1]
    values = shipped.values(name)
    assert np.array_equal(values, values[first][of_class])


@pytest.mark.parametrize("target", TARGETS, ids=NAMES)
def test_constant_networks_are_at_chance(shipped, target):
    values = shipped.values(target.column.name)[classes("connected") == 0]
    assert values == pytest.approx(100 / OFFICIAL[target.dataset].classes, abs=0.005)


def test_the_footer_says_what_made_it(shipped):
    footer = json.loads(pq.read_schema(OUTPUT).metadata[b"benchsuite"])
    provenance = footer["provenance"]
    assert footer["schema"] == 1
    assert {column["name"] for column in footer["columns"]} == set(NAMES)
    assert provenance["errors"].keys() == set(NAMES)
    keys = {"tau", "tau_top1000", "mae", "mae_top1000", "pearson", "n"}
    for measured in provenance["errors"].values():
        assert measured.keys() == keys
        assert measured["n"] == N_CELLS
    assert len(provenance["inputs"]) == 9
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in provenance["inputs"].values())
    assert {"numpy", "scipy", "benchsuite"} <= provenance["made_by"]["versions"].keys()
    assert provenance["method"] == estimate.METHOD


def test_the_readme_states_the_errors_of_the_footer(shipped):
    readme = (OUTPUT.parent / "README.md").read_text(encoding="utf-8")
    assert estimate.error_table(shipped.provenance["errors"]) in readme


def test_estimates_rank_as_well_as_promised(shipped):
    """The aim of .92 after 200 epochs is met but for CIFAR-100's test accuracy (.917)."""
    for name, measured in shipped.provenance["errors"].items():
        assert measured["tau"] >= (0.915 if ".200ep." in name else 0.89), name


@pytest.mark.nb201
@pytest.mark.parametrize("name", NAMES)
def test_the_stated_error_is_the_error(shipped, truth, name):
    stated = shipped.provenance["errors"][name]
    values, real = shipped.values(name), truth[name]
    best = np.argsort(-real, kind="stable")[:1000]
    assert stated["tau"] == pytest.approx(stats.kendalltau(values, real)[0], abs=1e-4)
    top = stats.kendalltau(values[best], real[best])[0]
    assert stated["tau_top1000"] == pytest.approx(top, abs=1e-4)
    assert stated["mae"] == pytest.approx(np.abs(values - real).mean(), abs=1e-4)
    top = np.abs(values - real)[best].mean()
    assert stated["mae_top1000"] == pytest.approx(top, abs=1e-4)
    assert stated["pearson"] == pytest.approx(np.corrcoef(values, real)[0, 1], abs=1e-4)


@pytest.mark.nb201
@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_values_are_not_the_real_ones(shipped, truth, name):
    """They are as far from the truth of single-cell classes as a prediction is."""
    of_class = classes("functional")
    single = (np.bincount(of_class) == 1)[of_class]
    away = np.abs(shipped.values(name) - truth[name])[single]
    assert np.median(away) > 0.05
    assert (away < 0.005).mean() < 0.1


@pytest.mark.nb201
def test_the_inputs_are_the_pinned_files(shipped, raw):
    assert shipped.provenance["inputs"] == estimate.read_truth()[1]


@pytest.fixture(scope="module")
def small():
    """Return 90 classes whose accuracies in two columns are a noisy function of their structure."""
    rng = np.random.default_rng(5)
    features = class_features()
    chosen = rng.choice(np.arange(1, 5000), 90, replace=False)
    groups = [features[name][chosen] for name in ("n_nor_conv_3x3", "max_convs", "n_paths")]
    signal = np.hstack(groups) @ [3.0, 2.0, 1.0]
    means = 60 + np.stack([2 * signal, signal], axis=1) + 0.2 * rng.normal(size=(90, 2))
    members = rng.integers(1, 5, 90).astype(float)
    return means, members, groups, predict_classes(means, members, groups, sample=40)


def test_predictions_follow_the_truth(small):
    means, _, _, predicted = small
    for column in range(2):
        assert stats.kendalltau(means[:, column], predicted[:, column])[0] > 0.6


@pytest.mark.parametrize("row", [0, 13, 47, 89])
@pytest.mark.parametrize("value", [[0.9, 1.1], [95.0, 95.0]])
def test_a_prediction_does_not_see_its_own_class(small, row, value):
    means, members, groups, before = small
    changed = means.copy()
    changed[row] = value
    after = predict_classes(changed, members, groups, sample=40)
    np.testing.assert_allclose(after[row], before[row], atol=1e-6)
    others = np.arange(len(means)) != row
    assert np.abs(after - before)[others].max() > 0.01


def test_predictions_are_deterministic_and_say_how_far_they_are(small):
    means, members, groups, before = small
    said = []
    again = predict_classes(means, members, groups, sample=40, progress=said.append)
    assert np.array_equal(again, before)
    assert sorted(said) == [
        f"half {half} of 2: component {number} of 2" for half in (1, 2) for number in (1, 2)
    ]


def test_scores_map_back_and_forth():
    values = np.array([10.0, 10.0, 40.0, 90.0, 93.5])
    scores = Scores.of(values)
    there = scores.forward(values)
    assert there[0] == there[1]
    assert (np.diff(there[1:]) > 0).all()
    np.testing.assert_allclose(scores.backward(there), values)
    assert scores.backward(np.array([-9.0, 9.0])).tolist() == [10.0, 93.5]


def test_errors_by_hand():
    truth = np.arange(2000.0)
    estimates = truth + 1
    estimates[1999] = 0
    found = errors(estimates, truth)
    assert found["mae"] == pytest.approx((1999 + 1999) / 2000)
    assert found["mae_top1000"] == pytest.approx((999 + 1999) / 1000)
    assert found["tau"] == pytest.approx(1 - 2 * 1999 / (2000 * 1999 / 2), abs=1e-4)
    assert found["n"] == 2000
    assert errors(truth, truth)["tau_top1000"] == 1


def test_without_the_files_it_says_what_to_do(tmp_path, monkeypatch, capsys):
    places = _public_files.Places(tmp_path, tmp_path)
    monkeypatch.setattr(
        estimate, "folder_of", lambda source: _public_files.folder_of(source, places)
    )
    with pytest.raises(UserError, match="not all on this machine"):
        estimate.build()
    assert estimate.main(["--out", str(tmp_path / "never.parquet")]) == 2
    assert "BENCHSUITE_DATA" in capsys.readouterr().err
    assert not (tmp_path / "never.parquet").exists()


def test_best_public_cell_is_among_the_best_estimates(shipped):
    """Index 6111 is the best CIFAR-10 cell of the paper's release."""
    values = shipped.values(f"cifar10.test.200ep.mean@{ESTIMATE}")
    assert (values > values[Cell.from_index(6111).index]).mean() < 0.02
