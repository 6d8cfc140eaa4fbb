"""Features of functional classes against what can be counted by hand and from other modules."""

import numpy as np
import pytest

from benchsuite.space.cell import N_CELLS, OPS, Cell, all_ops, live_edges
from benchsuite.space.equivalence import classes
from benchsuite.space.features import PATHS, _cell_features, class_features


@pytest.fixture(scope="module")
def cells():
    return _cell_features()


def value(cells, name, arch):
    return cells[name][Cell.from_arch(arch).index, 0]


def test_features_of_one_cell_by_hand(cells):
    arch = "|nor_conv_3x3~0|+|avg_pool_3x3~0|skip_connect~1|+|none~0|nor_conv_1x1~1|skip_connect~2|"
    by_hand = {  # paths: 3x3 1x1; pool; 3x3
        "n_paths": 3,
        "n_identity": 0,
        "n_nor_conv_3x3": 1,
        "n_skip_connect": 2,
        "max_convs": 2,
        "min_convs": 0,
        "mean_convs": 1,
        "max_wide": 1,
        "min_ops": 1,
    }
    assert {name: value(cells, name, arch) for name in by_hand} == by_hand


def test_as_many_paths_as_a_walk_finds(cells):
    live = live_edges(all_ops())
    walked = sum(live[:, list(path)].all(axis=1).astype(int) for path in PATHS)
    assert np.array_equal(cells["n_paths"][:, 0], walked)
    assert np.array_equal(cells["paths"].sum(axis=1), walked)
    assert np.array_equal(cells["bags"].sum(axis=1), walked)


def test_path_counts_depend_on_the_function_alone(cells):
    """Equal functions have the same paths, so the mean over a class changes nothing."""
    of_class = classes("functional")
    first = np.unique(of_class, return_index=True)[1]
    for name in ("paths", "bags", "n_paths", "n_identity", "max_convs", "min_convs"):
        assert np.array_equal(cells[name], cells[name][first][of_class]), name


def test_shapes_and_scale(cells):
    features = class_features()
    assert all(len(group) == N_CELLS for group in cells.values())
    assert features.keys() == cells.keys()
    assert {f"edge{i}{j}" for i, j in ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))} < set(cells)
    assert cells["edge01"].shape[1] == len(OPS) - 1
    for name, group in features.items():
        assert len(group) == classes("functional").max() + 1
        assert group.mean(axis=0) == pytest.approx(0, abs=1e-9), name
        assert group.var(axis=0).sum() == pytest.approx(1), name
