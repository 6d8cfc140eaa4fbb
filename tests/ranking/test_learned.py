"""Forests that rank cells they have not seen: by hand, on made-up truths, and what they refuse."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from benchsuite.errors import UserError
from benchsuite.ranking import learned
from benchsuite.ranking.combinations import folds
from benchsuite.ranking.learned import forest_ranking
from benchsuite.space import equivalence
from benchsuite.space.cell import N_CELLS, all_ops
from benchsuite.space.features import class_features
from benchsuite.table.columns import Column
from benchsuite.table.table import Table, Values

CONVS = (all_ops() >= 2).sum(axis=1).astype(float)
NOISE = np.random.default_rng(0).normal(size=N_CELLS)


def column(name, kind):
    return Column(name, "made up", "", "max", "a test", "1", kind, dataset="cifar10")


@pytest.fixture(scope="module")
def table():
    classes = equivalence.classes("functional")
    truth = CONVS[equivalence.representatives("functional")[classes]]
    return Table.empty({}).with_columns(
        [
            Values(column("cifar10.test.200ep.mean", "accuracy"), 80 + truth),
            Values(column("guess@1", "proxy"), truth + NOISE),
            Values(column("noise@1", "proxy"), NOISE),
        ]
    )


def ranked(table, *proxies, cell_features=False, trained=60, **more):
    return forest_ranking(
        table, proxies, cell_features=cell_features, trained=trained, truth="test", **more
    )


def test_what_is_in_the_features_is_learned_and_noise_is_not(table):
    pytest.importorskip("sklearn")
    assert ranked(table, cell_features=True)["tau"] > 0.6
    assert 0.2 < ranked(table, "guess@1")["tau"] < 0.8
    assert abs(ranked(table, "noise@1")["tau"]) < 0.1
    assert ranked(table, cell_features=True) == ranked(table, cell_features=True)


def test_the_tau_of_a_fold_is_that_of_a_forest_by_hand(table, monkeypatch):
    ensemble = pytest.importorskip("sklearn.ensemble")
    monkeypatch.setattr(learned, "LEAVES", (3,))
    classes = equivalence.classes("functional")
    fold = folds(classes, 0)
    groups = class_features()
    inputs = np.concatenate([v for n, v in groups.items() if n not in ("paths", "bags")], axis=1)
    inputs = inputs[classes].astype(np.float32)
    truth = table.values("cifar10.test.200ep.mean")
    taus = []
    for out in range(5):
        seen = np.random.default_rng((0, out)).permutation(np.flatnonzero(fold != out))[:60]
        assert not set(classes[seen]) & set(classes[fold == out])
        forest = ensemble.RandomForestRegressor(
            learned.TREES, min_samples_leaf=3, max_features=0.5, random_state=0
        )
        predicted = forest.fit(inputs[seen], truth[seen]).predict(inputs[fold == out])
        taus.append(kendalltau(predicted.round(9), truth[fold == out])[0])
    found = ranked(table, cell_features=True)
    assert found["tau"] == pytest.approx(np.mean(taus), abs=1e-3)
    assert (found["lo"], found["hi"]) == pytest.approx((min(taus), max(taus)), abs=1e-3)
    assert (found["n"], found["trained"]) == (N_CELLS, 60)


class Recorded:
    """A forest that predicts what it is given, and keeps which classes it was fitted to."""

    def __init__(self, pairs):
        self.pairs = pairs

    def fit(self, inputs, targets):
        self.fitted = set(inputs[:, 0])
        return self

    def predict(self, inputs):
        self.pairs.append((self.fitted, set(inputs[:, 0])))
        return inputs[:, 0]


def test_the_size_of_a_leaf_is_chosen_on_classes_not_used(monkeypatch):
    pairs = []
    monkeypatch.setattr(learned, "_forest", lambda leaf, seed: Recorded(pairs))
    of_class = np.random.default_rng(0).integers(9, size=60)
    inputs = of_class[:, None].astype(np.float32)
    learned._leaf(inputs, of_class.astype(float), of_class, 0)
    assert len(pairs) == 4
    for fitted, judged in pairs:
        assert fitted
        assert judged
        assert not fitted & judged
        assert fitted | judged == set(of_class)
    alone = np.zeros(4, dtype=np.int64)
    assert learned._leaf(inputs[:4], np.arange(4.0), alone, 0) == learned.LEAVES[0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "needs features"),
        ({"cell_features": True, "trained": 3}, "cannot learn from 3 of"),
        ({"cell_features": True, "trained": 20_000}, "cannot learn from 20000 of"),
        ({"cell_features": True, "cells": np.zeros(N_CELLS, bool)}, "0 cells of 0 functional"),
        (
            {"cell_features": True, "cells": equivalence.classes("functional") == 1},
            "of 1 functional classes are in 1 of 5 folds",
        ),
    ],
)
def test_mistakes_are_sentences(table, given, said):
    with pytest.raises(UserError, match=said):
        ranked(table, **given)
