"""The network of a cell: one description from which costs, devices and torch modules are made."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchsuite.errors import UserError
from benchsuite.space.cell import CONV1, CONV3, N_CELLS, POOL, Cell, live_edges
from benchsuite.space.deploy import deploy
from benchsuite.space.network import OFFICIAL, Skeleton, build

cells = st.integers(0, N_CELLS - 1).map(Cell.from_index)
skeletons = st.builds(
    Skeleton,
    channels=st.integers(1, 20),
    cells_per_stage=st.integers(1, 3),
    resolution=st.sampled_from([4, 8, 12, 32]),
    classes=st.integers(1, 20),
)


def shapes_fit(network):
    for position, layer in enumerate(network.layers):
        before = [network.layers[at].shape for at in layer.inputs]
        assert all(at < position for at in layer.inputs)
        if layer.kind in ("bn", "relu", "zero", "add", "affine"):
            assert set(before) == {layer.shape}
        if layer.kind in ("conv", "avg_pool"):
            (channels, height, width) = before[0]
            assert layer.in_channels == channels
            assert layer.shape[1:] == (height // layer.stride, width // layer.stride)
        if layer.kind == "linear":
            assert before == [(layer.in_channels, 1, 1)]


@given(cells, skeletons)
@settings(max_examples=50)
def test_every_layer_reads_earlier_layers_of_its_shape(cell, skeleton):
    shapes_fit(build(cell, skeleton))
    shapes_fit(deploy(cell, skeleton))


@given(cells, skeletons)
@settings(max_examples=50)
def test_names_are_unique_and_logits_come_last(cell, skeleton):
    network = build(cell, skeleton)
    assert len({layer.name for layer in network.layers}) == len(network.layers)
    assert network.layers[-1].shape == (skeleton.classes, 1, 1)


@given(cells)
@settings(max_examples=50)
def test_layers_of_a_trained_network(cell):
    """Counted by hand: stem, two reduction blocks of three convolutions, 15 cells, classifier."""
    kinds = Counter(layer.kind for layer in build(cell).layers)
    convs = 15 * sum(op in (CONV1, CONV3) for op in cell.ops)
    assert kinds["conv"] == 1 + 2 * 3 + convs
    assert kinds["bn"] == 1 + 2 * 2 + convs + 1
    assert kinds["avg_pool"] == 2 + 15 * cell.ops.count(POOL)
    assert kinds["zero"] == 15 * cell.ops.count(0)
    assert kinds["linear"] == kinds["global_pool"] == 1


@given(cells, skeletons)
@settings(max_examples=50)
def test_deployed_networks_hold_what_a_device_runs(cell, skeleton):
    network = deploy(cell, skeleton)
    if not live_edges(np.array([cell.ops])).any():
        assert [layer.kind for layer in network.layers] == ["constant"]
        return
    kinds = Counter(layer.kind for layer in network.layers)
    assert not kinds["bn"]
    assert not kinds["zero"]
    assert kinds["affine"] <= 1
    assert all(layer.bias for layer in network.layers if layer.kind == "linear")
    assert all(len(layer.inputs) == 2 for layer in network.layers if layer.kind == "add")
    read = Counter(at for layer in network.layers for at in layer.inputs)
    assert all(read[at] for at in range(len(network.layers) - 1)), "a layer that nobody reads"


def test_relu_is_shared_and_fused():
    """Two convolutions that read one node share one ReLU; the last ReLU is fused."""
    both = deploy(Cell((CONV3, CONV1, 0, 0, 1, 1)), Skeleton(cells_per_stage=1))
    relus = [layer for layer in both.layers if layer.kind == "relu"]
    assert len(relus) + sum(layer.relu for layer in both.layers) == 3 + 2 * 2 + 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"channels": 0},
        {"channels": 1.5},
        {"cells_per_stage": -1},
        {"resolution": 30},
        {"classes": True},
        {"resolution": "32"},
    ],
)
def test_impossible_skeletons_are_refused(wrong):
    with pytest.raises(UserError, match=next(iter(wrong))):
        Skeleton(**wrong)


def test_official_skeletons():
    assert OFFICIAL["cifar10"] == Skeleton(16, 5, 32, 10)
    assert OFFICIAL["imagenet16-120"] == Skeleton(16, 5, 16, 120)
