"""Costs: closed forms for every cell, and layer by layer on samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchsuite.space import cost
from benchsuite.space.cell import CONV1, CONV3, N_CELLS, NONE, Cell, all_ops, live_edges, prune
from benchsuite.space.deploy import deploy
from benchsuite.space.network import OFFICIAL, Layer, Skeleton, build

CONVS1, CONVS3 = ((all_ops() == op).sum(axis=1) for op in (CONV1, CONV3))
cells = st.integers(0, N_CELLS - 1).map(Cell.from_index)
skeletons = st.builds(
    Skeleton,
    channels=st.integers(1, 20),
    cells_per_stage=st.integers(1, 6),
    resolution=st.sampled_from([4, 8, 12, 32]),
    classes=st.integers(1, 20),
)


@pytest.mark.parametrize(
    ("dataset", "base"), [("cifar10", 73306), ("cifar100", 79156), ("imagenet16-120", 80456)]
)
def test_parameters_of_every_cell(dataset, base):
    expected = base + 28000 * CONVS1 + 243040 * CONVS3
    np.testing.assert_array_equal(cost.all_params(OFFICIAL[dataset]), expected)


@pytest.mark.parametrize(
    ("dataset", "base", "one", "three"),
    [
        ("cifar10", 7783050, 3932160, 35389440),
        ("cifar100", 7788900, 3932160, 35389440),
        ("imagenet16-120", 1953400, 983040, 8847360),
    ],
)
def test_flops_of_every_cell(dataset, base, one, three):
    expected = base + one * CONVS1 + three * CONVS3
    np.testing.assert_array_equal(cost.all_flops(OFFICIAL[dataset]), expected)


@given(skeletons)
@settings(deadline=None, max_examples=25)
def test_flops_of_the_smallest_cell_at_any_size(skeleton):
    """Stem, two residual blocks and the classifier, by hand: nothing here is a power of two."""
    c, half, quarter = skeleton.channels, skeleton.resolution // 2, skeleton.resolution // 4
    stem = 9 * 3 * c * skeleton.resolution**2
    blocks = (9 * 2 + 9 * 4 + 2) * c**2 * half**2 + (9 * 8 + 9 * 16 + 8) * c**2 * quarter**2
    expected = stem + blocks + (4 * c + 1) * skeleton.classes
    assert cost.flops(build(Cell((NONE,) * 6), skeleton)) == expected
    assert cost.all_flops(skeleton).min() == expected


@pytest.mark.parametrize(
    "costs",
    [
        cost.all_params,
        cost.all_flops,
        cost.all_tensors,
        cost.all_deployed_params,
        cost.all_deployed_macs,
    ],
)
def test_costs_are_whole_numbers_that_cannot_be_overwritten(costs):
    """Every caller gets the one array that is kept."""
    counts = costs(Skeleton())
    assert counts.shape == (N_CELLS,)
    assert counts.dtype == np.int64
    with pytest.raises(ValueError, match="read-only"):
        counts[0] = 0
    assert costs(Skeleton()) is counts


@pytest.mark.parametrize("dataset", OFFICIAL)
def test_tensors_of_every_cell(dataset):
    """Stem 3, two residual blocks of 7, last BN 2, classifier 2; a convolution and its BN 3."""
    expected = 3 + 2 * 7 + 2 + 2 + 15 * 3 * (CONVS1 + CONVS3)
    np.testing.assert_array_equal(cost.all_tensors(OFFICIAL[dataset]), expected)


@pytest.mark.parametrize(
    ("kind", "bias", "params", "tensors", "macs"),
    [
        ("conv", False, 9 * 3 * 8, 1, 9 * 3 * 8 * 4 * 5),
        ("conv", True, 9 * 3 * 8 + 8, 2, 9 * 3 * 8 * 4 * 5),
        ("linear", True, 9 * 3 * 8 + 8, 2, 9 * 3 * 8 * 4 * 5),
        ("bn", False, 16, 2, 0),
        ("affine", False, 16, 2, 0),
        ("constant", False, 8, 1, 0),
        ("relu", False, 0, 0, 0),
        ("avg_pool", False, 0, 0, 0),
        ("add", False, 0, 0, 0),
    ],
)
def test_costs_of_one_layer(kind, bias, params, tensors, macs):
    layer = Layer("x", kind, (0,), (8, 4, 5), 3, kernel=3, bias=bias)
    assert cost.layer_params(layer) == params
    assert cost.layer_tensors(layer) == tensors
    assert cost.layer_macs(layer) == macs


def test_a_dead_cell_is_deployed_as_its_logits():
    skeleton = Skeleton(classes=7)
    dead = ~live_edges(all_ops()).any(axis=1)
    assert dead.sum() == 341
    assert (cost.all_deployed_params(skeleton)[dead] == 7).all()
    assert not cost.all_deployed_macs(skeleton)[dead].any()
    assert (cost.all_deployed_macs(skeleton)[~dead] > 0).all()


def test_published_figures_of_the_best_cells():
    """153.27 M and 184.73 M FLOPs, as the official tables print them."""
    assert cost.all_flops(OFFICIAL["cifar10"])[6111] == 153_272_970
    assert cost.all_params(OFFICIAL["cifar10"])[6111] == 1_073_466
    assert cost.all_flops(OFFICIAL["cifar10"])[9930] == 184_730_250
    assert cost.all_params(OFFICIAL["cifar10"])[9930] == 1_288_506


@given(cells, skeletons)
@settings(max_examples=40, deadline=None)
def test_vectorised_costs_are_sums_over_layers(cell, skeleton):
    index = cell.index
    trained, deployed = build(cell, skeleton), deploy(cell, skeleton)
    assert cost.all_params(skeleton)[index] == cost.params(trained)
    assert cost.all_flops(skeleton)[index] == cost.flops(trained)
    assert cost.all_tensors(skeleton)[index] == cost.tensors(trained)
    assert cost.all_deployed_params(skeleton)[index] == cost.params(deployed)
    assert cost.all_deployed_macs(skeleton)[index] == cost.macs(deployed)


def test_only_dead_operators_and_bn_are_saved_by_deployment():
    """Without dead operators the multiply-accumulates are the FLOPs less the classifier's bias."""
    skeleton = OFFICIAL["cifar10"]
    whole = (prune(all_ops()) == all_ops()).all(axis=1) & live_edges(all_ops()).any(axis=1)
    saved = cost.all_flops(skeleton) - cost.all_deployed_macs(skeleton)
    assert (saved[whole] == skeleton.classes).all()
    assert (saved >= skeleton.classes).all()
    assert (cost.all_deployed_params(skeleton) < cost.all_params(skeleton)).all()


def test_28_pairs_of_flops_and_params():
    pairs = set(
        zip(cost.all_flops(Skeleton()).tolist(), cost.all_params(Skeleton()).tolist(), strict=True)
    )
    assert len(pairs) == 28
